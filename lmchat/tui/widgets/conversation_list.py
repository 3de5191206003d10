"""The left side: the conversations, newest first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from lmchat.tui.widgets.conversation_options import by_day
from lmchat.values.history import ConversationSummary

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
        self._summaries: dict[str, ConversationSummary] = {}
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
        """Show these; the current one is marked. What is chosen stays chosen."""
        chosen = self._chosen or current
        self._summaries = {str(summary.id): summary for summary in summaries}
        options = self._options
        options.clear_options()
        if not summaries:
            options.add_option(Option(Content.styled("Nothing yet", "$foreground 55%"), disabled=True))
        options.add_options(by_day(summaries, current=current, width=_WIDTH))
        shown = [at for at in range(options.option_count) if not options.get_option_at_index(at).disabled]
        same = [at for at in shown if options.get_option_at_index(at).id == str(chosen)]
        options.highlighted = next(iter(same or shown), None)

    @property
    def _chosen(self) -> int | None:
        option = self._options.highlighted_option
        return int(option.id) if option is not None and option.id is not None else None

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Pass the choice on."""
        event.stop()
        if event.option_id is not None:
            self.post_message(self.Chosen(self, self._summaries[event.option_id]))
