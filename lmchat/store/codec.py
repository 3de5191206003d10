"""Text and values as SQLite keeps them.

SQLite and JSON hold UTF-8, but a Python string may also hold lone surrogates: bytes of a command line or a file name
that were no UTF-8, or half a character from a careless server. They are kept as the three bytes UTF-8 would give
them, so that what is read is exactly what was written. Such text is bound as bytes, and has to be CAST AS TEXT.
"""

from __future__ import annotations

import json
from typing import TypeVar

import msgspec

from lmchat.values.errors import StoreError

T = TypeVar("T")


def write_text(text: str) -> bytes:
    """A string for `CAST(? AS TEXT)`."""
    return text.encode("utf-8", "surrogatepass")


def read_text(raw: bytes) -> str:
    """A string as it was written; bytes that `write_text` never gives, as on a failing disk, become U+FFFD."""
    try:
        return raw.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return raw.decode("utf-8", "replace")


def write_json(value: object) -> bytes:
    """A value as JSON for `CAST(? AS TEXT)`."""
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        return write_text(json.dumps(msgspec.to_builtins(value), ensure_ascii=False, separators=(",", ":")))


def read_json(text: str, decoder: msgspec.json.Decoder[T]) -> T:
    """The value that `write_json` was given.

    Raises:
        StoreError: the text is not such a value.
    """
    try:
        try:
            return decoder.decode(text)
        except UnicodeEncodeError:
            value: T = msgspec.convert(json.loads(text), decoder.type)
            return value
    except ValueError as wrong:
        raise StoreError(
            f"Something kept in the conversations cannot be read: {wrong}. It was kept by another version of lmchat, "
            "or is damaged; update lmchat, or go on in another conversation."
        ) from wrong
