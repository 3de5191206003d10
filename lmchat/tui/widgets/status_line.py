"""The line above the prompt: how the way to the model goes, a passing word, and what is below the view."""

from __future__ import annotations

from typing import Final

from textual.content import Content
from textual.reactive import reactive
from textual.timer import Timer
from textual.widgets import Static

_PASSING: Final = 5.0
"""Seconds that a passing word stays."""
_BAR: Final = 20


class StatusLine(Static):
    """One line. A passing word hides what stands there for a while."""

    standing: reactive[str] = reactive("")
    """What stands here: text that has been made safe."""
    progress: reactive[float | None] = reactive(None)
    """0.0-1.0 for a bar behind the text; None: no bar."""
    passing: reactive[str] = reactive("")
    """What is said for a while."""
    question: reactive[str] = reactive("")
    """What is asked and stands before all else until it is answered."""
    aside: reactive[str] = reactive("")
    """What stands at the right."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, markup=False)
        self._timer: Timer | None = None

    def say(self, text: str) -> None:
        """Say something in passing."""
        self.passing = text
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(_PASSING, self.hush)

    def hush(self) -> None:
        """Take a passing word away."""
        self.passing = ""

    def render(self) -> Content:
        """The line as it is now."""
        width = self.size.width
        text = self.question or self.passing or self.standing
        told = bool(self.question or self.passing)
        aside = self.aside if len(self.aside) + 8 < width else ""
        room = max(width - len(aside) - 1, 0)
        left = Content(text).stylize("$text-warning" if told else "$foreground 55%")
        if self.progress is not None and not told and room > len(text) + _BAR + 8:
            left = Content.assemble(left, "  ", _bar(self.progress), (f" {self.progress:.0%}", "$foreground 55%"))
        left = left.truncate(room, ellipsis=True, pad=True)
        return Content.assemble(left, " ", (aside, "$text-accent"))

    def watch_passing(self) -> None:
        """Show it."""
        self.refresh()

    def watch_standing(self) -> None:
        """Show it."""
        self.refresh()


def _bar(fraction: float) -> Content:
    filled = round(_BAR * min(max(fraction, 0.0), 1.0))
    return Content.assemble(("━" * filled, "$primary"), ("━" * (_BAR - filled), "$surface-lighten-2"))
