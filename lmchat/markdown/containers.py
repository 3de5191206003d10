"""Block quotes, list items and footnotes: what they need of a line to go on, and what they draw at its left."""

from __future__ import annotations

from dataclasses import dataclass, replace

from lmchat.markdown.cells import cells
from lmchat.markdown.lines import Span

_QUOTE_BAR = Span("▌ ", "quote.bar")
_BULLETS = "•◦▪"


@dataclass(slots=True)
class ListState:
    """A list while it is open: `kind` is its bullet or the delimiter after its numbers."""

    kind: str
    number: int
    digits: int
    depth: int


@dataclass(slots=True)
class Container:
    """A block that holds blocks; as it stands, the document itself. `children` counts the blocks begun in it."""

    children: int = 0
    open_list: ListState | None = None
    width: int = 0

    def fork(self) -> Container:
        """A copy that goes its own way."""
        return replace(self, open_list=replace(self.open_list) if self.open_list else None)

    def match(self, line: str, at: int) -> int:
        """Where the content of line begins if this container goes on with it at `at`, else -1."""
        return at

    def prefix(self) -> list[Span]:
        """Decoration for the next line drawn in this container, `width` cells wide."""
        return []

    @property
    def unmarked(self) -> bool:
        """Whether there is a mark that no line has shown yet."""
        return False


@dataclass(slots=True)
class Quote(Container):
    """A block quote."""

    width: int = 2

    def match(self, line: str, at: int) -> int:
        """Goes on with each line that begins with its mark; a paragraph in it may also go on lazily."""
        start = at + indentation(line, at)
        if start - at > 3 or not line.startswith(">", start):
            return -1
        return start + 2 if line.startswith(" ", start + 1) else start + 1

    def prefix(self) -> list[Span]:
        """The bar, on every line."""
        return [_QUOTE_BAR]


@dataclass(slots=True)
class Item(Container):
    """A list item, or a footnote: a mark on the first line and a hanging indent of the mark's width.

    `indent` is how many columns a line needs in the source to belong to it.
    """

    indent: int = 0
    mark: tuple[Span, ...] = ()
    marked: bool = False

    def match(self, line: str, at: int) -> int:
        """Goes on with lines indented enough, and with blank ones unless it has no content yet."""
        spaces = indentation(line, at)
        if at + spaces >= len(line):
            return -1 if not self.children else at + min(spaces, self.indent)
        return at + self.indent if spaces >= self.indent else -1

    def prefix(self) -> list[Span]:
        """The mark once, then blanks."""
        if not self.marked:
            self.marked = True
            return list(self.mark)
        return [Span(" " * self.width, "text")]

    @property
    def unmarked(self) -> bool:
        """Whether the mark is still to be drawn."""
        return not self.marked


def indentation(line: str, at: int) -> int:
    """How many spaces stand at `at`."""
    end = at
    while line.startswith(" ", end):
        end += 1
    return end - at


def bullet(state: ListState, indent: int, task: str | None) -> Item:
    """An item of an unordered list."""
    mark = Span(_BULLETS[min(state.depth, len(_BULLETS) - 1)] + " ", "list.bullet")
    return _item((_box(task),) if task else (mark,), indent)


def numbered(state: ListState, indent: int, task: str | None) -> Item:
    """An item of an ordered list, its number set flush right."""
    mark = Span(f"{state.number:>{state.digits}}{state.kind} ", "list.number")
    return _item((mark, _box(task)) if task else (mark,), indent)


def footnote(label: str) -> Item:
    """The text of a footnote."""
    return _item((Span(f"[{label}] ", "footnote"),), 4)


def _item(mark: tuple[Span, ...], indent: int) -> Item:
    return Item(indent=indent, mark=mark, width=sum(cells(span.text) for span in mark))


def _box(task: str) -> Span:
    return Span("☐ ", "list.task") if task == " " else Span("☑ ", "list.done")
