"""Text shown exactly as it was typed: wrapped, and otherwise left alone."""

from __future__ import annotations

from typing import Final

from lmchat.markdown.cells import cells, clusters, is_narrow
from lmchat.markdown.lines import Line, Span

_TAB: Final = 4


class PlainText:
    """Text shown as it was written, indented, while it is being written: each line of it is wrapped once."""

    def __init__(self, width: int, style: str, indent: int = 0) -> None:
        self._width = width - indent
        self._style = style
        self._indent = (Span(" " * indent, style),) if indent else ()
        self._done: list[Line] = []
        self._open = ""

    def feed(self, text: str) -> None:
        """Append a piece of the text. Blank lines at its beginning are left out."""
        finished, newline, rest = (self._open + text).rpartition("\n")
        if newline:
            for line in finished.split("\n"):
                if line or self._done:
                    self._done += self._wrapped(line)
        self._open = rest

    @property
    def lines(self) -> list[Line]:
        """All lines as of now."""
        return self._done + self._wrapped(self._open) if self._open.strip() else self._done

    def _wrapped(self, text: str) -> list[Line]:
        lines = plain_lines(text, self._width, self._style)
        if not self._indent:
            return lines
        indent = self._indent[0]
        return [
            Line((indent, *line.spans), line.width + len(indent.text), before=1, joint=line.joint) for line in lines
        ]


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
