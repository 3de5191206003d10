"""What goes to standard error beside an answer: where things stand, on one line that is overwritten where it can be."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TextIO

from lmchat.values.safe_text import safe_line

_ERASE = "\r\x1b[K"


class Narration:
    """Says how things stand. On a terminal the latest word replaces the one before; elsewhere each is a line, once."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._overwrites = self._stream.isatty()
        self._line = ""

    def say(self, text: str) -> None:
        """Say where things stand now."""
        text = safe_line(text)
        if text == self._line:
            return
        # Figures that run belong on a line that can be overwritten, not in a log.
        if self._overwrites:
            self._write(f"{_ERASE}{text}")
        elif text.partition(":")[0] != self._line.partition(":")[0]:
            self._write(f"{text}\n")
        self._line = text

    def hush(self) -> None:
        """Take the line away, so that what follows begins on a clean one."""
        if self._overwrites and self._line:
            self._write(_ERASE)
        self._line = ""

    def _write(self, text: str) -> None:
        # Nobody may be reading; the answer goes on without.
        with suppress(OSError):
            self._stream.write(text)
            self._stream.flush()
