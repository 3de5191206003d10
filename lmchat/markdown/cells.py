"""How many terminal cells text takes, by grapheme cluster, with a fast path for what is one cell a character."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache, lru_cache
from importlib import import_module
from types import ModuleType

# Characters that take one cell each and never join with a neighbour: printable ASCII, Latin, Greek, Cyrillic,
# typographic punctuation, box drawing. A combining mark or a variation selector anywhere sends text the slow way.
_NARROW = re.compile(
    "[ -~\u00a0-\u00a8\u00aa-\u00ac\u00af-\u02ff\u0391-\u03ff\u0400-\u0482\u048a-\u052f\u2010-\u2027\u2030-\u203b"
    "\u2500-\u257f]*"
)

LONGEST_CLUSTER = 64
"""Characters; a longer cluster is taken for several, so that a flood of combining marks is no work without end."""
_WINDOW = 1_024


def is_narrow(text: str) -> bool:
    """Whether each character is certain to take one cell and to be a cluster of its own."""
    return text.isascii() or _NARROW.fullmatch(text) is not None


def cells(text: str) -> int:
    """The width of text in terminal cells."""
    if is_narrow(text):
        return len(text)
    return sum(width for _, width in clusters(text))


def clusters(text: str) -> Iterator[tuple[str, int]]:
    """Grapheme clusters of text with the width of each: 0, 1 or 2 cells."""
    if is_narrow(text):
        for character in text:
            yield character, 1
        return
    at = 0
    while at < len(text):
        window = text[at : at + _WINDOW]
        found = list(_wcwidth().iter_graphemes(window))
        if len(found) > 1 and at + _WINDOW < len(text):
            found.pop()  # it may go on beyond the window
        for cluster in found:
            part = cluster[:LONGEST_CLUSTER]
            at += len(part)
            yield part, _cluster_width(part)
            if len(part) < len(cluster):
                break


@lru_cache(maxsize=8192)
def _cluster_width(cluster: str) -> int:
    if len(cluster) == 1 and cluster.isascii():
        return 1
    width: int = _wcwidth().wcswidth(cluster)
    return min(max(width, 0), 2)


@cache
def _wcwidth() -> ModuleType:
    """The tables, imported when the first text needs them: many an answer never does."""
    return import_module("wcwidth")
