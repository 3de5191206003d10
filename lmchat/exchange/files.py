"""Files of conversations, read whatever they are of, and written as one of ours."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from lmchat.exchange.formats import Format, Imported, sniff
from lmchat.values.errors import LMStudioOSError, LMStudioValueError
from lmchat.values.history import ConversationDocument

LARGEST_FILE: Final = 1_073_741_824
"""Bytes (1 GiB) of a file that is read as a whole, which takes a few times that of memory; a database may be larger."""


def read(path: Path) -> Imported:
    """The conversations that a file holds, of whatever format it is.

    Every document that comes back is a proper tree, parents before their children. The file is only read.

    Raises:
        LMStudioValueError: its format is not known, or it is damaged, too large, or of a newer lmchat.
        LMStudioOSError: it cannot be read.
    """
    found = sniff(path)
    written_at = _written_at(path)
    match found:
        case Format.LLM:
            from lmchat.exchange.foreign.llm_logs import read_llm

            return read_llm(path, written_at=written_at)
        case Format.LMSTUDIO:
            from lmchat.exchange.foreign.lmstudio import read_lmstudio

            return read_lmstudio(_content(path), written_at=written_at)
        case Format.CHATGPT:
            from lmchat.exchange.foreign.chatgpt import read_chatgpt

            return read_chatgpt(_content(path), written_at=written_at)
        case Format.MARKDOWN:
            from lmchat.exchange.markdown import read_markdown

            return read_markdown(_content(path))
        case _:
            from lmchat.exchange.json_file import read_json

            return read_json(_content(path))


def write(documents: Sequence[ConversationDocument], format: Format) -> bytes:
    """Conversations as the content of a file, of which only HTML cannot be read back.

    Raises:
        LMStudioValueError: the format is not one of ours, or is Markdown, which holds one conversation, for several.
    """
    try:
        return _write(documents, format)
    except RecursionError as deep:
        raise LMStudioValueError(
            "A tool call in this conversation is nested too deeply to be written. Take its message out, and try again."
        ) from deep


def _write(documents: Sequence[ConversationDocument], format: Format) -> bytes:
    if format is Format.JSON:
        from lmchat.exchange.json_file import write_json

        return write_json(documents)
    if format is Format.HTML:
        from lmchat.exchange.html import write_html

        return write_html(documents)
    if format is not Format.MARKDOWN:
        raise LMStudioValueError(f"The format {format} is only read. Write json, markdown or html.")
    if len(documents) != 1:
        raise LMStudioValueError(
            f"A Markdown file holds one conversation, and there are {len(documents)}. "
            "Write each to a file of its own, or all of them as JSON."
        )
    from lmchat.exchange.markdown import write_markdown

    return write_markdown(documents[0])


def _written_at(path: Path) -> float:
    try:
        return max(path.stat().st_mtime, 0.0)
    except OSError as failed:
        raise LMStudioOSError(f"{path} cannot be read: {failed.strerror or failed}.") from failed


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_FILE + 1)
    except OSError as failed:
        raise LMStudioOSError(f"{path} cannot be read: {failed.strerror or failed}. Check its permissions.") from failed
    if len(data) > LARGEST_FILE:
        raise LMStudioValueError(
            f"{path} is larger than {LARGEST_FILE >> 20} MiB, which is the most that is read. Split it, and import "
            "its parts."
        )
    return data
