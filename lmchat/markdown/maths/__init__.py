"""Formulas as models write them, in LaTeX's notation, drawn as Unicode text: `x^2` as x², `\\frac{a}{b}` as a/b.

There is no library that does this well enough: those there are lose what they do not know, drop the parentheses that
give a fraction its meaning, or recurse until they fail. What cannot be read here is left to be shown as it was written.
Nothing is put out but what stands in the source and the printing characters of the tables.
"""

from __future__ import annotations

from functools import lru_cache

from lmchat.markdown.maths.layout import block, one_line
from lmchat.markdown.maths.parse import Unreadable, parse

LONGEST = 4_096
"""Characters of a formula that are looked at; a longer one is left as it was written."""


@lru_cache(maxsize=512)
def inline(source: str) -> str | None:
    """The formula on one line; None if it cannot be read. `source` is without its delimiters."""
    if len(source) > LONGEST:
        return None
    try:
        text = "; ".join(one_line(row) for row in parse(source))
    except Unreadable:
        return None
    return text.strip() or None


@lru_cache(maxsize=64)
def display(source: str, width: int) -> tuple[str, ...] | None:
    """The rows of the formula as a block, aligned if `width` cells suffice for that; None if it cannot be read."""
    if len(source) > LONGEST:
        return None
    try:
        rows = parse(source)
        return block(rows, width) if any(rows) else None
    except Unreadable:
        return None
