"""Text cut to the width that a terminal has for it."""

from __future__ import annotations

from collections.abc import Iterable

from lmchat.console.output import Piece
from lmchat.markdown.cells import cells, clusters
from lmchat.values.safe_text import safe_line


def fitted(text: str, width: int) -> str:
    """Text on one line of at most so many cells, in which nothing acts."""
    return "".join(piece for piece, _ in fitted_pieces([(text, False)], width))


def padded(text: str, width: int) -> str:
    """Like `fitted`, filled up with spaces."""
    shown = fitted(text, width)
    return shown + " " * (width - cells(shown))


def fitted_pieces(pieces: Iterable[Piece], width: int) -> list[Piece]:
    """Pieces on one line of at most so many cells together, in which nothing acts."""
    safe = [(safe_line(text), bold) for text, bold in pieces]
    if sum(cells(text) for text, _ in safe) <= width:
        return safe
    kept: list[Piece] = []
    room = width - 1
    for text, bold in safe:
        taken: list[str] = []
        for cluster, size in clusters(text):
            if size > room:
                return [*kept, ("".join(taken), bold), ("…", False)]
            taken.append(cluster)
            room -= size
        kept.append(("".join(taken), bold))
    return kept
