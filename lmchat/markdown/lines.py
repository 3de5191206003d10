"""What the renderer gives: lines of styled spans, with enough of their origin to copy what was written."""

from __future__ import annotations

from typing import NamedTuple


class Span(NamedTuple):
    """A run of text in one style.

    `style` is one or more names from `STYLES`, separated by spaces, the later laid over the earlier.
    `link` is the target as it was written.
    """

    text: str
    style: str
    link: str | None = None


class Line(NamedTuple):
    """One row of cells.

    `width` is in terminal cells, decoration included. The first `before` and the last `after` spans are decoration:
    bars, bullets, indentation, padding; what lies between was written by the author. `joint` says how the row before
    continues in this one: None when it does not, else the text that the wrap took away (a space, or nothing in the
    middle of a word). Lines of one block (a paragraph, a fence, a table) share the same `block` number.
    """

    spans: tuple[Span, ...]
    width: int
    before: int = 0
    after: int = 0
    joint: str | None = None
    block: int = 0
