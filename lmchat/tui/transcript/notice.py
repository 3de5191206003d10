"""What the program itself has to say in a transcript: a welcome, an error. It is no part of the conversation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from lmchat.markdown import Line, Markdown
from lmchat.tui.transcript.plain_text import SEPARATOR, plain_lines
from lmchat.values.safe_text import safe_text


class Notice:
    """A text in one style."""

    def __init__(self, text: str, style: str) -> None:
        self._text = text
        self._style = style

    @property
    def role(self) -> str:
        """The style of the rule at its left."""
        return self._style

    def estimate(self, width: int) -> int:
        """About how many lines it takes."""
        return 1 + self._text.count("\n") + len(self._text) // max(width, 1)

    def sections(self, width: int) -> list[Sequence[Line]]:
        """Its lines."""
        return [plain_lines(safe_text(self._text), width, self._style), [SEPARATOR]]


class Welcome:
    """What an empty conversation shows, in Markdown and without a rule."""

    role: Final = ""

    def __init__(self, text: str) -> None:
        self._text = text

    def estimate(self, width: int) -> int:
        """About how many lines it takes."""
        return 1 + self._text.count("\n")

    def sections(self, width: int) -> list[Sequence[Line]]:
        """Its lines."""
        markdown = Markdown(width)
        markdown.feed(safe_text(self._text))
        markdown.finish()
        return [[SEPARATOR], markdown.lines]
