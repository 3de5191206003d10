"""What the program itself has to say in a transcript: a welcome, an error. It is no part of the conversation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from lmchat.tui.transcript.sections import SEPARATOR, Label, Prose, Section, labels
from lmchat.values.safe_text import safe_text


class Notice:
    """A text in one style."""

    number: Final = None
    revision: Final = 0

    def __init__(self, text: str, style: str) -> None:
        self.role: Final = style
        self._text = safe_text(text)
        self.sections: Final[Sequence[Section]] = [Label(lambda width: labels(self._text, width, style)), SEPARATOR]

    def estimate(self, width: int) -> int:
        """About how many lines it takes."""
        return 1 + self._text.count("\n") + len(self._text) // max(width, 1)


class Welcome:
    """What an empty conversation shows, in Markdown and without a rule."""

    number: Final = None
    revision: Final = 0
    role: Final = ""

    def __init__(self, text: str) -> None:
        prose = Prose(safe_text(text))
        self.sections: Final[Sequence[Section]] = [SEPARATOR, prose]
        self._height = 1 + text.count("\n")

    def estimate(self, width: int) -> int:
        """About how many lines it takes."""
        return self._height
