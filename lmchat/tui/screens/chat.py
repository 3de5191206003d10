"""The chat screen: it carries messages between the widgets and one conversation, and nothing else decides for them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.geometry import Size
from textual.widgets import Footer, Static

from lmchat.app.conversation import Conversation
from lmchat.app.events import AnswerFinished, AnswerStarted, BranchCut, ConversationEvent, MessageAdded
from lmchat.app.model_connection import TINY_MODEL_NOTE, ConnectionStatus
from lmchat.app.session import Resume, Session
from lmchat.tui.screens.help import HelpScreen
from lmchat.tui.screens.reading import ReadingScreen
from lmchat.tui.widgets.conversation_list import ConversationList
from lmchat.tui.widgets.conversation_view import ConversationView
from lmchat.tui.widgets.find_bar import Search
from lmchat.tui.widgets.prompt import Prompt
from lmchat.tui.widgets.stats_sidebar import StatsSidebar
from lmchat.tui.wording import count, ending, rate, seconds
from lmchat.values.errors import LMStudioError
from lmchat.values.history import ConversationSummary, MessageRecord
from lmchat.values.prediction import LlmPredictionFragment
from lmchat.values.safe_text import safe_line, safe_text

_NARROWEST, _WIDE = 30, 100
"""Columns: fewer are too few to chat; with so many the sides stand beside the conversation."""
_LOWEST, _HIGH = 8, 20
"""Lines: fewer are too few to chat; with so many the prompt may have room around it."""
_READINGS: Final = 1 / 5
"""Seconds between two looks at the meter."""
_STOP_TIMEOUT: Final = 3.0
"""Seconds that an answer gets to end when the program does."""
_WELCOME: Final = """
# lmchat

Type a question below and press **Enter**. The answer is written as the model thinks of it; *Esc* stops it.

`Ctrl+N` new conversation · `Ctrl+B` conversations · `F1` help
"""


class ChatScreen(ReadingScreen):
    """The conversation, the prompt, and the sides."""

    CSS_PATH = "chat.tcss"
    BINDINGS = [
        Binding("escape", "stop", "Stop"),
        Binding("ctrl+n", "new", "New"),
        Binding("ctrl+b", "toggle_list", "Conversations"),
        Binding("ctrl+f", "find", "Find"),
        Binding("f3", "toggle_stats", "Stats"),
        Binding("f1", "help", "Help"),
    ]

    def __init__(self, session: Session, resume: Resume) -> None:
        super().__init__()
        self.session = session
        self._resume = resume
        self._opened = False
        self._asking = False
        self._revised: tuple[MessageRecord, int] | None = None
        self._connection_text = ""
        self._conversation: Conversation = session.new_conversation()
        self._listing = ConversationList()
        self._stats = StatsSidebar()

    def compose(self) -> ComposeResult:
        """The sides round the middle."""
        with Horizontal(id="body"):
            yield self._listing
            with Vertical(id="middle"):
                yield self._view
                with Vertical(id="foot"):
                    yield self._find
                    yield self._status
                    yield self._prompt
            yield self._stats
        yield Static("This terminal is too small for lmchat: it needs 30 columns and 8 lines.", id="too-small")
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        """The prompt takes typing at once; everything else comes after the first picture."""
        self._prompt.focus()
        self._show_welcome()
        self._view.before_frame = self._settle
        self.session.on_status = self._show_status
        self.session.on_trouble = self._status.say
        self._readings = self.set_interval(_READINGS, self._show_reading, pause=True)
        self.call_after_refresh(self._open)

    @property
    def search(self) -> Search:
        """How the conversation is searched."""
        return self._conversation.find

    @property
    def answering(self) -> bool:
        """Whether an answer is being written."""
        return self._asking or self._conversation.answering

    def say(self, text: str) -> None:
        """Say something in passing."""
        self._status.say(text)

    async def leave(self) -> None:
        """Stop what is being written, and wait until it is kept."""
        await self._conversation.stop()
        try:
            async with asyncio.timeout(_STOP_TIMEOUT):
                await self.workers.wait_for_complete([w for w in self.workers if w.group == "answer"])
        except TimeoutError:
            self.workers.cancel_group(self, "answer")
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
        self._opened = True
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
        self._connection_text = self._status.standing = safe_line(status.text)
        self._status.progress = status.progress if status.stage in ("downloading", "loading") else None
        if status.stage not in ("ready", "failed"):
            self._stats.show_phase(safe_line(status.text.split(":")[0]))
        else:
            self._stats.show_phase("ready" if status.stage == "ready" else "no model")
            self._show_model()

    # Asking and answering

    @on(Prompt.Submitted)
    def _submit(self, event: Prompt.Submitted) -> None:
        if self.answering:
            self._refuse(event.text, "An answer is still being written. Esc stops it.")
        elif self._revised is not None:
            self._revise(event.text)
        elif self._resume is not None and not self._opened:
            self._refuse(event.text, "The conversation is being opened. Press Enter again in a moment.")
        elif event.text.strip():
            self._ask(self._conversation.send(event.text), event.text)
        elif self._conversation.awaits_answer:
            self._ask(self._conversation.answer())

    def _refuse(self, text: str, why: str) -> None:
        """Give a text back that cannot be sent now."""
        self._prompt.give_back(text)
        self._status.say(why)

    @on(ConversationView.Wanted)
    def _want(self, event: ConversationView.Wanted) -> None:
        if self._refuse_while_answering():
            return
        match event.deed:
            case "revise":
                self._begin_to_revise(event.message, event.number)
            case "regenerate":
                # Of a question, the answer is meant.
                at = event.number + (1 if event.message.role == "user" else 0)
                self._ask(self._conversation.regenerate(at))
            case "extend" if event.number == len(self._conversation.branch) - 1:
                self._ask(self._conversation.extend())
            case "extend":
                self._status.say("Only the last answer can go on.")

    def _begin_to_revise(self, message: MessageRecord, number: int) -> None:
        """Let the user write a message anew; what was in the prompt comes back after."""
        self._revised = (message, number)
        self._prompt.swap(safe_text(message.text))
        what = "your question: Enter asks it" if message.role == "user" else "the message: Enter keeps it"
        self._status.question = f"Editing {what}, Esc leaves it as it was"
        self._prompt.focus()
        self.refresh_bindings()

    def _revise(self, text: str) -> None:
        assert self._revised is not None
        message, number = self._revised
        self._end_revision()
        if message.role == "user":
            self._ask(self._conversation.revise(number, text), text)
        else:
            self._ask(self._conversation.rewrite(number, text), text)

    def _end_revision(self) -> None:
        self._revised = None
        self._status.question = ""
        self._prompt.swap_back()
        self.refresh_bindings()

    def _ask(self, asked: AsyncGenerator[ConversationEvent], text: str | None = None) -> None:
        """Follow what was asked for to its end. The text goes back into the prompt if it cannot be kept."""
        self._asking = True
        self._prompt.focus()
        self._follow(asked, text)

    @work(group="answer")
    async def _follow(self, asked: AsyncGenerator[ConversationEvent], text: str | None) -> None:
        self._readings.resume()
        self._stats.show_phase("asking")
        try:
            async with aclosing(asked) as events:
                async for event in events:
                    if isinstance(event, MessageAdded):
                        text = None
                    self._show(event)
        except LMStudioError as wrong:
            self._fail(wrong, text)
        finally:
            self._asking = False
            self._readings.pause()
            self._status.hush()
            self.refresh_bindings()
            self._show_numbers()

    async def _settle(self) -> None:
        await self._conversation.settle()

    def _show(self, event: ConversationEvent) -> None:
        match event:
            case LlmPredictionFragment():
                self._view.feed(event)
            case BranchCut(length):
                self._view.cut(length)
            case MessageAdded(message):
                self._view.add(message, len(self._conversation.branch) - 1)
                self._show_conversation()
                self.refresh_bindings()
            case AnswerStarted(message):
                self._view.begin(message, len(self._conversation.branch) - 1)
            case AnswerFinished(message):
                self._view.finish(message)

    def _fail(self, wrong: LMStudioError, unsaid: str | None) -> None:
        """Say what went wrong; a text that was not kept goes back into the prompt."""
        advice = "\nPress Enter to ask again." if unsaid is None and self._conversation.awaits_answer else ""
        self._view.add_notice(f"{wrong}{advice}", "error")
        self._prompt.give_back(unsaid or "")

    async def action_stop(self) -> None:
        """Stop the answer, or the editing of a message."""
        if self._revised is not None:
            self._end_revision()
        elif self.answering:
            self._status.say("Stopping …")
            await self._conversation.stop()
            self._status.hush()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer to stop only what can be stopped."""
        if action == "stop":
            return self.answering or self._revised is not None
        return True

    # Numbers

    def _show_reading(self) -> None:
        reading = self._conversation.meter.read()
        if reading.phase == "idle" or not self.answering:
            return
        self._stats.show_reading(reading)
        live = (
            f"{rate(reading.live_rate)} tok/s live · {seconds(reading.time_to_first_token)} · {reading.tokens} tokens"
        )
        self._stats_line(live)

    def _show_conversation(self) -> None:
        self._stats.show_conversation(self._conversation.branch, self._context_length)

    @property
    def _context_length(self) -> int | None:
        model = self.session.connection.model
        return model.info.context_length if model else None

    def _show_numbers(self) -> None:
        self._show_conversation()
        last = self._conversation.branch.last
        last = last if last is not None and last.role == "assistant" else None
        if last is not None:
            self._stats.show_answer(last)
        self._stats_line(_summary(last, self._context_length))

    def _stats_line(self, text: str) -> None:
        """Where there is no sidebar, the line above the prompt has the numbers."""
        self._status.standing = self._connection_text if self._stats.display or not text else text

    # Conversations

    def action_new(self) -> None:
        """Begin another conversation."""
        if self._refuse_while_answering():
            return
        self._conversation = self.session.new_conversation()
        self._show_welcome()
        self._stats.show_answer(None)
        self._show_numbers()
        self._prompt.focus()

    async def action_toggle_list(self) -> None:
        """Show or hide the conversations."""
        if self.has_class("-list"):
            self._close_list()
        elif self._opened:
            self._listing.show(await self.session.conversations(), self._conversation.id)
            self.add_class("-list")
            self._listing.take_focus()
        self.refresh_bindings()

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

    async def _read(self, summary: ConversationSummary) -> None:
        conversation = self.session.new_conversation()
        try:
            await conversation.open(summary)
        except LMStudioError as wrong:
            self._view.add_notice(str(wrong), "error")
            return
        self._conversation = conversation
        self._view.show(conversation.branch)
        self._show_numbers()

    def _refuse_while_answering(self) -> bool:
        if self.answering:
            self._status.say("An answer is still being written. Esc stops it.")
        return self.answering

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

    def _show_welcome(self) -> None:
        model = self.session.connection.model
        note = TINY_MODEL_NOTE if model and model.is_packaged else ""
        self._view.show_welcome(self._conversation.branch, f"{_WELCOME}\n{note}")


def _summary(answer: MessageRecord | None, context_length: int | None) -> str:
    """An answer in a line: its rate, its wait, how full the context is, and how it ended."""
    if answer is None or answer.stats is None:
        return ""
    stats = answer.stats
    fullness = f"{count(stats.total_tokens_count)} / {count(context_length)}"
    wait = seconds(stats.time_to_first_token_sec)
    return f"{rate(stats.tokens_per_second)} tok/s · {wait} · {fullness} · {ending(stats).short}"
