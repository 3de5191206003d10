"""A stretch of a transcript, and its text: what was written, without rules, bars, padding and wrapping."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from lmchat.markdown import Line, Span
from lmchat.tui.transcript.cursor import block_of
from lmchat.tui.transcript.entry import Entry
from lmchat.tui.transcript.place import Place, blocks, is_decoration, is_gap

_COLUMN_RULE: Final = re.compile(r" *│ *")


class Selection(NamedTuple):
    """From where the hand went down to where it is; either may be first."""

    anchor: Place
    head: Place

    @property
    def start(self) -> Place:
        """The first character."""
        return min(self)

    @property
    def stop(self) -> Place:
        """The character after the last."""
        return max(self)

    def marked(self, row: Place, length: int) -> tuple[int, int] | None:
        """Which of the `length` characters that begin at a place are in it."""
        stop = row._replace(offset=row.offset + length)
        if self.stop <= row or self.start >= stop:
            return None
        first = self.start.offset - row.offset if self.start > row else 0
        last = self.stop.offset - row.offset if self.stop < stop else length
        return (first, last) if first < last else None


def text(entries: Sequence[Entry], selection: Selection, width: int) -> str:
    """What was written in a selection. Lists keep their marks; blocks and messages are parted by a blank line."""
    start, stop = selection.start, selection.stop
    pieces: list[str] = []
    for index in range(start.entry, stop.entry + 1):
        for number, section in enumerate(entries[index].sections):
            lines = section.lines(width)
            if not section.searched or not (start[:2] <= (index, number) <= stop[:2]):
                continue
            first = Place(index, number, lines[0].block, 0) if lines else start
            pieces += _section(lines, first, selection)
            pieces.append("\n\n")
    return re.sub(r"\n{3,}", "\n\n", "".join(pieces)).strip("\n")


def word_at(entries: Sequence[Entry], place: Place, width: int) -> Selection:
    """The word around a place."""
    block = block_of(entries[place.entry], place, width)
    for match in re.finditer(r"\w+|[^\w\s]+|\s+", block.text if block else ""):
        if match.end() > place.offset:
            return Selection(place._replace(offset=match.start()), place._replace(offset=match.end()))
    return Selection(place, place)


def block_around(entries: Sequence[Entry], place: Place, width: int) -> Selection:
    """The whole block around a place."""
    block = block_of(entries[place.entry], place, width)
    return Selection(place._replace(offset=0), place._replace(offset=len(block.text) if block else 0))


def _section(lines: Sequence[Line], place: Place, selection: Selection) -> Iterator[str]:
    """The selected text of a section, gaps between its blocks included."""
    shown = 0
    for block in blocks(lines):
        if any(is_gap(line) for line in lines[shown : block.first]):
            yield "\n"
        shown = block.stop
        for line, start in zip(lines[block.first : block.stop], block.starts, strict=True):
            if is_decoration(line):
                continue
            spans = line.spans[line.before : len(line.spans) - line.after]
            # An empty line counts as one character, so that it can be selected.
            length = max(sum(len(span.text) for span in spans), 1)
            marked = selection.marked(place._replace(block=block.number, offset=start), length)
            if marked is None:
                continue
            joint = "\n" if line.joint is None or marked[0] > 0 else line.joint
            mark = _marks(line.spans[: line.before]) if line.joint is None and marked[0] == 0 else ""
            yield joint + mark + _cells(spans, *marked)


def _cells(spans: Sequence[Span], first: int, last: int) -> str:
    text = "".join(span.text for span in spans)[first:last]
    if any("table.rule" in span.style for span in spans):
        return _COLUMN_RULE.sub(" | ", text).strip()
    return text


def _marks(spans: Sequence[Span]) -> str:
    """The marks of lists and quotes as an author writes them."""
    marks = []
    for span in spans:
        match span.style:
            case "list.bullet":
                marks.append("- ")
            case "list.number":
                marks.append(span.text)
            case "list.task" | "list.done":
                box = "[ ] " if span.style == "list.task" else "[x] "
                marks.append(box if marks and marks[-1].strip()[-1:] in (".", ")") else f"- {box}")
            case "quote.bar":
                marks.append("> ")
            case "footnote":
                marks.append(f"[^{span.text.strip('[] ')}]: ")
            case "text":
                marks.append(span.text)
    return "".join(marks)
