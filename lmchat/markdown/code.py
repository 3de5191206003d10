"""Blocks of code: fenced or indented, highlighted, on a background of their own."""

from __future__ import annotations

from copy import copy
from itertools import repeat

from lmchat.markdown.cells import clusters, is_narrow
from lmchat.markdown.languages import highlighter
from lmchat.markdown.leaves import Leaf
from lmchat.markdown.lines import Line, Span
from lmchat.markdown.wrap import wrap

_EDGE = Span(" ", "fence")
_CONTINUED = Span("↪", "fence.wrap")


class Code(Leaf):
    """Code: each finished line is final. Rows are padded to the full width, so that the background is a rectangle."""

    def __init__(self, width: int, info: str) -> None:
        super().__init__(width)
        self._highlighter = highlighter(info.split()[0].strip("{}.,") if info else "")
        self._empty = True
        for row in wrap([Span(info, "fence.language")], width - 2) if info else ():
            self._row(row.spans, row.width, None, decoration=True)

    def fork(self) -> Code:
        """A copy that goes its own way."""
        other = copy(self)
        other.lines = []
        other._highlighter = self._highlighter.fork() if self._highlighter else None
        return other

    def add(self, text: str) -> None:
        """Append a line of code."""
        text = text.expandtabs(4).rstrip()
        self._empty = False
        pieces = self._highlighter.line(text) if self._highlighter else [("", text)]
        room = max(self.width - 2, 2)
        if len(text) <= room and text.isascii():
            spans = [Span(part, f"fence {style}" if style else "fence") for style, part in pieces if part]
            self._row(spans, len(text), None)
            return
        for number, (spans, used) in enumerate(_chop(pieces, room)):
            self._row(spans, used, "" if number else None)

    def close(self) -> None:
        """A block without a line of code still shows that it is there."""
        if self._empty:
            self._row([], 0, None)

    def _row(self, spans: list[Span], used: int, joint: str | None, *, decoration: bool = False) -> None:
        left = _EDGE if joint is None else _CONTINUED
        pad = Span(" " * max(self.width - 1 - used, 0), "fence")
        before = 1 + len(spans) if decoration else 1
        self.lines.append(Line((left, *spans, pad), 1 + used + len(pad.text), before, 1, joint))


class IndentedCode(Code):
    """Code set off by indentation. Blank lines belong to it only when more code follows."""

    def __init__(self, width: int) -> None:
        super().__init__(width, "")
        self._blank = 0

    def add(self, text: str) -> None:
        """Append a line of code, and the blank ones that stood before it."""
        for _ in repeat(None, self._blank):
            super().add("")
        self._blank = 0
        super().add(text)

    def add_blank(self) -> None:
        """Note a blank line."""
        self._blank += 1


def _chop(pieces: list[tuple[str, str]], room: int) -> list[tuple[list[Span], int]]:
    """Pieces of code cut into rows of at most `room` cells, at any cluster."""
    rows: list[tuple[list[Span], int]] = []
    row: list[Span] = []
    used = 0
    for style, text in pieces:
        name = f"fence {style}" if style else "fence"
        if is_narrow(text):
            at = 0
            while at < len(text):
                if used == room:
                    rows.append((row, used))
                    row, used = [], 0
                part = text[at : at + room - used]
                row.append(Span(part, name))
                used += len(part)
                at += len(part)
            continue
        part_start: list[str] = []
        for cluster, width in clusters(text):
            if used + width > room:
                if part_start:
                    row.append(Span("".join(part_start), name))
                rows.append((row, used))
                row, used, part_start = [], 0, []
            part_start.append(cluster)
            used += width
        if part_start:
            row.append(Span("".join(part_start), name))
    rows.append((row, used))
    return rows
