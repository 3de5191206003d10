"""One message's Markdown, drawn while it is being written."""

from __future__ import annotations

from collections.abc import Sequence

from lmchat.markdown.blocks import Blocks
from lmchat.markdown.lines import Line

NARROWEST = 12
"""Cells; a smaller width is taken for this one."""
LONG_LINE = 600
"""Characters of an unfinished line after which it is looked at whether it can be taken for good."""


class Markdown:
    """The lines of a Markdown text for a width in cells, while the text is being written.

    Whatever pieces the text comes in, the lines are those of the whole. Reading `lines` costs the length of what is new
    and of the open block's end, not that of the message.
    """

    def __init__(self, width: int) -> None:
        self._pieces: list[str] = []
        self._finished = False
        self._begin(width)

    def _begin(self, width: int) -> None:
        self._lines: list[Line] = []
        self._blocks = Blocks(max(width, NARROWEST), self._lines)
        self._frozen = 0
        self._partial = ""
        self._appending = False
        self._pending: list[str] = []
        self._current = True

    def feed(self, text: str) -> None:
        """Append a piece of the text. It is read when the lines are asked for."""
        if not text:
            return
        if self._finished:
            raise ValueError("This text was finished; make a new Markdown for another.")
        self._pieces.append(text)
        self._pending.append(text)
        self._current = False

    def finish(self) -> None:
        """No more text will come: all lines are final."""
        if not self._finished:
            self._finished = True
            self._current = False

    def resize(self, width: int) -> None:
        """Draw the same text for another width."""
        self._begin(width)
        self._pending = self._pieces[:]
        self._current = False

    @property
    def text(self) -> str:
        """What was fed."""
        if len(self._pieces) > 1:
            self._pieces = ["".join(self._pieces)]
        return self._pieces[0] if self._pieces else ""

    @property
    def lines(self) -> Sequence[Line]:
        """All lines as of now. The sequence is a view: it changes with the text."""
        if not self._current:
            self._update()
        return self._lines

    @property
    def frozen(self) -> int:
        """How many of the leading lines are final: nothing that is fed later changes them."""
        if not self._current:
            self._update()
        return self._frozen

    def _update(self) -> None:
        del self._lines[self._frozen :]
        self._read("".join(self._pending))
        self._pending = []
        if self._finished:
            self._end_partial()
            self._blocks.close()
            self._frozen = len(self._lines)
        else:
            self._preview().close()
        self._current = True

    def _read(self, text: str) -> None:
        """Take the source lines that are complete."""
        lines = text.split("\n")
        lines[0] = self._partial + lines[0]
        self._partial = lines.pop()
        for line in lines:
            self._take(line)

    def _take(self, line: str) -> None:
        if self._appending:
            self._blocks.append(line)
            self._appending = False
        else:
            self._blocks.line(line)

    def _end_partial(self) -> None:
        if self._partial:
            self._take(self._partial)
            self._partial = ""

    def _preview(self) -> Blocks:
        """The blocks as if the text ended here; sets `frozen`.

        The beginning of a long line that can only be running text is not read again each time: what it opened stays
        open, and the rest of the line is appended to it.
        """
        if self._appending:
            self._blocks.append(self._partial)
            self._partial = ""
        self._frozen = len(self._lines)
        preview = self._blocks.fork()
        if self._partial:
            preview.line(self._partial)
            if len(self._partial) > LONG_LINE and preview.in_text:
                self._blocks, self._partial, self._appending = preview, "", True
                self._frozen = len(self._lines)
                preview = preview.fork()
        return preview
