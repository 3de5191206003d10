"""Files that conversations are written to: their names, and how they come to be whole or not at all."""

from __future__ import annotations

import os
import re
import tempfile
import unicodedata
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Final

from lmchat.values.errors import LMStudioOSError
from lmchat.values.history import ConversationSummary

_MOST_BYTES: Final = 120
"""Of a title in a name. File systems take 255 for the whole name, some with encryption 143."""
_FORBIDDEN: Final = re.compile(r'[<>:"/\\|?*]')
"""What some file system or other has a use for."""


def file_name(conversation: ConversationSummary, suffix: str) -> str:
    """A name that every system takes: the day, the title, and the number, which no other conversation has.

    It begins with the day, so that it is never an option, a hidden file, or one of Windows' devices.
    """
    parts = [_day(conversation.created_at), _portable(conversation.title), f"({conversation.id})"]
    return " ".join(filter(None, parts)) + suffix


def write_file(path: Path, data: bytes, *, replace: bool) -> None:
    """Write a file for this user's eyes only, whole or not at all.

    Raises:
        FileExistsError: it is there already, and is not to be replaced.
        LMStudioOSError: it cannot be written, or is not a file.
    """
    if os.path.lexists(path):
        if not path.is_file():
            raise LMStudioOSError(f"{path} is there already, and is not a file. Name another.")
        if not replace:
            raise FileExistsError
    try:
        descriptor, aside = tempfile.mkstemp(prefix=".lmchat-", dir=path.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(descriptor)
            Path(aside).replace(path)
        except BaseException:
            with suppress(OSError):
                Path(aside).unlink()
            raise
    except OSError as wrong:
        raise LMStudioOSError(
            f"{path} cannot be written: {wrong.strerror or wrong}. Name another place, or make room there."
        ) from wrong


def make_folder(path: Path) -> None:
    """Make a folder, for this user's eyes only, unless it is there.

    Raises:
        LMStudioOSError: it cannot be made.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as wrong:
        raise LMStudioOSError(f"The folder {path} cannot be made: {wrong.strerror or wrong}. Name another.") from wrong


def _day(seconds: float) -> str:
    """The local day of a moment in Unix seconds, as ISO 8601 has it."""
    try:
        return datetime.fromtimestamp(seconds).date().isoformat()
    except (ValueError, OverflowError, OSError):
        # A calendar has no such day.
        return "undated"


def _portable(title: str) -> str:
    """A title as part of a name: without what acts, hides, or means something to a file system; not too long."""
    shown = "".join(" " if unicodedata.category(char)[0] in "CZ" else char for char in title)
    words = " ".join(_FORBIDDEN.sub(" ", unicodedata.normalize("NFC", shown)).split())
    cut = words.encode()[:_MOST_BYTES].decode("utf-8", "ignore")
    return cut.strip(" .")
