"""The sections of a message: runs of lines that follow one another, each drawn in its own way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from lmchat.markdown import Line, Markdown, Span
from lmchat.markdown.cells import cells
from lmchat.tui.transcript.plain_text import PlainText, plain_lines


class Section:
    """A run of lines. This one is decoration, which is neither searched nor copied."""

    fold: Fold | None = None
    """What folds it away, if anything does."""
    searched: bool = False
    """Whether its text is a part of the message."""

    def lines(self, width: int) -> Sequence[Line]:
        """The lines to show."""
        return () if self.fold and self.fold.closed else self.all_lines(width)

    def all_lines(self, width: int) -> Sequence[Line]:
        """The lines, folded away or not."""
        return ()


class Label(Section):
    """Lines that the program itself says; they are made anew when the width changes."""

    def __init__(self, draw: Callable[[int], list[Line]]) -> None:
        self._draw = draw
        self._drawn: tuple[int, list[Line]] = (0, [])

    def refresh(self) -> None:
        """What it says has changed."""
        self._drawn = (0, [])

    def all_lines(self, width: int) -> Sequence[Line]:
        """What it says, for this width."""
        if self._drawn[0] != width:
            self._drawn = (width, [_decoration(line) for line in self._draw(width)])
        return self._drawn[1]


class Fold(Label):
    """A summary that folds the sections under it away."""

    def __init__(self, summary: Callable[[], str], style: str, *, closed: bool = True) -> None:
        super().__init__(self._summarize)
        self._summary = summary
        self._style = style
        self._closed = closed

    @property
    def closed(self) -> bool:
        """Whether only the summary shows."""
        return self._closed

    @closed.setter
    def closed(self, closed: bool) -> None:
        self._closed = closed
        self.refresh()

    def _summarize(self, width: int) -> list[Line]:
        return [label((f"{'▸' if self._closed else '▾'} {self._summary()}", self._style))]


class Prose(Section):
    """Markdown, while it is being written and after."""

    searched = True

    def __init__(self, text: str = "", *, finished: bool = True) -> None:
        self._fed = [text]
        self._finished = finished
        self._pending: list[str] = []
        self._markdown: Markdown | None = None
        self._width = 0

    @property
    def text(self) -> str:
        """The source so far."""
        if len(self._fed) > 1:
            self._fed = ["".join(self._fed)]
        return self._fed[0]

    def feed(self, text: str) -> None:
        """Take what comes next; it is read when lines are asked for."""
        self._fed.append(text)
        self._pending.append(text)

    def finish(self) -> None:
        """Nothing more will come."""
        self._finished = True

    def all_lines(self, width: int) -> Sequence[Line]:
        """The text, drawn."""
        markdown = self._markdown
        if markdown is None:
            self._markdown = markdown = Markdown(width)
            markdown.feed(self.text)
            self._pending.clear()
        elif width != self._width:
            markdown.resize(width)
        self._width = width
        if self._pending:
            markdown.feed("".join(self._pending))
            self._pending.clear()
        if self._finished:
            markdown.finish()
        return markdown.lines

    def code(self, block: int) -> str | None:
        """The code of a block as it was written; None if it has another kind."""
        return self._markdown.code(block) if self._markdown else None


class Verbatim(Section):
    """Text exactly as it was written, in one style."""

    searched = True

    def __init__(self, text: str, style: str = "text", *, indent: int = 0) -> None:
        self._fed = [text]
        self._style = style
        self._indent = indent
        self._plain: PlainText | None = None
        self._read = 0
        self._width = 0

    @property
    def text(self) -> str:
        """What was fed."""
        return "".join(self._fed)

    def feed(self, text: str) -> None:
        """Take what comes next; it is read when lines are asked for."""
        self._fed.append(text)

    def all_lines(self, width: int) -> Sequence[Line]:
        """The text, wrapped."""
        if self._plain is None or width != self._width:
            self._plain = PlainText(width, self._style, indent=self._indent)
            self._read, self._width = 0, width
        if self._read < len(self._fed):
            self._plain.feed("".join(self._fed[self._read :]))
            self._read = len(self._fed)
        return self._plain.lines


GAP: Final = Label(lambda width: [Line((), 0)])
"""An empty line between two parts of a message."""
SEPARATOR: Final = Label(lambda width: [Line((), 0)])
"""The empty line after an entry; it belongs to neither of its neighbours."""


def label(*parts: tuple[str, str]) -> Line:
    """A line of decoration out of (text, style)."""
    spans = tuple(Span(text, style) for text, style in parts)
    return Line(spans, sum(cells(span.text) for span in spans), before=len(spans))


def labels(text: str, width: int, style: str) -> list[Line]:
    """Lines of decoration in one style."""
    return [_decoration(line) for line in plain_lines(text, width, style)]


def _decoration(line: Line) -> Line:
    return line._replace(before=len(line.spans), after=0)
