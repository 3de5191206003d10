"""Blocks of code around any text, and the ends of blocks that a text leaves open."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_LONGEST: Final = 1_000_000
"""Characters of a text that is looked at for blocks left open."""
_MAY_OPEN: Final = re.compile(r"```|~~~|<")
_TICKS: Final = re.compile("`+")
_FENCED: Final = re.compile(r"\A(`{3,})[^`\n]*\n(.*)\n\1\Z", re.DOTALL)
_LINES: Final = re.compile(r"\r\n|\r|\n")
_RAW: Final = (
    (re.compile(r"\s*<(script|pre|style|textarea)\b", re.IGNORECASE), "</{}>"),
    (re.compile(r"\s*<!--"), "-->"),
    (re.compile(r"\s*<\?"), "?>"),
    (re.compile(r"\s*<!\[CDATA\["), "]]>"),
    (re.compile(r"\s*<![A-Za-z]"), ">"),
)


def fenced(text: str, language: str) -> str:
    """The text as a block of code that ends where it ends."""
    ticks = "`" * max([3, *(len(run) + 1 for run in _TICKS.findall(text))])
    return f"{ticks}{language}\n{text}\n{ticks}"


def unfenced(block: str) -> str | None:
    """What `fenced` was given; None if this is no block of code."""
    found = _FENCED.match(block.strip("\n"))
    return found[2] if found else None


def closer(text: str) -> str:
    """A line that ends the block which the text leaves open, so that what follows is not drawn in it; else nothing."""
    if len(text) > _LONGEST or not _MAY_OPEN.search(text):
        return ""
    blocks = _parser().parse(text)
    last = blocks[-1] if blocks else None
    if last is None or last.level or last.map is None:
        return ""
    if last.type == "fence":
        return "" if _is_closed(last, _LINES.split(text)) else last.markup
    return _raw_closer(last.content) if last.type == "html_block" else ""


def _is_closed(fence: Token, lines: list[str]) -> bool:
    start, end = fence.map or (0, 0)
    closing = lines[end - 1].strip(" \t") if end - start > 1 and end <= len(lines) else ""
    return len(closing) >= len(fence.markup) and not closing.strip(fence.markup[0])


def _raw_closer(block: str) -> str:
    for opening, end in _RAW:
        if found := opening.match(block):
            end = end.format(found[1]) if found.lastindex else end
            return "" if end.lower() in block[found.end() :].lower() else end
    return ""


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark")
    parser.core.ruler.enableOnly(["normalize", "block"])
    return parser
