"""The block cursor: what in a transcript it can stand on, and where it goes from there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from lmchat.markdown import Line
from lmchat.tui.transcript.entry import Entry
from lmchat.tui.transcript.place import Block, Place, block_at, blocks
from lmchat.tui.transcript.sections import Fold


class Link(NamedTuple):
    """A link in a block, and where its text stands."""

    target: str
    start: int
    """Offset in the block's text."""
    stop: int


def stops(entry: Entry, index: int, width: int) -> list[Place]:
    """Where the cursor stops in an entry: its blocks and its folds, or its heading if it has neither.

    Args:
        index: the entry's number in the transcript.
    """
    if entry.number is None:
        return []
    found: list[Place] = []
    for number, section in enumerate(entry.sections):
        lines = section.lines(width)
        if isinstance(section, Fold):
            found.append(Place(index, number, lines[0].block, 0))
        elif section.searched:
            found += [
                Place(index, number, block.number, 0)
                for block in blocks(lines)
                if block.text.strip() or block.stop - block.first > 1
            ]
    return found or [Place(index, 0, 0, 0)]


def step(entries: Sequence[Entry], width: int, place: Place, down: bool) -> Place | None:
    """The next stop below a place, or above it; None at the end."""
    index = place.entry
    here = stops(entries[index], index, width)
    near = [stop for stop in here if stop > place] if down else [stop for stop in here if stop[:3] < place[:3]]
    if near:
        return near[0] if down else near[-1]
    return step_entry(entries, width, place, down, last=not down)


def step_entry(entries: Sequence[Entry], width: int, place: Place, down: bool, *, last: bool = False) -> Place | None:
    """The first stop (or the last) of the next message below a place, or above it; None at the end."""
    index = place.entry + (1 if down else -1)
    while 0 <= index < len(entries):
        if there := stops(entries[index], index, width):
            return there[-1] if last else there[0]
        index += 1 if down else -1
    return None


def block_of(entry: Entry, place: Place, width: int) -> Block | None:
    """The block of a place as it is drawn now; None where nothing is drawn."""
    if place.section >= len(entry.sections):
        return None
    lines = entry.sections[place.section].lines(width)
    first = next((index for index, line in enumerate(lines) if line.block == place.block), None)
    return None if first is None else block_at(lines, first)


def links(lines: Sequence[Line], block: Block) -> list[Link]:
    """The links in a block; one that is wrapped counts once."""
    found: list[Link] = []
    for line, start in zip(lines[block.first : block.stop], block.starts, strict=True):
        at = start
        for span in line.spans[line.before : len(line.spans) - line.after]:
            stop = at + len(span.text)
            if span.link is not None:
                goes_on = found and found[-1].target == span.link and found[-1].stop >= at - 1
                if goes_on:
                    found[-1] = found[-1]._replace(stop=stop)
                else:
                    found.append(Link(span.link, at, stop))
            at = stop
    return found
