"""Conversations as JSON, complete: what is written is read back as the same value.

The file is `{"format": "lmchat-conversations", "version": 1, "conversations": [...]}`, each conversation with the
fields of `ConversationDocument`. Fields that are not known are passed over, so that a later lmchat may add some; one
that changes what is there raises the version, and is then refused by this one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

import msgspec

from lmchat.exchange.coding import file_bytes, from_json, to_json
from lmchat.exchange.formats import Format, Imported
from lmchat.exchange.tree import mended
from lmchat.values.errors import LMStudioValueError
from lmchat.values.history import ConversationDocument

VERSION: Final = 1


class _Header(msgspec.Struct):
    version: int


class _File(msgspec.Struct, kw_only=True):
    format: Literal["lmchat-conversations"] = "lmchat-conversations"
    version: int = VERSION
    conversations: tuple[ConversationDocument, ...]


_HEADER: Final = msgspec.json.Decoder(_Header)
_FILE: Final = msgspec.json.Decoder(_File)


def write_json(documents: Sequence[ConversationDocument]) -> bytes:
    """Conversations as the content of a file."""
    return file_bytes(to_json(_File(conversations=tuple(documents)), indent=2) + "\n")


def read_json(data: bytes) -> Imported:
    """The conversations that `write_json` was given.

    Raises:
        LMStudioValueError: it is no such file, or one of a newer lmchat.
    """
    version = from_json(data, _HEADER).version
    if version > VERSION:
        raise LMStudioValueError(
            f"This file was written by a newer lmchat: its version is {version}, and up to {VERSION} can be read. "
            "Update lmchat, and import it then."
        )
    results = [mended(document) for document in from_json(data, _FILE).conversations]
    return Imported(
        Format.JSON,
        tuple(document for document, _ in results),
        tuple(note for _, notes in results for note in notes),
    )
