"""What a server says about a model: on its disk (`LlmInfo`), or loaded (`LlmInstanceInfo`).

Field names follow LM Studio's Python SDK; the JSON form is the protocol's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self, TypeAlias, get_args

import msgspec

from lmchat.values.errors import LMStudioValueError

ModelNamespace: TypeAlias = Literal["llm", "embedding"]
"""The kinds of model, which are namespaces of a server's."""


def read_namespace(given: str | None) -> ModelNamespace | None:
    """A kind of model, or None for all of them.

    Raises:
        LMStudioValueError: there is no such kind.
    """
    for known in get_args(ModelNamespace):
        if given == known:
            return known  # type: ignore[no-any-return]  # get_args does not tell the types of its values
    if given is not None:
        raise LMStudioValueError(f"There are no models of kind {given!r}. Use 'llm' or 'embedding'.")
    return None


def _null() -> None:
    """Default of fields that the protocol wants present even when null; a factory is never omitted by encoding."""


class Quantization(msgspec.Struct, frozen=True):
    """How a model's weights are stored."""

    name: str
    bits: float


class _Model(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True, tag_field="type"):
    model_key: str
    """What a person types to load the model."""
    format: str
    display_name: str
    path: str
    """`publisher/repository/file`, relative to the server's model folder."""
    size_bytes: int
    max_context_length: int
    """The longest context the model was made for, in tokens."""
    publisher: str = msgspec.field(default_factory=str)
    indexed_model_identifier: str = msgspec.field(default_factory=str)
    device_identifier: str | None = msgspec.field(default_factory=_null)
    """The machine that has the model; None is the server's own."""
    params_string: str | None = None
    architecture: str | None = None
    quantization: Quantization | None = None
    variants: tuple[str, ...] | None = None
    """Keys of the model's other forms, such as other quantizations."""
    selected_variant: str | None = None

    @property
    def kind(self) -> ModelNamespace:
        """Which kind of model it is."""
        return "embedding" if self.__struct_config__.tag == "embedding" else "llm"

    def in_short(self) -> str:
        """What tells it from other models, for people."""
        names = ("model_key", "display_name", "architecture", "vision")
        return ", ".join(f"{name}={getattr(self, name)!r}" for name in names if hasattr(self, name))

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The value for the protocol's JSON form.

        Raises:
            LMStudioValueError: it has not that form.
        """
        try:
            return msgspec.convert(data, cls)
        except msgspec.ValidationError as wrong:
            raise LMStudioValueError(f"This is no {cls.__name__}: {wrong}.") from None

    def to_dict(self) -> dict[str, Any]:
        """The value in the protocol's JSON form."""
        data: dict[str, Any] = msgspec.to_builtins(self)
        return data

    def __str__(self) -> str:
        text = msgspec.json.format(msgspec.json.encode(self, order="sorted"), indent=2).decode()
        return f"{type(self).__name__}.from_dict({text})"


class _Instance(_Model, frozen=True, kw_only=True):
    identifier: str
    """The name of this instance, unique on its server."""
    instance_reference: str
    context_length: int
    """The context it was loaded with, in tokens."""
    ttl_ms: float | None = msgspec.field(default_factory=_null)
    """Milliseconds of idleness after which it is unloaded; None: it stays."""
    last_used_time: float | None = msgspec.field(default_factory=_null)
    """Unix milliseconds of its last use."""


class LlmInfo(_Model, frozen=True, kw_only=True, tag="llm"):
    """A language model on a server's disk."""

    vision: bool = msgspec.field(default_factory=lambda: False)
    trained_for_tool_use: bool = msgspec.field(default_factory=lambda: False)


class EmbeddingModelInfo(_Model, frozen=True, kw_only=True, tag="embedding"):
    """An embedding model on a server's disk."""


class LlmInstanceInfo(_Instance, frozen=True, kw_only=True, tag="llm"):
    """A language model that is loaded."""

    vision: bool = msgspec.field(default_factory=lambda: False)
    trained_for_tool_use: bool = msgspec.field(default_factory=lambda: False)

    def model(self) -> LlmInfo:
        """What holds for the model whichever instance answers."""
        return LlmInfo(**{name: getattr(self, name) for name in LlmInfo.__struct_fields__})


class EmbeddingModelInstanceInfo(_Instance, frozen=True, kw_only=True, tag="embedding"):
    """An embedding model that is loaded."""


ModelInfo: TypeAlias = LlmInfo | EmbeddingModelInfo
ModelInstanceInfo: TypeAlias = LlmInstanceInfo | EmbeddingModelInstanceInfo
