"""Blocks of code: fenced or indented, highlighted, on a background of their own.

The source of the code is kept beside its lines, as these are padded and their tabs expanded. A line too long to be
highlighted to its end is drawn as it comes: only its last row, and the grapheme cluster it ends in, may still change.
"""

from __future__ import annotations

from copy import copy
from typing import Self

from lmchat.markdown import highlight
from lmchat.markdown.cells import clusters, is_narrow
from lmchat.markdown.languages import highlighter
from lmchat.markdown.leaves import Leaf
from lmchat.markdown.lines import Line, Span
from lmchat.markdown.wrap import append_text, wrap

_EDGE = Span(" ", "fence")
_CONTINUED = Span("↪", "fence.wrap")
_BLANK = Span("", "fence")
_TAB = 4


class Code(Leaf):
    """Code: each finished line is final. Rows are padded to the full width, so that the background is a rectangle.

    `source` holds what was added, in pieces, with a newline before each line but the first; in a fork, what was added
    to the fork.
    """

    def __init__(self, width: int, info: str) -> None:
        super().__init__(width)
        self.source: list[str] = []
        self.line_open = False
        """Whether the last line is long, so that it may be appended to."""
        self._highlighter = highlighter(info.split()[0].strip("{}.,") if info else "")
        self._empty = True
        self._row: list[Span] = []
        self._used = 0
        self._joint: str | None = None
        self._held = ""
        self._column = 0
        for row in wrap([Span(info, "fence.language")], width - 2) if info else ():
            self._draw(row.spans, row.width, None, decoration=True)

    def fork(self) -> Self:
        """A copy that goes its own way."""
        other = copy(self)
        other.lines = []
        other.source = []
        other._row = self._row[:]
        other._highlighter = self._highlighter.fork() if self._highlighter else None
        return other

    def add(self, text: str) -> None:
        """Append a line of code."""
        self._end_line()
        self.source.append(text if self._empty else "\n" + text)
        self._empty = False
        text = text.expandtabs(_TAB)
        code = text.rstrip()
        pieces = self._highlighter.line(code) if self._highlighter else [("", code)]
        if len(code) > highlight.LONGEST_LINE:
            self._begin_line(text, pieces)
            return
        if len(code) <= self._room and code.isascii():
            spans = [Span(part, _style(style)) for style, part in pieces if part]
            self._draw(spans, len(code), None)
            return
        for style, part in pieces:
            self._fill(part, _style(style))
        self._end_row(None)

    def append(self, text: str) -> None:
        """Continue the last line; only while it is open."""
        self.source.append(text)
        offset = self._column % _TAB
        text = (" " * offset + text).expandtabs(_TAB)[offset:]
        self._column += len(text)
        self._hold(self._held + text)

    def close(self) -> None:
        """A block without a line of code still shows that it is there."""
        self._end_line()
        if self._empty:
            self._draw([], 0, None)

    @property
    def _room(self) -> int:
        return max(self.width - 2, 2)

    def _begin_line(self, text: str, pieces: list[tuple[str, str]]) -> None:
        """Draw the highlighted beginning of a long line, and go on with the rest of it as plain code."""
        left = highlight.LONGEST_LINE
        for style, part in pieces:
            self._fill(part[:left], _style(style))
            left -= len(part[:left])
        self.line_open = True
        self._column = len(text)
        self._hold(text[highlight.LONGEST_LINE :])

    def _hold(self, text: str) -> None:
        """Draw plain code up to the cluster it ends in, and keep that, and the blanks after it, for what may follow."""
        body = text.rstrip()
        last = 1 if is_narrow(body) else len(list(clusters(body))[-1][0])
        settled = max(len(body) - last, 0)
        self._fill(text[:settled], "fence")
        self._held = text[settled:]

    def _end_line(self) -> None:
        if self.line_open:
            self._fill(self._held.rstrip(), "fence")
            self._end_row(None)
            self.line_open = False

    def _fill(self, text: str, style: str) -> None:
        """Put text on the row; a row that is full is done when more is to come."""
        like = Span("", style)
        if is_narrow(text):
            at = 0
            while at < len(text):
                if self._used == self._room:
                    self._end_row("")
                part = text[at : at + self._room - self._used]
                append_text(self._row, like, part)
                self._used += len(part)
                at += len(part)
            return
        for cluster, width in clusters(text):
            if self._used + width > self._room:
                self._end_row("")
            append_text(self._row, like, cluster)
            self._used += width

    def _end_row(self, next_joint: str | None) -> None:
        self._draw(self._row, self._used, self._joint)
        self._row, self._used, self._joint = [], 0, next_joint

    def _draw(self, spans: list[Span], used: int, joint: str | None, *, decoration: bool = False) -> None:
        left = _EDGE if joint is None else _CONTINUED
        pad = Span(" " * max(self.width - 1 - used, 0), "fence")
        if not spans:
            # An empty line of code was written, too.
            spans = [_BLANK]
        before = 1 + len(spans) if decoration else 1
        self.lines.append(Line((left, *spans, pad), 1 + used + len(pad.text), before, 1, joint))


class IndentedCode(Code):
    """Code set off by indentation. Blank lines belong to it only when more code follows."""

    def __init__(self, width: int) -> None:
        super().__init__(width, "")
        self._blank: list[str] = []

    def fork(self) -> Self:
        """A copy that goes its own way."""
        other = super().fork()
        other._blank = self._blank[:]
        return other

    def add(self, text: str) -> None:
        """Append a line of code, and the blank ones that stood before it."""
        for blank in self._blank:
            super().add(blank)
        self._blank.clear()
        super().add(text)

    def add_blank(self, text: str) -> None:
        """Note a blank line, which may have blanks beyond the indentation."""
        self._blank.append(text)


def _style(style: str) -> str:
    return f"fence {style}" if style else "fence"
