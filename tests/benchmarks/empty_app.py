"""The least that a Textual app with a prompt is: `python -m tests.benchmarks.empty_app`."""

from __future__ import annotations

from textual.app import App, ComposeResult
from textual.widgets import TextArea


class EmptyApp(App[None]):
    """One input box."""

    def compose(self) -> ComposeResult:
        """The box. Its cursor does not blink, so that nothing is drawn unasked."""
        box = TextArea(placeholder="Ask something")
        box.cursor_blink = False
        yield box


if __name__ == "__main__":
    EmptyApp().run()
