"""The least that a Textual app with a prompt is: `python -m tests.benchmarks.empty_app`."""

from __future__ import annotations

from textual.app import App, ComposeResult
from textual.widgets import TextArea


class EmptyApp(App[None]):
    """One input box."""

    def compose(self) -> ComposeResult:
        """The box."""
        yield TextArea(placeholder="Ask something")


if __name__ == "__main__":
    EmptyApp().run()
