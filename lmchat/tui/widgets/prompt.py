"""The input box: Enter sends, Shift+Enter or Ctrl+J breaks the line, and it grows with what is typed."""

from __future__ import annotations

from textual import events
from textual.binding import Binding
from textual.message import Message
from textual.widgets import TextArea


class Prompt(TextArea):
    """Where the user types."""

    BINDINGS = [
        Binding("shift+enter,ctrl+j,alt+enter", "break_line", "New line", show=False),
    ]

    class Submitted(Message):
        """The user wants this sent."""

        def __init__(self, prompt: Prompt, text: str) -> None:
            super().__init__()
            self.prompt = prompt
            self.text = text

        @property
        def control(self) -> Prompt:
            """The prompt itself."""
            return self.prompt

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, soft_wrap=True, show_line_numbers=False, highlight_cursor_line=False, compact=True)
        self.placeholder = "Ask something"

    async def _on_key(self, event: events.Key) -> None:
        # TextArea takes Enter for itself before bindings are looked at.
        if event.key == "enter":
            event.stop()
            event.prevent_default()
            self.post_message(self.Submitted(self, self.text))
            return
        await super()._on_key(event)

    def action_break_line(self) -> None:
        """Begin a new line."""
        self.insert("\n")

    def take(self) -> str:
        """Empty the box, and give what was in it."""
        text = self.text
        self.clear()
        return text
