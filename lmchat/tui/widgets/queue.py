"""What is to be asked next, once the answer that is being written has ended."""

from __future__ import annotations

from typing import Final

from textual.content import Content
from textual.widgets import Static

from lmchat.values.safe_text import safe_line

_SHOWN: Final = 3
"""Questions that are shown; more are counted."""


class Queue(Static):
    """Questions that wait, a line for each, above the prompt. Nothing is shown when there are none."""

    def __init__(self) -> None:
        super().__init__(id="queue", markup=False)
        self._texts: list[str] = []
        self.display = False

    def __len__(self) -> int:
        return len(self._texts)

    @property
    def texts(self) -> tuple[str, ...]:
        """The questions in order."""
        return tuple(self._texts)

    def put(self, text: str) -> None:
        """Have a question wait."""
        self._texts.append(text)
        self._show()

    def take_first(self) -> str:
        """The question whose turn it is."""
        text = self._texts.pop(0)
        self._show()
        return text

    def take_last(self) -> str:
        """The question that was put last."""
        text = self._texts.pop()
        self._show()
        return text

    def take_all(self) -> str:
        """All questions as one text."""
        text = "\n\n".join(self._texts)
        self._texts.clear()
        self._show()
        return text

    def _show(self) -> None:
        lines = [f"next  {safe_line(text)}" for text in self._texts[:_SHOWN]]
        if (more := len(self._texts) - _SHOWN) > 0:
            lines.append(f"      and {more} more")
        self.display = bool(lines)
        # A line each, however long the question is.
        self.update(Content("\n".join(lines)))
