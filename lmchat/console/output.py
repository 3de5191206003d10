"""Data on standard output: safe and shaped on a terminal, as it is anywhere else."""

from __future__ import annotations

import errno
import os
import shutil
import sys
from collections.abc import Iterable
from types import TracebackType
from typing import Final, TypeAlias

from lmchat.exchange.coding import file_bytes, to_json
from lmchat.values.errors import LMStudioOSError
from lmchat.values.safe_text import safe_text

Piece: TypeAlias = tuple[str, bool]
"""A text, and whether it stands out."""
_BOLD, _PLAIN = "\x1b[1m", "\x1b[22m"
_NARROWEST: Final = 40


class Output:
    """Standard output for the time of a `with` block, at whose end everything is written.

    Every method raises `BrokenPipeError` when nobody reads any more, and `LMStudioOSError` when nothing can be written.
    """

    def __init__(self) -> None:
        self.terminal: Final = sys.stdout.isatty()
        """Whether a person reads it as it comes."""
        self.width: Final = max(shutil.get_terminal_size().columns, _NARROWEST)
        """Cells of a line, on a terminal."""
        self._bold: Final = self.terminal and os.environ.get("TERM") != "dumb"

    def __enter__(self) -> Output:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if kind is None:
            self._write(b"", flush=True)

    def line(self, text: str) -> None:
        """A line of text, which may have more lines in it."""
        self.pieces([(text, False)])

    def pieces(self, pieces: Iterable[Piece]) -> None:
        """A line of pieces, of which some stand out on a terminal."""
        self._write("".join([self._drawn(text, bold) for text, bold in pieces]).encode("utf-8", "replace") + b"\n")

    def json(self, value: object) -> None:
        """A value as JSON on a line."""
        self.data(file_bytes(to_json(value) + "\n"))

    def data(self, data: bytes) -> None:
        """The content of a file: UTF-8, in which surrogates may stand alone."""
        if self.terminal:
            data = safe_text(data.decode("utf-8", "surrogatepass")).encode()
        self._write(data)

    def _drawn(self, text: str, bold: bool) -> str:
        if not self.terminal:
            return text
        shown = safe_text(text)
        return f"{_BOLD}{shown}{_PLAIN}" if bold and self._bold else shown

    def _write(self, data: bytes, *, flush: bool = False) -> None:
        try:
            # Bytes, because the encoding that the locale names may lack what a model writes.
            sys.stdout.buffer.write(data)
            if flush:
                sys.stdout.buffer.flush()
        except OSError as wrong:
            if isinstance(wrong, BrokenPipeError) or (sys.platform == "win32" and wrong.errno == errno.EINVAL):
                # Without its number, for which click would end the program as failed.
                raise BrokenPipeError from wrong
            raise LMStudioOSError(
                f"Nothing more can be written to standard output: {wrong.strerror or wrong}. Make room, and try again."
            ) from wrong
