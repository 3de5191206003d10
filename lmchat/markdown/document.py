"""One message's Markdown, drawn while it is being written."""

from __future__ import annotations

from collections.abc import Sequence

from lmchat.markdown import scan
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
        self._preview = self._blocks
        self._partial: list[str] = []
        self._appending = False
        self._stalled = False
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

    def code(self, block: int) -> str | None:
        """The source of the code in the block of this number, as of now; None if that is not a block of code.

        It is without fences and without the indentation of containers, with its tabs and the blanks at line ends, and
        ends in a newline if there is any line.
        """
        if not self._current:
            self._update()
        found = [source for blocks in (self._blocks, self._preview) if (source := blocks.code(block)) is not None]
        if not found:
            return None
        pieces = found[0] if found[-1] is found[0] else found[0] + found[1]
        return "".join(pieces) + "\n" if pieces else ""

    def _update(self) -> None:
        new = "".join(self._pending)
        self._pending = []
        if self._stalled and not self._finished and "\n" not in new:
            self._partial.append(new)
            self._current = True
            return
        del self._lines[self._frozen :]
        self._read(new)
        if self._finished:
            self._end_partial()
            self._blocks.close()
            self._frozen = len(self._lines)
            self._preview = self._blocks
        else:
            self._look()
            self._preview.close(cut=True)
        self._current = True

    def _read(self, text: str) -> None:
        """Take the source lines that are complete."""
        self._partial.append(text)
        if "\n" in text:
            lines = "".join(self._partial).split("\n")
            self._partial = [lines.pop()]
            for line in lines:
                self._take(line)

    def _take(self, line: str) -> None:
        if self._appending:
            self._blocks.append(line)
            self._appending = False
        else:
            self._blocks.line(line)

    def _end_partial(self) -> None:
        partial = "".join(self._partial)
        if partial:
            self._take(partial)
        self._partial = []

    def _look(self) -> None:
        """Set `_preview` to the blocks as if the text ended here, and `_frozen`.

        The beginning of a long line that stays what it is however it goes on is not read again each time: what it
        opened stays open, and the rest of the line is appended to it. Of another long line only the beginning is shown
        until it ends.
        """
        partial = "".join(self._partial)
        if self._appending:
            self._blocks.append(partial)
            partial = ""
        self._frozen = len(self._lines)
        self._preview = self._blocks.fork()
        self._stalled = False
        if partial:
            self._preview.line(partial[: 2 * scan.LONGEST_STRUCTURE])
            if len(partial) > LONG_LINE and self._preview.open_ended:
                self._adopt(partial[2 * scan.LONGEST_STRUCTURE :])
                partial = ""
            self._stalled = len(partial) > 2 * scan.LONGEST_STRUCTURE
        self._partial = [partial] if partial else []

    def _adopt(self, rest: str) -> None:
        """Let the preview be what there is, and append what it has not seen of the line."""
        self._preview.replace(self._blocks)
        self._blocks, self._appending = self._preview, True
        if rest:
            self._blocks.append(rest)
        self._frozen = len(self._lines)
        self._preview = self._blocks.fork()
