"""Blocks that hold text, each growing line by line and giving its rows as soon as they are final."""

from __future__ import annotations

from copy import copy

from lmchat.markdown.inline import BREAK, References
from lmchat.markdown.lines import Line, Span
from lmchat.markdown.segments import Segments, read
from lmchat.markdown.wrap import Row, Wrapper, wrap


class Leaf:
    """A block of text of `width` cells. Finished lines, without the decoration of containers, gather in `lines`."""

    def __init__(self, width: int) -> None:
        self.width = width
        self.lines: list[Line] = []

    def fork(self) -> Leaf:
        """A copy that goes its own way and starts with no finished lines."""
        other = copy(self)
        other.lines = []
        return other

    def close(self) -> None:
        """The block has ended: all its lines are final."""

    def _rows(self, rows: list[Row], joint: str | None = None) -> None:
        for row in rows:
            self.lines.append(Line(tuple(row.spans), row.width, joint=row.joint if joint is None else joint))


class Paragraph(Leaf):
    """Running text. It freezes line by line when it is long; see `segments` for the rule."""

    def __init__(self, width: int, references: References, text: str) -> None:
        super().__init__(width)
        self._segments = Segments("text", references)
        self._wrapper = Wrapper(width)
        self.add(text)

    def fork(self) -> Paragraph:
        """A copy that goes its own way."""
        other = copy(self)
        other.lines = []
        other._segments = self._segments.fork()
        other._wrapper = self._wrapper.fork()
        return other

    def add(self, text: str) -> None:
        """Append text as it is; a newline parts the source's lines."""
        for segment in self._segments.add(text):
            self._wrap(segment)
            self._take()

    append = add

    def close(self) -> None:
        """Nothing follows, so the rest can be read."""
        self._wrap(self._segments.tail())
        self._wrapper.close()
        self._take()

    @property
    def whole(self) -> str | None:
        """The text, if none of it is final yet: it may still turn out to be a heading."""
        return None if self._segments.cut else self._segments.rest

    @property
    def last_line(self) -> str | None:
        """The last line of the source, if none of it is final yet: it may be the head of a table."""
        _, newline, line = self._segments.rest.rpartition("\n")
        return line if newline or not self._segments.cut else None

    def drop_last_line(self) -> bool:
        """Take the last line of the source away; False when nothing is left then."""
        rest, newline, _ = self._segments.rest.rpartition("\n")
        self._segments.rest = rest
        return bool(newline)

    def _wrap(self, spans: list[Span]) -> None:
        for span in spans:
            if span is BREAK:
                self._wrapper.newline()
            else:
                self._wrapper.add(span)

    def _take(self) -> None:
        self._rows(self._wrapper.rows)
        self._wrapper.rows.clear()


class Heading(Leaf):
    """A heading; the first level has a light line under it."""

    def __init__(self, width: int, references: References, text: str, level: int) -> None:
        super().__init__(width)
        rows = wrap(read(text, f"heading.{level}", references), width)
        self._rows(rows)
        if level == 1:
            rule = Span("─" * max(*(row.width for row in rows), 1), "heading.rule")
            self.lines.append(Line((rule,), len(rule.text), before=1))


class Rule(Leaf):
    """A thematic break."""

    def __init__(self, width: int) -> None:
        super().__init__(width)
        self.lines.append(Line((Span("─" * width, "rule"),), width, before=1))


class Definition(Leaf):
    """The definition of a link reference, shown as it was written."""

    def __init__(self, width: int, label: str, target: str, title: str) -> None:
        super().__init__(width)
        spans = [Span(f"[{label}]: ", "definition"), Span(target, "definition link", target)]
        if title:
            spans.append(Span(f" {title}", "definition"))
        self._rows(wrap(spans, width))


class Verbatim(Leaf):
    """Text whose lines are kept as they are, such as raw HTML: wrapped, not parsed. `closer` is what ends it."""

    def __init__(self, width: int, style: str, closer: str, *, ends_at_blank: bool) -> None:
        super().__init__(width)
        self.closer = closer
        self.ends_at_blank = ends_at_blank
        self._style = style

    def add(self, text: str) -> None:
        """Append a line."""
        text = text.expandtabs(4).rstrip()
        inner = text.lstrip(" ")
        indent = min(len(text) - len(inner), self.width // 2)
        for row in wrap([Span(inner, self._style)], self.width - indent):
            pad = (Span(" " * indent, self._style),) if indent else ()
            hanging = len(pad) if row.joint is not None else 0
            self.lines.append(Line((*pad, *row.spans), row.width + indent, before=hanging, joint=row.joint))
