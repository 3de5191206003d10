"""Right-to-left text kept to its own place.

Terminals that know about the direction of writing order each row as a whole: Hebrew in two cells of a table would
swap them, and pull the rule between them along. Between U+2068 (first strong isolate) and U+2069 (pop directional
isolate) such text is ordered by itself, and counts as one neutral thing to what stands beside it. Both are zero cells
wide; terminals that write everything from left to right draw nothing for them. Those in the text itself have been
made visible before, so these come in pairs. Unicode Standard Annex #9.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby
from typing import Final

from lmchat.markdown import Span

_BEGIN, _END = "\u2068", "\u2069"
_RIGHT_TO_LEFT: Final = re.compile(
    "[\u0590-\u08ff\u200f\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]"
)
"""The blocks that Unicode keeps for right-to-left scripts."""
_DECORATION: Final = frozenset(
    {"table.rule", "quote.bar", "list.bullet", "list.number", "list.task", "list.done"}
    | {"fence.wrap", "heading.rule", "rule"}
)


def isolate(spans: Sequence[Span]) -> Sequence[Span]:
    """The spans with an isolate round every run between decorations that has right-to-left text.

    There are as many spans as before, of the same widths.
    """
    text = "".join([span.text for span in spans])
    if text.isascii() or _RIGHT_TO_LEFT.search(text) is None:
        return spans
    return [span for decoration, run in groupby(spans, _is_decoration) for span in _isolate_run([*run], decoration)]


def isolate_text(text: str) -> str:
    """A label in an isolate, if it has right-to-left text."""
    if text.isascii() or _RIGHT_TO_LEFT.search(text) is None:
        return text
    return f"{_BEGIN}{text}{_END}"


def _is_decoration(span: Span) -> bool:
    return not _DECORATION.isdisjoint(span.style.split())


def _isolate_run(run: list[Span], decoration: bool) -> list[Span]:
    if decoration or not any(_RIGHT_TO_LEFT.search(span.text) for span in run):
        return run
    run[0] = run[0]._replace(text=_BEGIN + run[0].text)
    run[-1] = run[-1]._replace(text=run[-1].text + _END)
    return run
