"""What was asked before, to be asked again: searched as one types."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from lmchat.tui.bidi import isolate_text
from lmchat.values.safe_text import safe_line

_SHOWN: Final = 200
"""Prompts that are listed at most."""


class PromptsScreen(ModalScreen[str | None]):
    """Gives the prompt that was chosen, or None."""

    CSS_PATH = "prompts.tcss"
    BINDINGS = [Binding("escape,ctrl+r", "dismiss(None)", "Back")]

    def __init__(self, prompts: Sequence[str]) -> None:
        """Show prompts, the latest first."""
        super().__init__()
        self._prompts = prompts
        self._found: list[str] = []
        self._query = Input(placeholder="Search what you asked before", compact=True)
        self._list = OptionList(markup=False, compact=True)

    def compose(self) -> ComposeResult:
        """The search, what was found, and a hint."""
        with Vertical():
            yield self._query
            yield self._list
            yield Static("Enter puts it into the prompt · Up and Down choose", classes="hint")

    def on_mount(self) -> None:
        """Begin with the latest."""
        self.call_after_refresh(self._search)

    @on(Input.Changed)
    def _search(self) -> None:
        words = self._query.value.casefold().split()
        self._found = [text for text in self._prompts if all(word in text.casefold() for word in words)][:_SHOWN]
        width = max(self._list.size.width - 2, 20)
        self._list.clear_options()
        self._list.add_options([Option(Content(_line(text)).truncate(width, ellipsis=True)) for text in self._found])
        self._list.highlighted = 0 if self._found else None

    def on_key(self, event: events.Key) -> None:
        """Up and Down go through the list while one types."""
        if event.key in ("up", "down") and self._query.has_focus:
            event.stop()
            event.prevent_default()
            if event.key == "down":
                self._list.action_cursor_down()
            else:
                self._list.action_cursor_up()

    @on(Input.Submitted)
    def _submit(self) -> None:
        self._choose(self._list.highlighted)

    @on(OptionList.OptionSelected)
    def _select(self, event: OptionList.OptionSelected) -> None:
        self._choose(event.option_index)

    def _choose(self, index: int | None) -> None:
        self.dismiss(self._found[index] if index is not None else None)


def _line(text: str) -> str:
    return isolate_text(safe_line(text))
