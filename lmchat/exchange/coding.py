"""JSON as these files carry it: whatever a Python string holds comes back as it was.

A lone surrogate (half a character from a careless server, a byte of a file name) is written as JSON's own escape. Only
where two of them stand side by side in a string, which an escape would join, is each kept as the three bytes UTF-8
would give it; such a file is read here, and other programs show replacement characters in it.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any, Final, NoReturn, TypeVar

import msgspec

from lmchat.values.errors import LMStudioValueError

T = TypeVar("T")

_APART: Final = re.compile("[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]")
_BOM: Final = b"\xef\xbb\xbf"


def file_bytes(text: str) -> bytes:
    """Text as a file holds it."""
    return text.encode("utf-8", "surrogatepass")


def file_text(data: bytes) -> str:
    """The text of a file, without a byte order mark; bytes that no text has become U+FFFD."""
    data = data.removeprefix(_BOM)
    try:
        return data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return data.decode("utf-8", "replace")


def to_json(value: object, *, indent: int = 0) -> str:
    """A value as JSON: on one line, or indented by so many spaces."""
    try:
        encoded = msgspec.json.encode(value)
        return (msgspec.json.format(encoded, indent=indent) if indent else encoded).decode()
    except UnicodeEncodeError:
        separators = (",", ": " if indent else ":")
        plain = msgspec.to_builtins(value)
        written = json.dumps(plain, ensure_ascii=False, indent=indent or None, separators=separators)
        return _APART.sub(lambda found: f"\\u{ord(found[0]):04x}", written)


def from_json(data: bytes | str, decoder: msgspec.json.Decoder[T]) -> T:
    """The value that JSON stands for.

    Raises:
        LMStudioValueError: it is no JSON, or not that of such a value; the message says where.
    """
    try:
        return _decode(data, decoder)
    except (ValueError, RecursionError, OverflowError) as wrong:
        raise LMStudioValueError(
            f"This file cannot be read as JSON of the kind it seems to be: {wrong}. It may have been cut or changed; "
            "export it again."
        ) from wrong


def _decode(data: bytes | str, decoder: msgspec.json.Decoder[T]) -> T:
    try:
        return decoder.decode(data.removeprefix(_BOM) if isinstance(data, bytes) else data)
    except msgspec.ValidationError:
        raise
    except (msgspec.DecodeError, UnicodeError):  # it may only have surrogates that stand alone
        text = data if isinstance(data, str) else file_text(data)
        plain = json.loads(text, parse_constant=_no_number, parse_float=_finite)
        found: T = msgspec.convert(plain, decoder.type)
        return found


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _no_number(text)


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text[:20]} is no number of JSON")


ANY: Final[msgspec.json.Decoder[Any]] = msgspec.json.Decoder()
"""For JSON of any shape."""
