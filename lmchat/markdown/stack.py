"""The containers that are open, one within the other, and the drawing of lines inside them."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy

from lmchat.markdown.containers import Container, Item
from lmchat.markdown.lines import Line, Span
from lmchat.markdown.wrap import wrap

LEAST_TEXT = 6
"""Cells that decoration leaves to text; of containers nested too deep for that, only the innermost are indented."""


class Stack:
    """Open containers, the document first; lines are drawn `width` cells wide onto the end of `out`."""

    def __init__(self, width: int, out: list[Line]) -> None:
        self._width = width
        self._out = out
        self._open = [Container()]
        self._gap: list[Span] | None = None
        self.block = 0
        """The number of the block begun last."""

    def fork(self) -> Stack:
        """A copy that goes its own way, drawing on the same list."""
        other = copy(self)
        other._open = [container.fork() for container in self._open]
        return other

    def __len__(self) -> int:
        return len(self._open)

    def __getitem__(self, index: int) -> Container:
        return self._open[index]

    def push(self, container: Container) -> None:
        """Open a container in the innermost one."""
        self._open.append(container)

    def match(self, text: str) -> tuple[int, int]:
        """Where the content of a line begins, and how many of the open containers go on with it."""
        at = matched = 0
        for container in self._open:
            after = container.match(text, at)
            if after < 0:
                break
            at = min(after, len(text))
            matched += 1
        return at, matched

    def close_to(self, count: int) -> None:
        """Close the containers beyond the first `count`; a mark that no line has shown gets a line of its own."""
        if any(container.unmarked for container in self._open[count:]):
            self.draw([Line((), 0)])
        del self._open[count:]

    def begin(self, *, parted: bool, same_list: bool, follows: bool) -> None:
        """A block begins in the innermost container.

        `parted` says that the source has a blank line before it, `same_list` that it is another item of the list that
        is open there, `follows` that it belongs close to the block before it.
        """
        parent = self._open[-1]
        if not same_list:
            parent.open_list = None
        if parent.children and (parted or not (same_list or follows or isinstance(parent, Item))):
            self._gap = self._prefix()
        parent.children += 1
        self.block += 1

    def depth(self) -> int:
        """How many unordered lists are open within each other."""
        return sum(1 for container in self._open if container.open_list and container.open_list.kind in "-+*")

    def room(self) -> int:
        """Cells left for text in the innermost container."""
        return self._width - sum(container.width for container in self._drawn())

    def draw(self, lines: Sequence[Line]) -> None:
        """Draw lines in the innermost container, after the blank line that parts them from what was before."""
        if self._gap is not None:
            gap, self._gap = self._gap, None
            self._out.append(Line(tuple(gap), sum(len(span.text) for span in gap), len(gap), block=self.block))
        if len(self._open) == 1:
            self._out.extend(line._replace(block=self.block) for line in lines)
            return
        indent = self._width - self.room()
        for line in (*self._hidden_marks(), *lines):
            prefix = self._prefix()
            before = len(prefix) + line.before
            self._out.append(
                Line((*prefix, *line.spans), indent + line.width, before, line.after, line.joint, self.block)
            )

    def _drawn(self) -> list[Container]:
        """The containers whose decoration is drawn: as many of the innermost as leave room for text."""
        left = self._width - LEAST_TEXT
        for index in range(len(self._open) - 1, -1, -1):
            left -= self._open[index].width
            if left < 0:
                return self._open[index + 1 :]
        return self._open

    def _prefix(self) -> list[Span]:
        return [span for container in self._drawn() for span in container.prefix()]

    def _hidden_marks(self) -> list[Line]:
        """The marks there is no room for beside their text, on lines of their own."""
        hidden = self._open[: len(self._open) - len(self._drawn())]
        marks = [span for container in hidden if container.unmarked for span in container.prefix()]
        rows = wrap(marks, self.room()) if marks else []
        return [Line(tuple(row.spans), row.width, before=len(row.spans)) for row in rows]
