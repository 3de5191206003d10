"""A question that is answered with one line of text."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from lmchat.values.safe_text import safe_line


class LineScreen(ModalScreen[str | None]):
    """Asks for a line; None when the user would rather not."""

    CSS_PATH = "line.tcss"
    BINDINGS = [Binding("escape", "dismiss(None)", "Leave it")]

    def __init__(self, question: str, text: str = "") -> None:
        super().__init__()
        self._question = question
        self._text = safe_line(text)

    def compose(self) -> ComposeResult:
        """The question and the line."""
        with Vertical():
            yield Static(self._question, markup=False, classes="title")
            yield Input(self._text, compact=True, select_on_focus=False)
            yield Static("Enter keeps it, Esc leaves it as it is", classes="hint")

    @on(Input.Submitted)
    def _answer(self, event: Input.Submitted) -> None:
        self.dismiss(event.value)
