"""Configs as the wire carries them: lists of settings by key, in layers, read in both directions."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from lmchat.protocol.config_keys import EMBEDDING_LOAD, LLM_LOAD, PREDICTION, KeyMap, gpu_from_wire, gpu_to_wire
from lmchat.values.config import (
    AnyLoadConfig,
    ConfigT,
    EmbeddingLoadModelConfig,
    LlmLoadModelConfig,
    LlmPredictionConfig,
)
from lmchat.values.errors import LMStudioValueError


class KVField(msgspec.Struct, frozen=True):
    """One setting."""

    key: str
    value: Any = None


class KVConfig(msgspec.Struct, frozen=True):
    """Settings in order; a later one wins over an earlier of the same key."""

    fields: tuple[KVField, ...] = ()

    def values(self) -> dict[str, Any]:
        """The settings that hold, by key."""
        return {field.key: field.value for field in self.fields}


class KVConfigLayer(msgspec.Struct, frozen=True, rename="camel"):
    """Settings from one origin."""

    layer_name: str
    config: KVConfig


class KVConfigStack(msgspec.Struct, frozen=True):
    """Settings from several origins; a later layer wins over an earlier."""

    layers: tuple[KVConfigLayer, ...] = ()

    def collapse(self) -> dict[str, Any]:
        """The settings that hold, by key."""
        return {field.key: field.value for layer in self.layers for field in layer.config.fields}

    def has_layer(self, name: str) -> bool:
        """Whether any settings come from this origin."""
        return any(layer.layer_name == name for layer in self.layers)


API_OVERRIDE: Final = "apiOverride"
"""The layer of what a client asks for."""
COMPLETE_MODE: Final = "completeModeFormatting"
"""The layer whose presence says that the prompt is raw text."""
_AS_IT_IS: Final = "{% for message in messages %}{{ message['content'] }}{% endfor %}"
_RAW_TEMPLATE: Final = {
    "type": "jinja",
    "jinjaPromptTemplate": {
        "template": _AS_IT_IS,
        "bosToken": "",
        "eosToken": "",
        "inputConfig": {"messagesConfig": {"contentConfig": {"type": "string"}}, "useTools": False},
    },
    "stopStrings": [],
}
"""The prompt template that adds nothing to what it is given."""


def prediction_stack(config: LlmPredictionConfig, *, raw_prompt: bool = False) -> KVConfigStack:
    """What a client asks of a prediction; with `raw_prompt` the history is to be continued as it is, untemplated."""
    stack = _stack(prediction_fields(config))
    if not raw_prompt:
        return stack
    template = KVConfig((KVField("llm.prediction.promptTemplate", _RAW_TEMPLATE),))
    return KVConfigStack((*stack.layers, KVConfigLayer(COMPLETE_MODE, template)))


def load_stack(config: AnyLoadConfig) -> KVConfigStack:
    """What a client asks of a load."""
    return _stack(load_fields(config))


def prediction_fields(config: LlmPredictionConfig) -> KVConfig:
    """A prediction's settings as a flat list."""
    return _fields(config, PREDICTION)


def load_fields(config: AnyLoadConfig) -> KVConfig:
    """A load's settings as a flat list."""
    return _fields(config, EMBEDDING_LOAD if isinstance(config, EmbeddingLoadModelConfig) else LLM_LOAD)


def read_prediction(settings: Mapping[str, Any]) -> LlmPredictionConfig:
    """The prediction config that settings by key stand for. Unknown keys and values that do not fit are left out."""
    return _read(settings, PREDICTION, LlmPredictionConfig)


def read_load(settings: Mapping[str, Any]) -> LlmLoadModelConfig:
    """The load config that settings by key stand for. Unknown keys and values that do not fit are left out."""
    return _read(settings, LLM_LOAD, LlmLoadModelConfig)


def read_embedding_load(settings: Mapping[str, Any]) -> EmbeddingLoadModelConfig:
    """Like `read_load`, for an embedding model."""
    return _read(settings, EMBEDDING_LOAD, EmbeddingLoadModelConfig)


def _stack(fields: KVConfig) -> KVConfigStack:
    return KVConfigStack((KVConfigLayer(API_OVERRIDE, fields),))


def _fields(config: LlmPredictionConfig | AnyLoadConfig, keys: KeyMap) -> KVConfig:
    settings = {**_raw_settings(config.raw), **dict(_named_settings(config, keys))}
    return KVConfig(tuple(KVField(key, value) for key, value in settings.items()))


def _named_settings(config: LlmPredictionConfig | AnyLoadConfig, keys: KeyMap) -> Iterable[tuple[str, Any]]:
    for name, setting in keys.settings.items():
        if (value := getattr(config, name)) is not None:
            for key in (setting.key, *setting.also):
                yield key, setting.to_wire(value)
    if not isinstance(config, LlmPredictionConfig) and config.gpu is not None and keys.gpu_prefix is not None:
        yield from gpu_to_wire(config.gpu, keys.gpu_prefix)


def _raw_settings(raw: dict[str, Any] | None) -> dict[str, Any]:
    """Settings by key, also from the form `{"fields": [{"key", "value"}]}` that the protocol has for them."""
    if raw is None or set(raw) != {"fields"}:
        return raw or {}
    try:
        return msgspec.convert(raw, KVConfig).values()
    except msgspec.ValidationError as wrong:
        raise LMStudioValueError(f"These raw settings do not fit: {wrong}.") from None


def _read(settings: Mapping[str, Any], keys: KeyMap, kind: type[ConfigT]) -> ConfigT:
    names = dict(zip(kind.__struct_fields__, kind.__struct_encode_fields__, strict=True))
    values = {name: setting.from_wire(settings.get(setting.key)) for name, setting in keys.settings.items()}
    if keys.gpu_prefix is not None:
        values["gpu"] = gpu_from_wire(settings, keys.gpu_prefix) or None
    found = {
        name: fitting
        for name, value in values.items()
        if value is not None and (fitting := _fitting(names[name], name, value, kind)) is not None
    }
    return kind(**found)


def _fitting(encoded: str, name: str, value: Any, kind: type[ConfigT]) -> Any:
    """An option's value, or None when it does not fit."""
    # Integers may come as floats, which only the lax reading takes; it would also take a text for a number.
    for strict in (True, False):
        with contextlib.suppress(msgspec.ValidationError):
            return getattr(msgspec.convert({encoded: value}, kind, strict=strict), name)
    return None
