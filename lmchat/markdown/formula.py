"""Displayed mathematics: shown as it is written until it ends, then drawn as a block of Unicode text.

None of its lines is final before its end, so that all may change then. Once it is too long to wait for it is shown as
it was written, for good.
"""

from __future__ import annotations

import re
from copy import copy

from lmchat.markdown import scan
from lmchat.markdown.cells import cells
from lmchat.markdown.leaves import Verbatim
from lmchat.markdown.lines import Line, Span
from lmchat.markdown.wrap import wrap

_INDENT = 2
_OPENER = re.compile(r"\A\s*(?:\$\$|\\\[)")
_COMMAND = re.compile(r"\\[A-Za-z]")
_LEAST_WIDTH = 4


class Formula(Verbatim):
    """A formula between `$$` and `$$`, between `\\[` and `\\]`, or in an environment of its own."""

    def __init__(self, width: int, closer: str) -> None:
        super().__init__(width, "math", closer, ends_at_blank=True)
        self._source: list[str] = []
        self._waits = True

    def fork(self) -> Formula:
        """A copy that goes its own way."""
        other = copy(self)
        other.lines = []
        other._source = self._source[:]
        return other

    def add(self, text: str) -> None:
        """Append a line."""
        if not self._waits:
            super().add(text)
            return
        self._source.append(text)
        if sum(map(len, self._source)) + len(self._source) > scan.LONGEST_STRUCTURE:
            self.give_up()

    def give_up(self) -> None:
        """Show it as it was written."""
        self._waits = False
        for line in self._source:
            super().add(line)
        self._source = []

    def close(self) -> None:
        """All its lines are there: draw it, if it can be read."""
        rows = self._drawn() if self._waits else None
        if rows is None:
            self.give_up()
            return
        indent = _INDENT if self.width >= _INDENT + _LEAST_WIDTH else 0
        pad = (Span(" " * indent, "math"),) if indent else ()
        for row in rows:
            if cells(row) <= self.width - indent:
                self.lines.append(Line((*pad, Span(row, "math")), indent + cells(row), len(pad)))
                continue
            for wrapped in wrap([Span(row, "math")], self.width - indent):
                self.lines.append(Line((*pad, *wrapped.spans), indent + wrapped.width, len(pad), joint=wrapped.joint))

    def _drawn(self) -> tuple[str, ...] | None:
        body, closer, after = _OPENER.sub("", "\n".join(self._source), count=1).partition(self.closer)
        if not closer and not _COMMAND.search(body):  # never closed, so it may be prose after an amount of money
            return None
        if self.closer.startswith("\\end"):
            body += closer
        from lmchat.markdown.maths import display

        return display(body + after, self.width - _INDENT)
