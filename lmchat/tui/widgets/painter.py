"""Rows of a transcript as strips: ready-made, kept, and laid over with what is marked in them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

from rich.segment import Segment
from textual.filter import LineFilter
from textual.strip import Strip

from lmchat.markdown import Line, Span
from lmchat.markdown.cells import clusters
from lmchat.tui.bidi import isolate
from lmchat.tui.palette import Palette
from lmchat.tui.transcript.reader import PLAIN, Look, Mark
from lmchat.tui.transcript.window import Row

COLUMN: Final = 100
"""Cells of text at most: longer lines are hard to read."""
MARGIN: Final = 2
"""Cells left of the text, for the rule of its message."""
_RULE: Final = "▎"
_CURSOR_RULE: Final = "█"
_CACHED: Final = 4000


class Painter:
    """Paints rows `width` cells wide in the colours of a palette. The last cell of each is the scroll bar's."""

    def __init__(self, palette: Palette, width: int, filters: Sequence[LineFilter]) -> None:
        self._palette = palette
        self._width = width
        self._filters = filters
        self._strips: dict[tuple[int, bool], tuple[Row, Strip]] = {}
        self._left: Final = max(width - COLUMN - 2 * MARGIN, 0) // 2
        """Cells before the column, which stands in the middle of a wider view."""

    def strip(self, row: Row, look: Look, thumb: bool) -> Strip:
        """A row, with the thumb of the scroll bar at its end or without it."""
        if look is not PLAIN:
            return self._filtered(self._draw(row, look, thumb))
        key = (id(row.line), thumb)
        cached = self._strips.get(key)
        # The row is kept with its strip, so its line lives, and no other line can have the same id.
        if cached is not None and cached[0] == row:
            return cached[1]
        if len(self._strips) > _CACHED:
            self._strips.clear()
        strip = self._filtered(self._draw(row, look, thumb))
        self._strips[key] = (row, strip)
        return strip

    def character(self, line: Line, x: int) -> int:
        """The number of the character that stands in a column of the view."""
        left = x - self._left - MARGIN
        count = 0
        for cluster, width in clusters("".join(span.text for span in line.spans)):
            if left < width:
                break
            left -= width
            count += len(cluster)
        return count

    def _filtered(self, strip: Strip) -> Strip:
        for line_filter in self._filters:
            strip = strip.apply_filter(line_filter, self._palette.background)
        return strip

    def _draw(self, row: Row, look: Look, thumb: bool) -> Strip:
        palette = self._palette
        tint = " cursor.tint" if look.under_cursor else ""
        blank = palette.style(f"text{tint}")
        segments: list[Segment] = []
        used = 0
        room = self._width - 1
        if (row.role or row.line.spans) and room > MARGIN:
            if self._left:
                segments.append(Segment(" " * self._left, palette.base))
            segments += [self._rule(row, look), Segment(" " * (MARGIN - 1), blank)]
            spans = isolate(_marked(row.line, tint, look.marks) if look is not PLAIN else row.line.spans)
            segments += [Segment(span.text, palette.style(span.style)) for span in spans]
            used = self._left + MARGIN + row.line.width
            if tint and row.line.width < COLUMN:
                rest = min(COLUMN - row.line.width, room - used)
                segments.append(Segment(" " * rest, blank))
                used += rest
        if used < room:
            segments.append(Segment(" " * (room - used), palette.base))
        strip = Strip(segments, max(used, room)).crop(0, room)
        bar = Segment("▐", palette.style("scrollbar.thumb")) if thumb else Segment(" ", palette.base)
        return Strip([*strip, bar], self._width)

    def _rule(self, row: Row, look: Look) -> Segment:
        if look.under_cursor:
            return Segment(_CURSOR_RULE, self._palette.style("cursor.rule"))
        return Segment(_RULE, self._palette.style(f"rule.{row.role}")) if row.role else Segment(" ", self._palette.base)


def _marked(line: Line, tint: str, marks: Sequence[Mark]) -> list[Span]:
    """The spans of a line with a tint laid over them, and over that the styles of marks on what they mark."""
    tinted = [span._replace(style=span.style + tint) for span in line.spans]
    end = len(tinted) - line.after
    return [*tinted[: line.before], *_overlaid(tinted[line.before : end], marks), *tinted[end:]]


def _overlaid(spans: Sequence[Span], marks: Sequence[Mark]) -> Iterator[Span]:
    at = 0
    for span in spans:
        stop = at + len(span.text)
        edges = {edge for mark in marks for edge in mark[:2] if at < edge < stop}
        for first, last in pairwise([at, *sorted(edges), stop]):
            over = [mark.style for mark in marks if mark.first <= first and last <= mark.last]
            yield Span(span.text[first - at : last - at], " ".join([span.style, *over]), span.link)
        at = stop
