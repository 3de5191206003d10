"""Text shown exactly as it was typed: wrapped, and otherwise left alone."""

from __future__ import annotations

from typing import Final

from lmchat.markdown.cells import cells, clusters, is_narrow
from lmchat.markdown.lines import Line, Span

_TAB: Final = 4
_LONG: Final = 16
"""Rows of an unfinished line after which all but the last of them are taken for good."""


class PlainText:
    """Text shown as it was written, indented, while it is being written: each row of it is wrapped once."""

    def __init__(self, width: int, style: str, indent: int = 0) -> None:
        self._width = max(width - indent, 2)
        self._style = style
        self._indent = (Span(" " * indent, style),) if indent else ()
        self._done: list[Line] = []
        self._open = ""
        self._column = 0
        self._joint: str | None = None

    def feed(self, text: str) -> None:
        """Append a piece of the text. Blank lines at its beginning are left out."""
        *finished, rest = text.split("\n")
        for line in finished:
            self._append(line)
            if self._open.strip() or self._done:
                self._done += self._rows(self._open.rstrip(), self._joint)
            self._open, self._column, self._joint = "", 0, None
        self._append(rest)
        if len(self._open) > _LONG * self._width:
            self._settle()

    @property
    def lines(self) -> list[Line]:
        """All lines as of now."""
        return self._done + self._rows(self._open.rstrip(), self._joint) if self._open.strip() else self._done

    def _append(self, text: str) -> None:
        """Go on with the open line; its tabs reach to columns of the whole line."""
        offset = self._column % _TAB
        text = (" " * offset + text).expandtabs(_TAB)[offset:]
        self._column += len(text)
        self._open += text

    def _settle(self) -> None:
        """Take the rows of a long line for good. The last two may still change with what follows them."""
        body = self._open.rstrip()
        rows = self._rows(body, self._joint)[:-2]
        if rows:
            taken = sum(len(row.spans[-1].text) for row in rows)
            self._done += rows
            self._open, self._joint = self._open[taken:], ""

    def _rows(self, text: str, joint: str | None) -> list[Line]:
        rows = []
        for row in _wrap(text, self._width):
            width = cells(row)
            spans = (*self._indent, Span(row, self._style))
            indent = len(self._indent[0].text) if self._indent else 0
            rows.append(Line(spans, indent + width, before=len(self._indent), joint=joint))
            joint = ""
        return rows


def plain_lines(text: str, width: int, style: str = "text") -> list[Line]:
    """The lines of a text for a width in cells; blanks at its end are left out."""
    lines: list[Line] = []
    for source in text.rstrip().split("\n"):
        joint: str | None = None
        for row in _wrap(source.expandtabs(_TAB), max(width, 2)):
            lines.append(Line((Span(row, style),), cells(row), joint=joint))
            joint = ""
    return lines


def _wrap(text: str, width: int) -> list[str]:
    if is_narrow(text):
        if len(text) <= width:
            return [text]
        sizes = [1] * len(text)
        pieces = list(text)
    else:
        pieces, sizes = map(list, zip(*clusters(text), strict=True))
    rows: list[str] = []
    start = used = 0
    space = -1
    index = 0
    while index < len(pieces):
        if used + sizes[index] > width:
            end = space + 1 if space > start else max(index, start + 1)
            rows.append("".join(pieces[start:end]))
            start, space = end, -1
            index, used = start, 0
            continue
        if pieces[index] == " ":
            space = index
        used += sizes[index]
        index += 1
    rows.append("".join(pieces[start:]))
    return rows
