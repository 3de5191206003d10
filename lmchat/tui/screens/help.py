"""The help: every key, and where things are."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

KEYS = (
    ("Enter", "send; on an empty prompt, ask again what was not answered"),
    ("Ctrl+J, Shift+Enter", "new line; Shift+Enter where the terminal can tell it"),
    ("Esc", "stop the answer and keep what came"),
    ("Ctrl+N", "new conversation"),
    ("Ctrl+B", "conversations"),
    ("F3", "stats"),
    ("Ctrl+T", "fold or unfold what the model thought"),
    ("PageUp, PageDown", "read back and forth"),
    ("Ctrl+Home, Ctrl+End", "first line, last line"),
    ("F1", "this help"),
    ("Ctrl+P", "command palette: themes and more"),
    ("Ctrl+C", "copy what is selected in the prompt, else stop the answer"),
    ("Ctrl+Q", "leave"),
)
"""Every key of the chat screen and what it does."""

_ABOUT = (
    "\nThe model answers on your own machine. LM Studio is used when it runs here, or when --host names it; otherwise "
    "lmchat starts an engine of its own, with a tiny model that is real but often wrong.\n\n"
    "Every word is kept. [$primary]lmchat -c[/] goes on with the last conversation, [$primary]lmchat ask[/] answers in "
    "a pipe, [$primary]lmchat serve[/] lets other programs use the engine."
)


class HelpScreen(ModalScreen[None]):
    """Any of its keys closes it."""

    CSS_PATH = "help.tcss"
    BINDINGS = [Binding("escape,f1,q,enter", "dismiss", "Close")]

    def compose(self) -> ComposeResult:
        """A page of text."""
        width = max(len(keys) for keys, _ in KEYS)
        table = "\n".join(f"[$primary]{keys:<{width}}[/]  {what}" for keys, what in KEYS)
        with VerticalScroll():
            yield Static("Keys", classes="title")
            yield Static(table)
            yield Static(_ABOUT)
