"""The window through which a transcript is read: which lines are in view, and what moves them.

The place of reading is a block and a line in it, so that blocks which are never shown need no lines. Their heights
are estimates, good enough for a scroll bar.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from lmchat.markdown import Line
from lmchat.tui.transcript.plain_text import SEPARATOR


class Block(Protocol):
    """What a transcript is made of: a message, or a notice."""

    @property
    def role(self) -> str:
        """Whose it is; nothing for what has no rule at its left."""

    def estimate(self, width: int) -> int:
        """About how many lines it takes, without drawing it."""

    def sections(self, width: int) -> list[Sequence[Line]]:
        """Its lines, in runs that follow one another."""


class Row(NamedTuple):
    """A line in view, and whose it is."""

    line: Line
    role: str


@dataclass(frozen=True, slots=True)
class Extent:
    """Where the window is, in lines; estimates as far as blocks have not been shown."""

    top: int
    height: int
    total: int

    @property
    def below(self) -> int:
        """Lines under the window."""
        return max(self.total - self.top - self.height, 0)


class Window:
    """A view of so many lines of a transcript."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self.following = True
        """Whether the window stays at the end as it grows."""
        self._width = 1
        self._height = 1
        self._heights: list[int] = []
        self._index = 0
        self._offset = 0

    def show(self, blocks: Sequence[Block]) -> None:
        """Read another transcript, from its end."""
        self.blocks = list(blocks)
        self._heights = [block.estimate(self._width) for block in self.blocks]
        self._index = self._offset = 0
        self.following = True

    def append(self, block: Block) -> None:
        """Add a block at the end."""
        self.blocks.append(block)
        self._heights.append(block.estimate(self._width))

    def resize(self, width: int, height: int) -> None:
        """Take another size, in cells; the line at the top stays about where it is."""
        if width != self._width:
            before = self._heights[self._index] if self._heights else 1
            self._width = width
            self._heights = [block.estimate(width) for block in self.blocks]
            if self._heights and not self.following:
                self._offset = self._offset * self._measure(self._index) // max(before, 1)
        self._height = height

    def scroll(self, lines: int) -> None:
        """Move down by so many lines, or up if there are fewer than none."""
        if lines < 0:
            self.following = False
        self._offset += lines
        self._settle()
        self.rows()
        if lines > 0 and self.extent().below == 0:
            self.following = True

    def to_start(self) -> None:
        """Go to the first line."""
        self.following = False
        self._index = self._offset = 0
        self._settle()

    def to_end(self) -> None:
        """Go to the last line and stay at the end."""
        self.following = True

    def to_fraction(self, fraction: float) -> None:
        """Go to about this part of the whole, 0.0-1.0."""
        self.following = False
        self._index = 0
        self._offset = int(fraction * max(sum(self._heights) - self._height, 0))
        while self._index < len(self._heights) - 1 and self._offset >= self._heights[self._index]:
            self._offset -= self._heights[self._index]
            self._index += 1
        self._settle()

    def rows(self) -> list[Row]:
        """The lines in view, at most as many as the window is high."""
        if self.following:
            self._place_at_end()
        rows = self._rows_from(self._index, self._offset)
        if len(rows) < self._height and not self.following:
            # The end has come into view: the page is filled from above, and follows again.
            self.following = True
            self._place_at_end()
            rows = self._rows_from(self._index, self._offset)
        return rows

    def extent(self) -> Extent:
        """Where the window is."""
        return Extent(sum(self._heights[: self._index]) + self._offset, self._height, sum(self._heights))

    def _measure(self, index: int) -> int:
        height = sum(map(len, self.blocks[index].sections(self._width)))
        self._heights[index] = height
        return height

    def _settle(self) -> None:
        """Bring an offset that has left its message into the right one."""
        if not self.blocks:
            self._index = self._offset = 0
            return
        while self._offset < 0 and self._index > 0:
            self._index -= 1
            self._offset += self._measure(self._index)
        self._offset = max(self._offset, 0)
        while self._offset >= (height := self._measure(self._index)):
            if self._index == len(self.blocks) - 1:
                self._offset = max(height - 1, 0)
                return
            self._offset -= height
            self._index += 1

    def _place_at_end(self) -> None:
        left = self._height
        self._index, self._offset = len(self.blocks), 0
        while self._index > 0 and left > 0:
            self._index -= 1
            left -= self._measure(self._index)
        self._offset = max(-left, 0)

    def _rows_from(self, index: int, offset: int) -> list[Row]:
        rows: list[Row] = []
        while index < len(self.blocks) and len(rows) < self._height:
            block = self.blocks[index]
            self._measure(index)
            for section in block.sections(self._width):
                if offset >= len(section):
                    offset -= len(section)
                    continue
                wanted = section[offset : offset + self._height - len(rows)]
                offset = 0
                rows += [Row(line, "" if line is SEPARATOR else block.role) for line in wanted]
            offset = 0
            index += 1
        return rows
