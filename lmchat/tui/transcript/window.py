"""The window through which a transcript is read: which lines are in view, and what moves them.

The place of reading is an entry and a line in it, so that entries which are never shown need no lines. Their heights
are estimates, good enough for a scroll bar. Entries far from what is in view are forgotten again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from lmchat.markdown import Line
from lmchat.tui.transcript.entry import Entry, Unread
from lmchat.tui.transcript.place import Place, block_at, line_of
from lmchat.tui.transcript.sections import SEPARATOR

_NEAR: Final = 200
"""Entries kept drawn before and after those in view."""
_FULL: Final = 4 * _NEAR
"""Drawn entries at which the far ones are forgotten."""


class Row(NamedTuple):
    """A line in view, whose it is, and where it stands."""

    line: Line
    role: str
    entry: int
    section: int
    number: int
    """Of the line in its section."""


@dataclass(frozen=True, slots=True)
class Extent:
    """Where the window is, in lines; estimates as far as entries have not been shown."""

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
        self.entries: list[Entry] = []
        self.read: Callable[[Unread], Entry | None] = lambda entry: None
        """Gives the message of an unread entry if it is in memory."""
        self.following = True
        """Whether the window stays at the end as it grows."""
        self.missing: set[int] = set()
        """Numbers of the messages that were to be shown and are not in memory."""
        self._width = 1
        self._height = 1
        self._heights: list[int] = []
        self._index = 0
        self._offset = 0
        self._drawn: dict[int, Unread] = {}

    @property
    def width(self) -> int:
        """Cells for text."""
        return self._width

    def show(self, entries: Sequence[Entry]) -> None:
        """Read another transcript, from its end."""
        self.entries = list(entries)
        self._heights = [entry.estimate(self._width) for entry in self.entries]
        self._drawn = {}
        self._index = self._offset = 0
        self.following = True

    def append(self, entry: Entry) -> None:
        """Add an entry at the end."""
        self.entries.append(entry)
        self._heights.append(entry.estimate(self._width))

    def cut(self, length: int) -> None:
        """Keep only so many entries."""
        del self.entries[length:], self._heights[length:]
        for index in [index for index in self._drawn if index >= length]:
            del self._drawn[index]
        if self._index >= length:
            self.following = True

    def resize(self, width: int, height: int) -> None:
        """Take another size, in cells; the line at the top stays there."""
        if width != self._width:
            top = None if self.following else self._top()
            self._width = width
            self._heights = [entry.estimate(width) for entry in self.entries]
            if top is not None:
                self.hold(top, 0)
        self._height = height

    # Moving

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

    def hold(self, place: Place, row: int) -> None:
        """Move so that a place is in this row of the window, as far as the transcript reaches."""
        self.following = False
        self._measure(place.entry)
        entry = self.entries[place.entry]
        before = sum(len(section.lines(self._width)) for section in entry.sections[: place.section])
        lines = entry.sections[place.section].lines(self._width) if place.section < len(entry.sections) else ()
        self._index, self._offset = place.entry, before + (line_of(lines, place) if lines else 0) - row
        self._settle()

    def reveal(self, place: Place, margin: int = 0) -> None:
        """Move as little as needed for a place to be in view, this far from the edges."""
        rows = self.rows()
        row = next((y for y, row in enumerate(rows) if self._holds(row, place)), None)
        margin = min(margin, (self._height - 1) // 2)
        if row is None:
            first = rows[0] if rows else None
            above = first is None or (place.entry, place.section) < (first.entry, first.section)
            if first is not None and (place.entry, place.section) == (first.entry, first.section):
                above = line_of(self._lines(place), place) < first.number
            self.hold(place, margin if above else self._height - 1 - margin)
        elif row < margin:
            self.scroll(row - margin)
        elif row > self._height - 1 - margin:
            self.scroll(row - (self._height - 1 - margin))

    @property
    def bookmark(self) -> tuple[int, int, bool]:
        """The place of reading, for `return_to`; it holds until the size changes."""
        return self._index, self._offset, self.following

    def return_to(self, bookmark: tuple[int, int, bool]) -> None:
        """Read again where one read before."""
        self._index, self._offset, self.following = bookmark
        self._settle()

    # What is in view

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
        if len(self._drawn) > _FULL:
            self._forget(rows[0].entry if rows else 0)
        return rows

    def extent(self) -> Extent:
        """Where the window is."""
        return Extent(sum(self._heights[: self._index]) + self._offset, self._height, sum(self._heights))

    def lines_from(self, index: int) -> int:
        """The lines of an entry and of all that follow."""
        return sum(self._heights[index:])

    def arrived(self) -> None:
        """Messages that were missing are in memory: what is in view stays, above all its end."""
        self.missing.clear()
        if self.following or not isinstance(self.entries[self._index], Unread):
            return
        left = self._heights[self._index] - self._offset
        self._offset = max(self._measure(self._index) - left, 0)

    def _top(self) -> Place | None:
        rows = self.rows()
        return self.place(rows[0]) if rows and not self.following else None

    def place(self, row: Row) -> Place:
        """Where a row begins."""
        lines = self.entries[row.entry].sections[row.section].lines(self._width)
        block = block_at(lines, row.number)
        offset = block.starts[row.number - block.first] if row.number >= block.first else 0
        return Place(row.entry, row.section, block.number, max(offset, 0))

    def _lines(self, place: Place) -> Sequence[Line]:
        return self.entries[place.entry].sections[place.section].lines(self._width)

    def _holds(self, row: Row, place: Place) -> bool:
        if (row.entry, row.section) != (place.entry, place.section):
            return False
        return line_of(self._lines(place), place) == row.number

    def _measure(self, index: int) -> int:
        entry = self.entries[index]
        if isinstance(entry, Unread):
            if (message := self.read(entry)) is None:
                self.missing.add(entry.number)
            else:
                self._drawn[index] = entry
                self.entries[index] = entry = message
        height = sum(len(section.lines(self._width)) for section in entry.sections)
        self._heights[index] = height
        return height

    def _forget(self, near: int) -> None:
        """Let go of what was drawn far from an entry; it can be read again."""
        far = [index for index in self._drawn if abs(index - near) > _NEAR]
        for index in far:
            unread = self._drawn.pop(index)
            self.entries[index] = Unread(unread.number, unread.outline, self._heights[index])

    def _settle(self) -> None:
        """Bring an offset that has left its message into the right one."""
        if not self.entries:
            self._index = self._offset = 0
            return
        while self._offset < 0 and self._index > 0:
            self._index -= 1
            self._offset += self._measure(self._index)
        self._offset = max(self._offset, 0)
        while self._offset >= (height := self._measure(self._index)):
            if self._index == len(self.entries) - 1:
                self._offset = max(height - 1, 0)
                return
            self._offset -= height
            self._index += 1

    def _place_at_end(self) -> None:
        left = self._height
        self._index, self._offset = len(self.entries), 0
        while self._index > 0 and left > 0:
            self._index -= 1
            left -= self._measure(self._index)
        self._offset = max(-left, 0)

    def _rows_from(self, index: int, offset: int) -> list[Row]:
        rows: list[Row] = []
        while index < len(self.entries) and len(rows) < self._height:
            self._measure(index)
            entry = self.entries[index]
            for number, section in enumerate(entry.sections):
                lines = section.lines(self._width)
                if offset >= len(lines):
                    offset -= len(lines)
                    continue
                stop = min(offset + self._height - len(rows), len(lines))
                role = "" if section is SEPARATOR else entry.role
                rows += [Row(lines[at], role, index, number, at) for at in range(offset, stop)]
                offset = 0
            offset = 0
            index += 1
        return rows
