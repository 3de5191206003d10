"""The help: every key, and where things are."""

from __future__ import annotations

from collections.abc import Iterator

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, VerticalScroll
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Static

KEYS = (
    ("Enter", "send; while an answer is written, ask next; on an empty prompt, ask again what was not answered"),
    ("Ctrl+J, Shift+Enter", "new line; Shift+Enter where the terminal can tell it"),
    ("Esc", "stop the answer and keep what came"),
    ("Ctrl+N", "new conversation"),
    ("Ctrl+S", "all conversations: browse, search, rename, tag, pin, archive, delete"),
    ("Ctrl+B", "list of the latest conversations"),
    ("Ctrl+F", "find in this conversation; then Enter, Up and Down"),
    ("Ctrl+R", "search what you asked before"),
    ("Ctrl+G", "write the prompt in your own editor"),
    ("F3", "stats"),
    ("Ctrl+T", "fold or unfold what the model thought"),
    ("PageUp, PageDown", "read back and forth"),
    ("Ctrl+Home, Ctrl+End", "first line, last line; on an empty prompt End does, too"),
    ("F1", "this help"),
    ("Ctrl+P", "command palette: themes and more"),
    ("Ctrl+C", "copy what is selected, else stop the answer"),
    ("Ctrl+Q", "leave"),
)
"""Every key of the chat screen and what it does."""
READING_KEYS = (
    ("Up, Down", "block by block; Up on the prompt's first line begins, Down at the end returns"),
    ("Shift+Up, Down, [ ]", "message by message"),
    ("Home, End", "first block, last block"),
    ("y, Y", "copy the selection, the code, or the message; Y: the message in any case"),
    ("Enter, Space", "fold or unfold reasoning and tool calls"),
    ("e", "edit: a question is asked anew, an answer is kept in your words; the old stay beside them"),
    ("r", "have it answered again"),
    ("c", "let the last answer go on"),
    ("Left, Right", "the other versions of a message: edited, or answered again"),
    ("d, u", "delete a message with all that followed; bring it back"),
    ("f", "go on from here in a conversation of its own"),
    ("t", "the tree of all that was said here, to jump into"),
    ("o", "look at the block's links; then Enter opens one"),
    ("s", "show the message as it was written: Markdown, formulas, tables"),
    ("Esc", "let go of a link or a selection, then back to the prompt"),
)
"""Every key of the conversation while it has the cursor. A click puts the cursor there; the mouse selects."""

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
        with VerticalScroll():
            yield Static("Keys", classes="title")
            yield from _rows(KEYS)
            yield Static("In the conversation", classes="title")
            yield from _rows(READING_KEYS)
            yield Static(_ABOUT)


def _rows(keys: tuple[tuple[str, str], ...]) -> Iterator[Widget]:
    for names, what in keys:
        yield Horizontal(Static(names, markup=False, classes="keys"), Static(what, markup=False, classes="what"))
