"""What a model file says about itself: a strict, bounded reader of GGUF headers.

Files come from anywhere, so nothing in them is believed: counts and lengths are checked against the file and against
fixed limits before anything is read, and whatever does not fit is an EngineError. Only the metadata and the list of
tensors are read, never the weights. Format: the GGUF specification in the ggml repository, versions 2 and 3.
"""

from __future__ import annotations

import math
import os
import struct
from enum import IntEnum
from pathlib import Path
from typing import BinaryIO, Final, Literal

import msgspec

from lmchat.values.errors import EngineError

ModelKind = Literal["llm", "embedding", "mmproj", "adapter"]
Scalar = str | int | float | bool

_MAGIC: Final = b"GGUF"
_VERSIONS: Final = (2, 3)
_MAX_ENTRIES: Final = 65_536
_MAX_NAME_BYTES: Final = 65_535
_MAX_BYTES_READ: Final = 64 * 1024 * 1024
_MAX_ARRAY_STRINGS: Final = 2_000_000
_MAX_DIMENSIONS: Final = 4
_MAX_SHOWN_CHARACTERS: Final = 256

_EMBEDDING_ARCHITECTURES: Final = frozenset(
    {"bert", "nomic-bert", "nomic-bert-moe", "jina-bert-v2", "jina-bert-v3", "neo-bert", "modern-bert",
     "eurobert", "gemma-embedding", "t5encoder"}
)  # fmt: skip

# The numbers are llama.cpp's `llama_ftype`: each is a recipe for which tensor gets which type.
_FILE_TYPES: Final = {
    0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 7: "Q8_0", 8: "Q5_0", 9: "Q5_1", 10: "Q2_K", 11: "Q3_K_S",
    12: "Q3_K_M", 13: "Q3_K_L", 14: "Q4_K_S", 15: "Q4_K_M", 16: "Q5_K_S", 17: "Q5_K_M", 18: "Q6_K",
    19: "IQ2_XXS", 20: "IQ2_XS", 21: "Q2_K_S", 22: "IQ3_XS", 23: "IQ3_XXS", 24: "IQ1_S", 25: "IQ4_NL",
    26: "IQ3_S", 27: "IQ3_M", 28: "IQ2_S", 29: "IQ2_M", 30: "IQ4_XS", 31: "IQ1_M", 32: "BF16",
    36: "TQ1_0", 37: "TQ2_0", 38: "MXFP4",
}  # fmt: skip


class GgufInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A model file's description of itself; None where it says nothing. Texts are as found, but at most 256 long."""

    path: Path
    size_bytes: int
    kind: ModelKind
    architecture: str
    name: str | None
    basename: str | None
    size_label: str | None
    parameters: int
    """Weights in this file, counted."""
    quantization: str | None
    bits: int | None
    """Bits of a weight as the quantisation's name has it."""
    context_length: int | None
    """Tokens the model was made for."""
    has_chat_template: bool
    mentions_tools: bool
    """The chat template has words for tools; whether the model can use them is another matter."""
    split: tuple[int, int] | None
    """(number from 0, count) when this file is one part of a model."""
    layers: int | None = None
    cached_numbers: int | None = None
    """How many numbers the model keeps for each token of context, keys and values of all layers together."""
    names_pooling: bool = False
    """It says how the vectors of a text's tokens become one; without that a loader has to choose."""

    @property
    def parameters_label(self) -> str:
        """Such as 135M or 7B: the file's own label, else the count in round figures."""
        return self.size_label or _round_figures(self.parameters)


class _Type(IntEnum):
    UINT8, INT8, UINT16, INT16, UINT32, INT32, FLOAT32, BOOL, STRING, ARRAY, UINT64, INT64, FLOAT64 = range(13)


_NUMBERS: Final = {
    _Type.UINT8: struct.Struct("<B"), _Type.INT8: struct.Struct("<b"),
    _Type.UINT16: struct.Struct("<H"), _Type.INT16: struct.Struct("<h"),
    _Type.UINT32: struct.Struct("<I"), _Type.INT32: struct.Struct("<i"),
    _Type.UINT64: struct.Struct("<Q"), _Type.INT64: struct.Struct("<q"),
    _Type.FLOAT32: struct.Struct("<f"), _Type.FLOAT64: struct.Struct("<d"),
    _Type.BOOL: struct.Struct("<?"),
}  # fmt: skip


def read_gguf(path: Path) -> GgufInfo:
    """Read the header of one file. Raises EngineError when it cannot be read or is not a GGUF file that makes sense."""
    try:
        if not path.exists():
            raise EngineError(f"There is no model file {path}. Check the name.")
        if not path.is_file():  # opening a pipe would wait for ever
            raise _BadHeaderError("it is no regular file")
        with path.open("rb") as file:
            header = _Header(file)
            metadata, parameters = header.read()
            return _info(path, header.size, metadata, parameters)
    except OSError as error:
        raise EngineError(f"{path} cannot be read: {error.strerror or error}.") from error
    except _BadHeaderError as error:
        raise EngineError(
            f"{path} is not a model that can be used: {error}. Get it again, or use another GGUF file."
        ) from error


class _BadHeaderError(Exception):
    """The bytes are no GGUF header; the text says why, as part of a sentence."""


class _Header:
    """A cursor over the header that never goes past the end of the file nor over a limit."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.size: Final = file.seek(0, os.SEEK_END)
        self._left = self.size
        self._readable = _MAX_BYTES_READ
        self._strings_left = _MAX_ARRAY_STRINGS
        file.seek(0)

    def read(self) -> tuple[dict[str, Scalar], int]:
        """The scalar metadata, and the number of weights."""
        if self.size < len(_MAGIC) or self._take(len(_MAGIC)) != _MAGIC:
            raise _BadHeaderError("it is no GGUF file")
        version = self._integer(_Type.UINT32)
        if version not in _VERSIONS:
            raise _BadHeaderError(f"its GGUF version is {version}, and 2 and 3 are known")
        tensors, entries = self._count("tensors"), self._count("metadata")
        metadata: dict[str, Scalar] = {}
        for _ in range(entries):
            key = self._string(_MAX_NAME_BYTES)
            value = self._value(self._type())
            if value is not None:
                metadata[key] = value
        return metadata, sum(self._tensor() for _ in range(tensors))

    def _value(self, kind: _Type) -> Scalar | None:
        if kind is _Type.STRING:
            return self._string(_MAX_BYTES_READ)
        if kind is _Type.ARRAY:
            self._skip_array()
            return None
        return self._number(kind)

    def _skip_array(self) -> None:
        kind, count = self._type(), self._integer(_Type.UINT64)
        if kind is _Type.ARRAY:
            raise _BadHeaderError("it has a list of lists")
        if kind is _Type.STRING:
            self._skip_strings(count)
        else:
            self._skip(count * _NUMBERS[kind].size)

    def _skip_strings(self, count: int) -> None:
        if count > self._strings_left:
            raise _BadHeaderError("its lists are too long")
        self._strings_left -= count
        for _ in range(count):
            self._skip(self._integer(_Type.UINT64))

    def _tensor(self) -> int:
        """Pass one entry of the tensor list, and give its number of weights."""
        self._skip(self._length(_MAX_NAME_BYTES))
        dimensions = self._integer(_Type.UINT32)
        if dimensions > _MAX_DIMENSIONS:
            raise _BadHeaderError(f"it has a tensor with {dimensions} dimensions")
        weights = math.prod(self._integer(_Type.UINT64) for _ in range(dimensions))
        self._skip(_NUMBERS[_Type.UINT32].size + _NUMBERS[_Type.UINT64].size)  # type and offset
        return weights

    def _count(self, what: str) -> int:
        count = self._integer(_Type.UINT64)
        if count > _MAX_ENTRIES:
            raise _BadHeaderError(f"it claims to have {count} entries of {what}")
        return count

    def _type(self) -> _Type:
        number = self._integer(_Type.UINT32)
        try:
            return _Type(number)
        except ValueError:
            raise _BadHeaderError(f"it has a value of the unknown type {number}") from None

    def _string(self, limit: int) -> str:
        return self._take(self._length(limit)).decode(errors="replace")

    def _length(self, limit: int) -> int:
        length = self._integer(_Type.UINT64)
        if length > limit:
            raise _BadHeaderError("it has a text that is too long")
        return length

    def _integer(self, kind: _Type) -> int:
        number = self._number(kind)
        assert isinstance(number, int)
        return number

    def _number(self, kind: _Type) -> int | float | bool:
        layout = _NUMBERS[kind]
        number: int | float | bool = layout.unpack(self._take(layout.size))[0]
        return number

    def _take(self, length: int) -> bytes:
        self._claim(length)
        self._readable -= length
        if self._readable < 0:
            raise _BadHeaderError("its description is too long")
        data = self._file.read(length)
        if len(data) < length:
            raise _BadHeaderError("it ends too early")
        return data

    def _skip(self, length: int) -> None:
        self._claim(length)
        self._file.seek(length, os.SEEK_CUR)

    def _claim(self, length: int) -> None:
        if length > self._left:
            raise _BadHeaderError("it ends too early")
        self._left -= length


def _info(path: Path, size: int, metadata: dict[str, Scalar], parameters: int) -> GgufInfo:
    architecture = _text(metadata, "general.architecture")
    if architecture is None:
        raise _BadHeaderError("it does not say what kind of model it is")
    quantization = _FILE_TYPES.get(_whole(metadata, "general.file_type", default=-1))
    template = metadata.get("tokenizer.chat_template")
    template = template if isinstance(template, str) else ""
    parts = _whole(metadata, "split.count")
    return GgufInfo(
        path=path,
        size_bytes=size,
        kind=_kind(architecture, metadata),
        architecture=architecture,
        name=_text(metadata, "general.name"),
        basename=_text(metadata, "general.basename"),
        size_label=_text(metadata, "general.size_label"),
        parameters=parameters,
        quantization=quantization,
        bits=_bits(quantization),
        context_length=_whole(metadata, f"{architecture}.context_length") or None,
        has_chat_template=bool(template),
        mentions_tools="tools" in template or "tool_call" in template,
        split=(_whole(metadata, "split.no"), parts) if parts > 1 else None,
        layers=_whole(metadata, f"{architecture}.block_count") or None,
        cached_numbers=_cached_numbers(architecture, metadata),
        names_pooling=_whole(metadata, f"{architecture}.pooling_type") > 0,
    )


def _kind(architecture: str, metadata: dict[str, Scalar]) -> ModelKind:
    declared = metadata.get("general.type")
    if architecture == "clip" or declared == "mmproj":
        return "mmproj"
    if declared in ("adapter", "imatrix"):
        return "adapter"
    # Rerankers and embedding models name how they pool; 0 is llama.cpp's "not at all".
    pools = _whole(metadata, f"{architecture}.pooling_type") > 0
    return "embedding" if pools or architecture in _EMBEDDING_ARCHITECTURES else "llm"


def _cached_numbers(architecture: str, metadata: dict[str, Scalar]) -> int | None:
    def number(name: str) -> int:
        return _whole(metadata, f"{architecture}.{name}")

    heads = number("attention.head_count")
    if not heads:
        return None
    # Without a number of their own there are as many heads for keys and values as for queries.
    kv_heads = number("attention.head_count_kv") or heads
    width = number("embedding_length") // heads
    key, value = number("attention.key_length") or width, number("attention.value_length") or width
    return number("block_count") * kv_heads * (key + value) or None


def _bits(quantization: str | None) -> int | None:
    digits = (character for character in quantization or "" if character.isdigit())
    first = next(digits, None)
    if first is None:
        return None
    return {"F32": 32, "F16": 16, "BF16": 16}.get(quantization or "", int(first))


def _text(metadata: dict[str, Scalar], key: str) -> str | None:
    value = metadata.get(key)
    return value[:_MAX_SHOWN_CHARACTERS] if isinstance(value, str) and value else None


def _whole(metadata: dict[str, Scalar], key: str, *, default: int = 0) -> int:
    value = metadata.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else default


def _round_figures(count: int) -> str:
    for unit, letter in ((10**9, "B"), (10**6, "M"), (10**3, "K")):
        if count >= unit:
            amount = count / unit
            return f"{amount:.1f}".rstrip("0").rstrip(".") + letter if amount < 10 else f"{amount:.0f}{letter}"
    return str(count)
