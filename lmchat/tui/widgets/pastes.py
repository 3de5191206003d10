"""Long pastes, folded to a few words in the prompt: what stands for what."""

from __future__ import annotations

import re
from typing import Final

_LONG, _TALL = 1_000, 10
"""Characters and lines from which a paste is folded."""
_MARK: Final = re.compile(r"\[paste \d+: [\d,]+ (?:lines|characters)\]")


class Pastes:
    """The pastes of one prompt. A mark in its text stands for each; without its mark a paste is not sent."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}
        self._count = 0

    def fold(self, text: str) -> str:
        """What is to stand in the prompt for a pasted text: itself, unless it is long."""
        lines = text.count("\n") + 1
        if len(text) < _LONG and lines < _TALL:
            return text
        self._count += 1
        size = f"{lines:,} lines" if lines >= _TALL else f"{len(text):,} characters"
        mark = f"[paste {self._count}: {size}]"
        self._texts[mark] = text
        return mark

    def unfold(self, text: str) -> str:
        """A text of the prompt with everything that its marks stand for."""
        return _MARK.sub(lambda mark: self._texts.get(mark[0], mark[0]), text)

    def mark_before(self, line: str) -> str | None:
        """The mark with which the beginning of a line ends, if it does."""
        for mark in self._texts:
            if line.endswith(mark):
                return mark
        return None

    def forget(self) -> None:
        """Nothing stands in the prompt any more."""
        self._texts.clear()
        self._count = 0
