"""Tabs, which in Markdown reach to the next column that is a multiple of four."""

from __future__ import annotations

import re

_STRUCTURE = re.compile(r"[ \t>*+\-\d.)]{0,200}\t")


def expand_structure(text: str) -> str:
    """A line in which the tabs that may matter to its structure are spaces; tabs in its content stay."""
    match = _STRUCTURE.match(text)
    return match.group().expandtabs(4) + text[match.end() :] if match else text


def skip_columns(text: str, count: int) -> str:
    """Text without its first `count` columns; a tab that is cut through leaves spaces."""
    column = 0
    for index, character in enumerate(text):
        if column >= count:
            return " " * (column - count) + text[index:]
        column += 4 - column % 4 if character == "\t" else 1
    return " " * max(column - count, 0)
