"""Where something stands in a transcript: places that hold at any width, since they count the author's characters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from lmchat.markdown import Line


class Place(NamedTuple):
    """A character of a transcript; places are ordered as their characters are."""

    entry: int
    """The message or notice, by its number in the transcript."""
    section: int
    """The section in the entry."""
    block: int
    """The block in the section, as its lines name it."""
    offset: int
    """The character in the block's text."""


class Block(NamedTuple):
    """The lines of one block in its section, and what its author wrote."""

    number: int
    first: int
    """Its first line in the section, gaps and labels left out."""
    stop: int
    """The line after its last."""
    text: str
    """What was written, with the wrapping undone; the lines of code and of tables keep theirs."""
    starts: tuple[int, ...]
    """For each line from the first, the offset in `text` at which its own begins."""


def written(line: Line) -> str:
    """What the author wrote in a line, without its decoration."""
    return "".join(span.text for span in line.spans[line.before : len(line.spans) - line.after])


def is_decoration(line: Line) -> bool:
    """Whether nothing in a line was written by the author."""
    return line.before + line.after >= len(line.spans)


def is_gap(line: Line) -> bool:
    """Whether a line only parts two blocks; the bars of quotes go through it."""
    return is_decoration(line) and all(not span.text.strip(" ▌") for span in line.spans)


def block_at(lines: Sequence[Line], index: int) -> Block:
    """The block of a line."""
    number = lines[index].block
    first = index
    while first > 0 and lines[first - 1].block == number:
        first -= 1
    while first < len(lines) - 1 and is_gap(lines[first]) and lines[first + 1].block == number:
        first += 1
    stop = max(index, first) + 1
    while stop < len(lines) and lines[stop].block == number:
        stop += 1
    return _block(lines, first, stop)


def blocks(lines: Sequence[Line], start: int = 0) -> Iterator[Block]:
    """The blocks of a section from a line on, which must be the first of its block."""
    while start < len(lines):
        block = block_at(lines, start)
        yield block
        start = block.stop


def line_of(lines: Sequence[Line], place: Place) -> int:
    """The line of a section in which a place of it is now; the nearest if it is there no more."""
    low, high = 0, len(lines)
    while low < high:
        middle = (low + high) // 2
        if lines[middle].block < place.block:
            low = middle + 1
        else:
            high = middle
    if low >= len(lines):
        return max(len(lines) - 1, 0)
    if lines[low].block != place.block:
        return low
    block = block_at(lines, low)
    index = block.first
    for number, start in enumerate(block.starts):
        if start > place.offset:
            break
        index = block.first + number
    return index


def _block(lines: Sequence[Line], first: int, stop: int) -> Block:
    parts: list[str] = []
    starts: list[int] = []
    length = 0
    for line in lines[first:stop]:
        text = written(line)
        if not is_decoration(line):
            joint = "" if not parts else "\n" if line.joint is None else line.joint
            parts.append(joint + text)
            length += len(parts[-1])
        starts.append(length - len(text))
    return Block(lines[first].block, first, stop, "".join(parts), tuple(starts))
