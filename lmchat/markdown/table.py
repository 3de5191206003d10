"""Tables: thin rules between rows and columns, cells that wrap, and rows that freeze once the widths are decided.

The widths are those of the header and the first `MEASURED` rows, or of all rows when the table is shorter. Until then
the whole table may move; from then on each finished row is final, and a cell that is wider by more than a little slack
wraps. When the columns do not fit, the widest are narrowed to a common width and a rule parts the rows. When not even
`LEAST_COLUMN` cells a column are to be had, each row becomes a stack of "header: value" lines.
"""

from __future__ import annotations

import re
from copy import copy

from lmchat.markdown.cells import cells
from lmchat.markdown.inline import BREAK, References
from lmchat.markdown.leaves import Leaf
from lmchat.markdown.lines import Line, Span
from lmchat.markdown.segments import read
from lmchat.markdown.wrap import Row, wrap

MEASURED = 20
"""Body rows that are waited for before the widths of the columns are decided."""
LEAST_COLUMN = 5
"""Cells of a column below which a table is stacked."""

_DELIMITERS = re.compile(r"\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*\Z")
_GAP = Span(" │ ", "table.rule")

_Cell = list[Span]


def alignments(line: str) -> list[str] | None:
    """The alignment of each column ("<", "^" or ">") if line is a delimiter row."""
    if not _DELIMITERS.match(line) or line[:2] in ("-", "- ", "-\t"):  # that would be a list item
        return None
    result = []
    for cell in line.strip(" \t|").split("|"):
        cell = cell.strip()
        result.append("^" if cell[0] == cell[-1] == ":" else ">" if cell[-1] == ":" else "<")
    return result


def split_row(line: str) -> list[str]:
    """The cells of a row; a bar after a backslash belongs to the text."""
    line = line.strip(" \t")
    line = line.removeprefix("|")
    if line.endswith("|") and not line.endswith("\\|"):
        line = line[:-1]
    parts = re.split(r"(?<!\\)\|", line) if line else []
    return [part.strip().replace("\\|", "|") for part in parts]


class Table(Leaf):
    """A table with a header, given row by row."""

    def __init__(self, width: int, references: References, header: str, aligned: list[str]) -> None:
        super().__init__(width)
        self._references = references
        self._aligned = aligned
        self._header = self._cells(header, "table.header")
        self._waiting: list[list[_Cell]] = []
        self._natural = [_natural(cell) for cell in self._header]
        self._widths: list[int] = []
        self._ruled = False
        self._stacked = False
        self._begun = False

    def fork(self) -> Table:
        """A copy that goes its own way."""
        other = copy(self)
        other.lines = []
        other._waiting = self._waiting[:]
        other._natural = self._natural[:]
        return other

    def add(self, text: str) -> None:
        """Append a row."""
        row = self._cells(text, "table.cell")
        if not self._widths:
            self._waiting.append(row)
            self._natural = [max(old, _natural(cell)) for old, cell in zip(self._natural, row, strict=True)]
            if len(self._waiting) >= MEASURED:
                self._natural = [width + max(2, width // 4) for width in self._natural]
                self._decide()
        else:
            self._draw(row)

    def close(self) -> None:
        """No more rows: the widths are those of the rows there are."""
        if not self._widths:
            self._decide()

    def _cells(self, text: str, base: str) -> list[_Cell]:
        """Exactly as many cells as there are columns; what is too much goes into the last."""
        count = len(self._aligned)
        parts = split_row(text)
        if len(parts) > count:
            parts[count - 1 :] = [" | ".join(parts[count - 1 :]).strip(" |")]
        parts += [""] * (count - len(parts))
        return [read(part, base, self._references) for part in parts]

    def _decide(self) -> None:
        """Settle the widths and draw what waited for them."""
        room = self.width - 3 * (len(self._aligned) - 1)
        self._widths = _fit(self._natural, room)
        self._ruled = sum(self._natural) > room
        self._stacked = self._ruled and room < LEAST_COLUMN * len(self._aligned)
        if not self._stacked:
            self._draw_cells(self._header)
            self._draw_rule()
        elif not self._waiting:
            self._draw_stacked([[] for _ in self._header], heads=True)
        for row in self._waiting:
            self._draw(row)
        self._waiting = []

    def _draw(self, row: list[_Cell]) -> None:
        if self._stacked:
            self._draw_stacked(row)
            return
        if self._begun and self._ruled:
            self._draw_rule()
        self._draw_cells(row)
        self._begun = True

    def _draw_cells(self, row: list[_Cell]) -> None:
        widths = self._widths
        columns = [wrap(cell, width) for cell, width in zip(row, widths, strict=True)]
        last = len(columns) - 1
        for number in range(max(map(len, columns))):
            spans: list[Span] = []
            for index, (rows, width) in enumerate(zip(columns, widths, strict=True)):
                piece = rows[number] if number < len(rows) else Row([], 0, None)
                spans.extend(_pad(piece, width, self._aligned[index], trailing=index < last))
                if index < last:
                    spans.append(_GAP)
            self.lines.append(Line(tuple(spans), _width(spans), joint="" if number else None))

    def _draw_rule(self) -> None:
        line = "─┼─".join("─" * width for width in self._widths)
        self.lines.append(Line((Span(line, "table.rule"),), len(line), before=1))

    def _draw_stacked(self, row: list[_Cell], *, heads: bool = False) -> None:
        """A line for each cell that is not empty (with `heads`, for every one), named by its header."""
        if self._begun:
            rule = Span("─" * min(self.width, 12), "table.rule")
            self.lines.append(Line((rule,), len(rule.text), before=1))
        self._begun = True
        for name, cell in zip(self._header, row, strict=True):
            label = [*name, Span(": ", "table.header")] if name and name[0].text else []
            if (cell and cell[0].text) or heads:
                self._rows(wrap([*label, *cell], self.width))


def _natural(cell: _Cell) -> int:
    """The width of a cell that is not wrapped."""
    widest = used = 0
    for span in cell:
        used = 0 if span is BREAK else used + cells(span.text)
        widest = max(widest, used)
    return widest


def _fit(natural: list[int], room: int) -> list[int]:
    """Widths of together at most `room`: the narrow columns keep theirs, the wide ones share what is left."""
    widths = [max(width, 1) for width in natural]
    if sum(widths) <= room:
        return widths
    left, open_columns = room, sorted(range(len(widths)), key=lambda index: widths[index])
    while open_columns:
        share = left // len(open_columns)
        index = open_columns[0]
        if widths[index] > share:
            break
        left -= widths[index]
        open_columns.pop(0)
    for position, index in enumerate(sorted(open_columns)):
        share, extra = divmod(left, len(open_columns))
        widths[index] = max(share + (1 if position < extra else 0), 2)
    return widths


def _pad(row: Row, width: int, aligned: str, *, trailing: bool) -> list[Span]:
    """A row of a cell, set in its column."""
    free = max(width - row.width, 0)
    left = {"<": 0, ">": free, "^": free // 2}[aligned]
    right = free - left if trailing else 0
    spans = [Span(" " * left, "table.cell")] if left else []
    spans.extend(row.spans)
    if right:
        spans.append(Span(" " * right, "table.cell"))
    return spans


def _width(spans: list[Span]) -> int:
    return sum(cells(span.text) for span in spans)
