"""What a transcript is made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

from lmchat.markdown import Line
from lmchat.tui.transcript.sections import SEPARATOR, Section
from lmchat.values.history import MessageOutline

_EMPTY: Final = Line((), 0)


class Entry(Protocol):
    """A message, or something that the program has to say."""

    @property
    def number(self) -> int | None:
        """Its place in the conversation's branch; None for what is no message."""

    @property
    def role(self) -> str:
        """Whose it is; nothing for what has no rule at its left."""

    @property
    def sections(self) -> Sequence[Section]:
        """What it is made of."""

    @property
    def revision(self) -> int:
        """Another number when it has other text or other sections."""

    def estimate(self, width: int) -> int:
        """About how many lines it takes, without drawing it."""


class Unread:
    """A message of which only the outline is known: as high as it may be, and empty."""

    revision: Final = 0

    def __init__(self, number: int, outline: MessageOutline, height: int = 0) -> None:
        self.number = number
        self.outline = outline
        self._height = height

    @property
    def role(self) -> str:
        """Whose message it is."""
        return self.outline.role

    @property
    def sections(self) -> Sequence[Section]:
        """Blank lines."""
        return [_Blank(self.outline.size), SEPARATOR]

    def estimate(self, width: int) -> int:
        """About how many lines the message will take."""
        return self._height or _height(self.outline.size, width)


class _Blank(Section):
    def __init__(self, size: int) -> None:
        self._size = size

    def all_lines(self, width: int) -> Sequence[Line]:
        return [_EMPTY] * (_height(self._size, width) - 1)


def _height(size: int, width: int) -> int:
    # Paragraphs, lists and code make about half as many lines again as the characters alone.
    return 4 + size * 3 // (2 * max(width, 1))
