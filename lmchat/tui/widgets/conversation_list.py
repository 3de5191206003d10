"""The left side: the conversations, newest first."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from lmchat.values.history import ConversationSummary
from lmchat.values.safe_text import safe_line

_WIDTH: Final = 28


class ConversationList(Vertical):
    """A list to choose a conversation from."""

    BINDINGS = [Binding("escape", "close", "Close")]

    class Closed(Message):
        """The user wants the list away."""

    class Chosen(Message):
        """The user wants this conversation."""

        def __init__(self, sender: ConversationList, summary: ConversationSummary) -> None:
            super().__init__()
            self.sender = sender
            self.summary = summary

        @property
        def control(self) -> ConversationList:
            """The list itself."""
            return self.sender

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._summaries: Sequence[ConversationSummary] = ()
        self._options = OptionList(markup=False)

    def compose(self) -> ComposeResult:
        """A title and the list."""
        yield Static("Conversations", classes="title")
        yield self._options

    def take_focus(self) -> None:
        """Let the keys go through the list."""
        self._options.focus()

    def action_close(self) -> None:
        """Ask for the list to be hidden."""
        self.post_message(self.Closed())

    def show(self, summaries: Sequence[ConversationSummary], current: int | None) -> None:
        """Show these; the current one is marked."""
        self._summaries = summaries
        options = self._options
        options.clear_options()
        now = time.time()
        if not summaries:
            options.add_option(Option(Content.styled("Nothing yet", "$foreground 55%"), disabled=True))
        options.add_options([Option(_entry(summary, current, now)) for summary in summaries])
        index = next((i for i, summary in enumerate(summaries) if summary.id == current), 0)
        options.highlighted = index if summaries else None

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Pass the choice on."""
        event.stop()
        self.post_message(self.Chosen(self, self._summaries[event.option_index]))


def _entry(summary: ConversationSummary, current: int | None, now: float) -> Content:
    mark = "● " if summary.id == current else "  "
    title = safe_line(summary.title) or "Untitled"
    line = Content.assemble((mark, "$primary"), title).truncate(_WIDTH, ellipsis=True)
    return Content.assemble(line, "\n  ", (when(summary.updated_at, now), "$foreground 55%"), "\n")


def when(moment: float, now: float) -> str:
    """A moment as people say it; both in Unix seconds."""
    then, today = time.localtime(moment), time.localtime(now)
    if then[:3] == today[:3]:
        return time.strftime("today %H:%M", then)
    if time.localtime(now - 86400)[:3] == then[:3]:
        return time.strftime("yesterday %H:%M", then)
    return time.strftime("%Y-%m-%d %H:%M", then)
