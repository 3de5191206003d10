"""The kinds of files that hold conversations, told apart by how they begin."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lmchat.exchange.coding import file_text
from lmchat.values.errors import LMStudioOSError, LMStudioValueError
from lmchat.values.history import ConversationDocument

HEAD: Final = 65_536
"""Bytes from which a format is told."""


class Format(enum.StrEnum):
    """What a file of conversations is written in."""

    JSON = "json"
    """Ours; everything, any number of conversations."""
    MARKDOWN = "markdown"
    """Ours; everything, one conversation, for people to read."""
    HTML = "html"
    """Ours; only written."""
    LMSTUDIO = "lmstudio"
    """LM Studio's `*.conversation.json`; only read."""
    CHATGPT = "chatgpt"
    """ChatGPT's `conversations.json`; only read."""
    LLM = "llm"
    """The `logs.db` of the command line tool `llm`; only read."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What a file held."""

    format: Format
    documents: tuple[ConversationDocument, ...]
    notes: tuple[str, ...] = ()
    """What was left out or had to be changed, for a person; empty when nothing was."""


_SQLITE: Final = b"SQLite format 3\x00"
_ARCHIVE: Final = b"PK\x03\x04"
_FRONT_MATTER: Final = re.compile(r"---[ \t]*\r?\n(?:[^\n]*\n)*?lmchat[ \t]*:")
_PAGE: Final = re.compile(r"\s*(?:<!doctype html|<html)", re.IGNORECASE)


def _keys(*names: str) -> re.Pattern[str]:
    return re.compile(rf'(?<!\\)"(?:{"|".join(names)})"\s*:')


_OURS: Final = re.compile(r'(?<!\\)"format"\s*:\s*"lmchat-conversations"')
_CHATGPT: Final = _keys("mapping", "current_node")
_LMSTUDIO: Final = _keys(
    "versions",
    "currentlySelected",
    "userLastMessagedAt",
    "assistantLastMessagedAt",
    "usePerChatPredictionConfig",
    "perChatPredictionConfig",
    "lastUsedModel",
    "clientInput",
)


def sniff(source: Path | bytes) -> Format:
    """The format of a file, or of the file that begins with these bytes. It is told from the content, never the name.

    Raises:
        LMStudioValueError: it is none that is known; the message says what to do with what is mistaken for one.
        LMStudioOSError: the file cannot be read.
    """
    head = source[:HEAD] if isinstance(source, bytes) else _head(source)
    if head.startswith(_SQLITE):
        return Format.LLM
    if head.startswith(_ARCHIVE):
        raise LMStudioValueError("This is an archive. Unpack it, and import the conversations.json that is in it.")
    if not head.strip(b"\x00"):
        raise LMStudioValueError("This file holds nothing. If it held a conversation once, look for a backup of it.")
    return _sniff_text(file_text(head))


def _sniff_text(head: str) -> Format:
    if _FRONT_MATTER.match(head):
        return Format.MARKDOWN
    begin = head.lstrip()[:1]
    if begin == "{" and _OURS.search(head):
        return Format.JSON
    if begin and begin in "{[" and (found := _foreign(head)):
        return found
    if _PAGE.match(head):
        raise LMStudioValueError("This is a web page, which cannot be read back. Import the JSON or Markdown export.")
    raise LMStudioValueError(
        "This file is none of those that can be imported. Those are lmchat's JSON and Markdown exports, LM Studio's "
        "*.conversation.json, ChatGPT's conversations.json, and the logs.db of llm."
    )


def _foreign(head: str) -> Format | None:
    """Whose JSON it is: that whose key comes first, for a message may quote the other's."""
    found = [
        (match.start(), kind)
        for kind, keys in ((Format.CHATGPT, _CHATGPT), (Format.LMSTUDIO, _LMSTUDIO))
        if (match := keys.search(head))
    ]
    return min(found)[1] if found else None


def _head(path: Path) -> bytes:
    try:
        if not path.is_file():
            raise LMStudioOSError(f"{path} is not a file that can be read. Name a file of conversations.")
        with path.open("rb") as file:
            return file.read(HEAD)
    except OSError as failed:
        if isinstance(failed, LMStudioOSError):
            raise
        raise LMStudioOSError(f"{path} cannot be read: {failed.strerror or failed}. Check its permissions.") from failed
