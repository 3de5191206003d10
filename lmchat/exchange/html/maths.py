"""Formulas in LaTeX's notation, as Unicode text in the page: a plugin of markdown-it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from lmchat.markdown.maths import display, inline
from lmchat.markdown.scan import reads_as_math

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_block import StateBlock
    from markdown_it.rules_inline import StateInline

_WIDTH: Final = 80
"""Characters of a line in the page's reading column."""
_MOST_LINES: Final = 64
_FORMULA: Final = re.compile(
    r"(?P<open>\\\()(?P<round>(?:[^\\]|\\(?![()])){1,4096})\\\)"
    r"|(?P<block>\\\[|\$\$)(?P<body>(?:[^\\$]|\\(?![\[\]])){1,4096})(?:\\\]|\$\$)"
    r"|\$(?![\s$])(?P<dollar>(?:[^$\\`\n]|\\.){1,4096})(?<!\s)\$(?!\d)",
    re.DOTALL,
)
_CLOSERS: Final = {"$$": "$$", "\\[": "\\]"}


def maths(parser: MarkdownIt) -> None:
    """Let a parser see formulas; its tokens are `formula` and `formula_block`, with the Unicode text as content."""
    parser.inline.ruler.before("escape", "formula", _inline_rule)
    parser.block.ruler.before(
        "fence", "formula_block", _block_rule, {"alt": ["paragraph", "reference", "blockquote", "list"]}
    )


def _inline_rule(state: StateInline, silent: bool) -> bool:
    if state.src[state.pos] not in "\\$":
        return False
    found = _FORMULA.match(state.src, state.pos, state.posMax)
    if found is None:
        return False
    opener = found["open"] or found["block"] or "$"
    body = found["round"] or found["body"] or found["dollar"]
    if found["block"] and not found[0].endswith(_CLOSERS[opener]):
        return False
    if not reads_as_math(opener, body, state.src[found.end() : found.end() + 1]):
        return False
    drawn = inline(body)
    if drawn is None:
        return False
    if not silent:
        state.push("formula", "", 0).content = drawn
    state.pos = found.end()
    return True


def _block_rule(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    if state.is_code_block(start):
        return False
    first = state.src[state.bMarks[start] + state.tShift[start] : state.eMarks[start]]
    opener = first[:2]
    closer = _CLOSERS.get(opener)
    if closer is None:
        return False
    lines = [first[2:]]
    line = start
    while closer not in lines[-1]:
        line += 1
        ended = line >= end or state.isEmpty(line) or state.sCount[line] < state.blkIndent
        if ended or len(lines) > _MOST_LINES:
            return False
        lines.append(state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]])
    body, _, after = "\n".join(lines).partition(closer)
    if after.strip(" \t.,;:!?") or not reads_as_math(opener, body):
        return False
    rows = display(body, _WIDTH)
    if rows is None:
        return False
    if not silent:
        token = state.push("formula_block", "", 0)
        token.content = "\n".join(rows)
        token.map = [start, line + 1]
        state.line = line + 1
    return True
