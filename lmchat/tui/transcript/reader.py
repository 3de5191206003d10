"""What somebody does with a transcript besides reading on: a cursor, a selection, a link, a search. No widget."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from lmchat.markdown import Line
from lmchat.tui.transcript import cursor, selection
from lmchat.tui.transcript.cursor import Link
from lmchat.tui.transcript.entry import Unread
from lmchat.tui.transcript.finder import Finder, Hit
from lmchat.tui.transcript.message import MessageEntry
from lmchat.tui.transcript.place import Block, Place, block_at
from lmchat.tui.transcript.sections import Fold, Prose
from lmchat.tui.transcript.selection import Selection
from lmchat.tui.transcript.window import Row, Window
from lmchat.values.safe_text import safe_text

MARGIN: Final = 2
"""Rows between what is sought out and the edge of the window."""


class Mark(NamedTuple):
    """A stretch of a row that is to stand out."""

    first: int
    """Character of what was written in the row."""
    last: int
    style: str


class Look(NamedTuple):
    """How a row looks besides its line."""

    under_cursor: bool = False
    marks: tuple[Mark, ...] = ()


PLAIN: Final = Look()


class Reader:
    """A reader's place and marks in the transcript of a window."""

    def __init__(self, window: Window) -> None:
        self._window = window
        self.cursor: Place | None = None
        self.selection: Selection | None = None
        self.finder: Finder | None = None
        self.link: Link | None = None
        """The link in the cursor's block that is pointed at."""

    def reset(self) -> None:
        """Read another transcript."""
        self.cursor = self.selection = self.finder = self.link = None

    # The cursor

    def enter(self) -> bool:
        """Put the cursor on what stands last in view. False if there is nothing to stand on."""
        if self.cursor is not None and self.cursor.entry < len(self._window.entries):
            self._window.reveal(self.cursor, MARGIN)
            return True
        rows = [row for row in self._window.rows() if self._window.entries[row.entry].number is not None]
        if not rows:
            return False
        last = rows[-1]
        place = Place(last.entry, last.section + 1, 0, 0)
        self.cursor = cursor.step(self._window.entries, self._window.width, place, down=False)
        self.cursor = self.cursor or cursor.step(self._window.entries, self._window.width, place, down=True)
        self._reveal()
        return self.cursor is not None

    def move(self, *, down: bool, by_message: bool = False) -> bool:
        """Move to the next block or message. False at the end."""
        self.link = self.selection = None
        if self.cursor is None:
            return self.enter()
        step = cursor.step_entry if by_message else cursor.step
        place = step(self._window.entries, self._window.width, self.cursor, down)
        if place is None:
            return False
        self.cursor = place
        self._reveal()
        return True

    def move_to_edge(self, *, end: bool) -> None:
        """Move to the first block of all, or to the last."""
        self.link = self.selection = None
        entries = self._window.entries
        outside = Place(len(entries) if end else -1, 0, 0, 0)
        place = cursor.step_entry(entries, self._window.width, outside, not end, last=end)
        self.cursor = place or self.cursor
        self._reveal()
        if end:
            self._window.to_end()

    def stand(self, place: Place) -> None:
        """Put the cursor on the block of a place."""
        stops = cursor.stops(self._window.entries[place.entry], place.entry, self._window.width)
        before = [stop for stop in stops if stop[:3] <= place[:3]]
        if stops:
            self.cursor = before[-1] if before else stops[0]
        self.link = None

    def _reveal(self) -> None:
        """Bring the block under the cursor into view, as far as it fits."""
        if self.cursor is None:
            return
        if (block := self._block()) is not None and block.text:
            self._window.reveal(self.cursor._replace(offset=max(block.starts[-1], 0)), MARGIN)
        self._window.reveal(self.cursor, MARGIN)

    def _block(self) -> Block | None:
        if self.cursor is None:
            return None
        return cursor.block_of(self._window.entries[self.cursor.entry], self.cursor, self._window.width)

    def catch_up(self) -> None:
        """Bring the cursor into view again after the window has moved away from it."""
        rows = self._window.rows()
        if self.cursor is None or not rows:
            return
        if rows[0].entry <= self.cursor.entry <= rows[-1].entry and any(
            (row.entry, row.section, row.line.block) == self.cursor[:3] for row in rows
        ):
            return
        self.stand(self._window.place(rows[0] if self.cursor < self._window.place(rows[0]) else rows[-1]))

    # Folding

    def fold(self) -> bool:
        """Fold or unfold what the cursor is on. False if it does not fold."""
        if self.cursor is None:
            return False
        section = self._window.entries[self.cursor.entry].sections[self.cursor.section]
        fold = section if isinstance(section, Fold) else section.fold
        if fold is None:
            return False
        self.toggle(fold, self.cursor.entry)
        return True

    def toggle(self, fold: Fold, entry: int) -> None:
        """Fold or unfold; the summary stays in its row."""
        summary = Place(entry, list(self._window.entries[entry].sections).index(fold), 0, 0)
        row = next((y for y, row in enumerate(self._window.rows()) if row[2:4] == summary[:2]), 0)
        following = self._window.following
        fold.closed = not fold.closed
        self.link = self.selection = None
        if self.cursor is not None and self.cursor.entry == entry:
            self.cursor = summary
        if not following:
            self._window.hold(summary, row)

    def show_source(self) -> None:
        """Show the source of the message under the cursor, or what it reads like again."""
        if self.cursor is None:
            return
        entry = self._window.entries[self.cursor.entry]
        if isinstance(entry, MessageEntry) and not entry.writing:
            entry.show_source()
            self.selection = self.link = None
            self.stand(self.cursor)
            self._reveal()

    # Links

    def next_link(self) -> Link | None:
        """Point at the next link of the block under the cursor, or at the first again."""
        if self.cursor is None or (block := self._block()) is None:
            return None
        lines = self._window.entries[self.cursor.entry].sections[self.cursor.section].lines(self._window.width)
        found = cursor.links(lines, block)
        at = found.index(self.link) + 1 if self.link in found else 0
        self.link = found[at % len(found)] if found else None
        return self.link

    def link_at(self, place: Place) -> Link | None:
        """Point at the link of a place, if there is one."""
        self.link = None
        if self.cursor is not None and (block := self._block()) is not None and place[:3] == self.cursor[:3]:
            lines = self._window.entries[place.entry].sections[place.section].lines(self._window.width)
            found = cursor.links(lines, block)
            self.link = next((link for link in found if link.start <= place.offset < link.stop), None)
        return self.link

    # Copying

    def copy(self, *, message: bool = False) -> tuple[str, str] | None:
        """What there is to copy, and what it is: the selection, the code under the cursor, or the cursor's message."""
        entries, width = self._window.entries, self._window.width
        if self.selection is not None and not message:
            return selection.text(entries, self.selection, width), "the selection"
        if self.cursor is None or not isinstance(entry := entries[self.cursor.entry], MessageEntry):
            return None
        section = entry.sections[self.cursor.section]
        if isinstance(section, Prose) and not message and (code := section.code(self.cursor.block)) is not None:
            return code, "the code"
        whole = "\n\n".join(part.text for part in entry.sections if isinstance(part, Prose)) if entry.writing else ""
        text = whole or safe_text(entry.message.text) or "\n\n".join(map(safe_text, entry.message.texts))
        return text, "the question" if entry.role == "user" else "the message"

    # Finding

    def find(self, finder: Finder | None) -> None:
        """Mark what is sought from now on."""
        self.finder = finder

    def hits(self, index: int) -> Sequence[Hit]:
        """The occurrences in an entry of what is sought."""
        if self.finder is None:
            return ()
        return self.finder.hits(self._window.entries[index], index, self._window.width)

    def forget_lines(self) -> None:
        """Lines have another width now."""
        if self.finder is not None:
            self.finder.forget()

    def seek(self, hit: Hit) -> None:
        """Go to an occurrence, and unfold what hides it."""
        if self.finder is None:
            return
        self.finder.current = hit
        section = self._window.entries[hit.place.entry].sections[hit.place.section]
        if section.fold is not None:
            section.fold.closed = False
        self._window.reveal(hit.place, MARGIN)

    # Drawing

    def looks(self, rows: Sequence[Row]) -> Iterator[Look]:
        """How each row in view looks; asked for only what is marked."""
        known: dict[tuple[int, int, int], Block] = {}
        for row in rows:
            if row.entry < 0 or isinstance(self._window.entries[row.entry], Unread):
                yield PLAIN
                continue
            under = self.cursor is not None and self.cursor[:3] == (row.entry, row.section, row.line.block)
            busy = self.selection is not None or self.finder is not None or (under and self.link is not None)
            if not under and not busy:
                yield PLAIN
                continue
            key = (row.entry, row.section, row.line.block)
            if (block := known.get(key)) is None:
                lines = self._window.entries[row.entry].sections[row.section].lines(self._window.width)
                block = known[key] = block_at(lines, row.number)
            in_block = row.number >= block.first
            yield Look(under and in_block, tuple(self._marks(row, block)) if busy and in_block else ())

    def _marks(self, row: Row, block: Block) -> Iterator[Mark]:
        spans = row.line.spans[row.line.before : len(row.line.spans) - row.line.after]
        length = sum(len(span.text) for span in spans)
        section = self._window.entries[row.entry].sections[row.section]
        if not length or not section.searched:
            return
        start = block.starts[row.number - block.first]
        place = Place(row.entry, row.section, block.number, start)
        if self.finder is not None:
            for hit in _between(self.hits(row.entry), place, length):
                style = "find.current" if hit == self.finder.current else "find.hit"
                yield Mark(max(hit.place.offset - start, 0), min(hit.stop - start, length), style)
        if self.link is not None and self.cursor is not None and self.cursor[:3] == place[:3]:
            first, last = max(self.link.start - start, 0), min(self.link.stop - start, length)
            if first < last:
                yield Mark(first, last, "link.current")
        if self.selection is not None and (marked := self.selection.marked(place, length)):
            yield Mark(*marked, "selection")


def _between(hits: Sequence[Hit], place: Place, length: int) -> Iterator[Hit]:
    """The hits, in order and without overlap, that reach into the `length` characters from a place on."""
    # One hit before the place may reach into it.
    at = max(bisect_right(hits, place, key=lambda hit: hit.place) - 1, 0)
    end = place._replace(offset=place.offset + length)
    while at < len(hits) and hits[at].place < end:
        if hits[at].place._replace(offset=hits[at].stop) > place:
            yield hits[at]
        at += 1


def place_in(row: Row, lines: Sequence[Line], column: int) -> Place:
    """The place of a character in a row, by its number among all that stand there, decoration included."""
    block = block_at(lines, row.number)
    before = sum(len(span.text) for span in row.line.spans[: row.line.before])
    length = sum(len(span.text) for span in row.line.spans[row.line.before : len(row.line.spans) - row.line.after])
    start = block.starts[row.number - block.first] if row.number >= block.first else 0
    return Place(row.entry, row.section, block.number, start + min(max(column - before, 0), length))
