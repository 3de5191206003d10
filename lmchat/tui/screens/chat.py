"""The chat screen: it carries messages between the widgets and one conversation, and nothing else decides for them."""

from __future__ import annotations

import asyncio
from typing import Final

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.geometry import Size
from textual.widgets import Footer, Static

from lmchat.app.model_connection import ConnectionStatus
from lmchat.app.session import Resume, Session
from lmchat.tui.screens.help import HelpScreen
from lmchat.tui.screens.revising import RevisingScreen
from lmchat.tui.widgets.conversation_list import ConversationList
from lmchat.values.errors import LMStudioError
from lmchat.values.prediction import StopReason
from lmchat.values.safe_text import safe_line

_NARROWEST, _WIDE = 30, 100
"""Columns: fewer are too few to chat; with so many the sides stand beside the conversation."""
_LOWEST, _HIGH = 8, 20
"""Lines: fewer are too few to chat; with so many the prompt may have room around it."""
_QUIET: Final = 10.0
"""Seconds after the start until the store is tidied."""
_LOOKS: Final = 1.0
"""Seconds between two looks at what other programs have written."""
_STOP_TIMEOUT: Final = 3.0
"""Seconds that an answer gets to end when the program does."""


class ChatScreen(RevisingScreen):
    """The conversation, the prompt, and the sides."""

    CSS_PATH = "chat.tcss"
    BINDINGS = [
        Binding("escape", "stop", "Stop"),
        Binding("ctrl+n", "new", "New"),
        Binding("ctrl+s", "browse", "Conversations"),
        Binding("ctrl+b", "toggle_list", "List", show=False),
        Binding("ctrl+f", "find", "Find"),
        Binding("ctrl+r", "prompts", "Asked before", show=False),
        Binding("ctrl+g", "edit_prompt", "Editor", show=False),
        Binding("f3", "toggle_stats", "Stats"),
        Binding("f1", "help", "Help"),
    ]

    def __init__(self, session: Session, resume: Resume) -> None:
        super().__init__(session)
        self._resume = resume
        self._opening = resume is not None
        self._listing = ConversationList()

    def compose(self) -> ComposeResult:
        """The sides round the middle."""
        with Horizontal(id="body"):
            yield self._listing
            with Vertical(id="middle"):
                yield self._view
                with Vertical(id="foot"):
                    yield self._find
                    yield self._status
                    yield self._queue
                    yield self._prompt
            yield self._stats
        yield Static("This terminal is too small for lmchat: it needs 30 columns and 8 lines.", id="too-small")
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        """The prompt takes typing at once; everything else comes after the first picture."""
        self._prompt.focus()
        self.begin_to_read()
        self._show_welcome()
        self.session.on_status = self._show_status
        self.session.on_trouble = self._status.say
        self.call_after_refresh(self._open)

    def say(self, text: str) -> None:
        """Say something in passing."""
        self._status.say(text)

    async def leave(self, reason: StopReason = "userStopped", patience: float = _STOP_TIMEOUT) -> None:
        """Stop what is being written, and wait until it is kept; the reason is kept with it.

        Args:
            patience: seconds that the server gets to end the answer. After that what came is all there is.
        """
        if self._drafting is not None:
            self.save_draft()
        writers = [worker for worker in self.workers if worker.group in ("answer", "draft")]
        ends = asyncio.gather(
            self._conversation.stop(reason), *(worker.wait() for worker in writers), return_exceptions=True
        )
        await asyncio.wait([ends], timeout=patience)
        self.workers.cancel_group(self, "answer")
        await asyncio.wait([ends], timeout=patience)
        await self.release_clipboard()

    # The way to the model

    @work(group="open")
    async def _open(self) -> None:
        try:
            opened = await self.session.open(self._resume)
        except LMStudioError as wrong:
            # Without the store nothing that is said could be kept, so nothing is said.
            self.app.exit(wrong, return_code=1)
            return
        if opened.notice:
            self._view.add_notice(opened.notice, "warning")
        if opened.resumed is not None:
            await self._read(opened.resumed)
        self._opening = False
        await self.restore_draft()
        self.set_interval(_LOOKS, self._look_around)
        self.set_timer(_QUIET, self._tidy)
        self._connect()

    @work(exclusive=True, group="connect")
    async def _connect(self) -> None:
        try:
            await self.session.connection.ready()
        except LMStudioError as wrong:
            self._view.add_notice(str(wrong), "error")

    def _show_model(self) -> None:
        if (model := self.session.connection.model) is None:
            return
        self._stats.show_model(model.info, model.server)
        self._show_numbers()
        if not self._conversation.branch:
            self._show_welcome()

    def _show_status(self, status: ConnectionStatus) -> None:
        private = "Private · " if self.session.private else ""
        self._connection_text = self._status.standing = f"{private}{safe_line(status.text)}"
        self._status.progress = status.progress if status.stage in ("downloading", "loading") else None
        if status.stage not in ("ready", "failed"):
            self._stats.show_phase(safe_line(status.text.split(":")[0]))
        else:
            self._stats.show_phase("ready" if status.stage == "ready" else "no model")
            self._show_model()

    # Conversations

    def action_new(self) -> None:
        """Begin another conversation."""
        if self._refuse_while_answering():
            return
        self._conversation = self.session.new_conversation()
        self.begin_conversation()
        self._show_welcome()
        self._stats.show_answer(None)
        self._show_numbers()
        self._prompt.focus()

    @work(group="tidy")
    async def _tidy(self) -> None:
        try:
            await self.session.tidy()
        except LMStudioError as wrong:
            self._status.say(str(wrong))

    @work(exclusive=True, group="look")
    async def _look_around(self) -> None:
        """Show what other programs have changed: the list, and the conversation that is open."""
        try:
            news = await self.session.watch.news()
            if news and self.has_class("-list"):
                self._listing.show(await self.session.conversations(), self._conversation.id)
            if self._conversation.id in news and await self._conversation.outdated():
                await self._reload(len(self._conversation.branch))
        except LMStudioError as wrong:
            self._status.say(str(wrong))

    async def action_toggle_list(self) -> None:
        """Show or hide the conversations."""
        if self.has_class("-list"):
            self._close_list()
        elif not self._opening:
            self._listing.show(await self.session.conversations(), self._conversation.id)
            self.add_class("-list")
            self._listing.take_focus()
        self.refresh_bindings()

    @work(exclusive=True, group="browse")
    async def action_browse(self) -> None:
        """Browse and search all conversations."""
        from lmchat.tui.screens.conversations import ConversationsScreen

        if self._opening:
            return
        screen = ConversationsScreen(self.session.library, self._conversation.id)
        choice = await self.app.push_screen_wait(screen)
        if choice is None or self._refuse_while_answering():
            return
        if choice.conversation.id != self._conversation.id:
            await self._read(choice.conversation)
        if choice.message_id is not None:
            await self._view.go_to_message(choice.message_id)

    @on(ConversationList.Closed)
    def _close_list(self) -> None:
        self.remove_class("-list")
        self._prompt.focus()

    @on(ConversationList.Chosen)
    async def _choose(self, event: ConversationList.Chosen) -> None:
        if self._refuse_while_answering():
            return
        await self.action_toggle_list()
        await self._read(event.summary)

    # The parts of the screen

    def action_toggle_stats(self) -> None:
        """Show or hide the stats."""
        self.toggle_class("-stats" if self.has_class("-narrow") else "-no-stats")

    def action_help(self) -> None:
        """Show the help."""
        self.app.push_screen(HelpScreen())

    def on_resize(self, event: events.Resize) -> None:
        """Lay the parts out for another size; the numbers move between the sidebar and the line."""
        # Not the event's size, which may be one that the terminal had a moment ago.
        width, height = self.app.size
        before = self.classes
        self.update_classes(
            {
                "-too-narrow": width < _NARROWEST,
                "-narrow": _NARROWEST <= width < _WIDE,
                "-wide": width >= _WIDE,
                "-too-low": height < _LOWEST,
                "-low": _LOWEST <= height < _HIGH,
            },
            animate=False,
        )
        if self.classes != before:
            self.call_after_refresh(self._show_numbers)

    def _screen_resized(self, size: Size) -> None:
        # Textual lays out for each size that was reported and reports that again: two sizes that follow fast on one
        # another would take turns for ever. Only the size that the terminal has now counts.
        super()._screen_resized(self.app.size)
