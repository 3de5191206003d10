"""The half of the chat screen with which one reads: scrolling, walking through the conversation, copying, finding."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from textual import on
from textual.binding import ActiveBinding, Binding
from textual.screen import Screen
from textual.widgets import Input

from lmchat.tui.widgets.conversation_view import ConversationView
from lmchat.tui.widgets.find_bar import FindBar
from lmchat.tui.widgets.prompt import Prompt
from lmchat.tui.widgets.status_line import StatusLine

if TYPE_CHECKING:
    from lmchat.tui.clipboard import Clipboard


class ReadingScreen(Screen[None]):
    """A conversation above a prompt, and what carries a reader from the one to the other."""

    BINDINGS = [
        Binding("ctrl+t", "fold", "Thoughts", show=False),
        Binding("pageup", "page(-1)", "Back", show=False, priority=True),
        Binding("pagedown", "page(1)", "Forth", show=False, priority=True),
        Binding("ctrl+home", "start", "First line", show=False, priority=True),
        Binding("ctrl+end", "end", "Last line", show=False, priority=True),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._view = ConversationView()
        self._find = FindBar(self._view)
        self._status = StatusLine()
        self._prompt = Prompt()
        self._clipboard: Clipboard | None = None

    async def release_clipboard(self) -> None:
        """Let go of what was copied, as far as this program has kept it."""
        if self._clipboard is not None:
            await self._clipboard.close()

    @property
    def active_bindings(self) -> dict[str, ActiveBinding]:
        """The keys that do something now. Of the screen's own, the footer shows none while another part has keys."""
        found = super().active_bindings
        if not isinstance(self.focused, ConversationView | Input):
            return found
        return {
            key: active._replace(binding=replace(active.binding, show=False)) if active.node is self else active
            for key, active in found.items()
        }

    @on(ConversationView.Scrolled)
    def _tell_below(self, event: ConversationView.Scrolled) -> None:
        if event.following or not event.below:
            self._status.aside = ""
        elif event.new:
            self._status.aside = f"{event.new:,} new {_lines(event.new)} below · End"
        else:
            self._status.aside = f"{event.below:,} {_lines(event.below)} below · End"

    @on(Prompt.WalkedUp)
    def _walk_in(self) -> None:
        self._view.walk_in()

    @on(Prompt.WentToEnd)
    def _go_to_end(self) -> None:
        self._view.go_to_end()

    @on(ConversationView.Left)
    def _leave_view(self, event: ConversationView.Left) -> None:
        self._prompt.focus()
        if event.typed:
            self._prompt.insert(event.typed)

    @on(ConversationView.Said)
    def _pass_on(self, event: ConversationView.Said) -> None:
        self._status.say(event.text)

    @on(ConversationView.Copied)
    async def _copy(self, event: ConversationView.Copied) -> None:
        from lmchat.tui.clipboard import Clipboard

        self._clipboard = self._clipboard or Clipboard(self.app)
        result = await self._clipboard.copy(event.text)
        self._status.say(f"{event.what.capitalize()} ({len(event.text):,} characters): {result}.")

    @on(ConversationView.LinkChosen)
    async def _link(self, event: ConversationView.LinkChosen) -> None:
        self._status.question = ""
        if event.target is None:
            return
        from lmchat.tui.links import describe, open_link

        if not event.wanted:
            self._status.question = f"{describe(event.target)} · Enter opens, Esc does not"
        elif await open_link(event.target):
            self._status.say(f"Opened in the browser: {describe(event.target)}")
        else:
            self._status.say(f"No browser could open it: {describe(event.target)}")

    @on(FindBar.Closed)
    def _close_find(self) -> None:
        self._find.close()
        self.remove_class("-find")
        self._prompt.focus()

    def action_page(self, pages: int) -> None:
        """Read back or forth."""
        self._view.scroll_pages(pages)

    def action_start(self) -> None:
        """Go to the first line."""
        self._view.go_to_start()

    def action_end(self) -> None:
        """Go to the last line."""
        self._view.go_to_end()

    def action_fold(self) -> None:
        """Fold or unfold what was thought."""
        self._view.fold_reasoning()


def _lines(count: int) -> str:
    return "line" if count == 1 else "lines"
