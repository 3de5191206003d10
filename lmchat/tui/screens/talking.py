"""The half of the chat screen with which one talks: asking, following the answer, changing what was said, numbers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final

from textual import on, work
from textual.app import SuspendNotSupported
from textual.timer import Timer

from lmchat.app.conversation import Conversation
from lmchat.app.events import AnswerFinished, AnswerStarted, BranchCut, ConversationEvent, MessageAdded
from lmchat.app.model_connection import TINY_MODEL_NOTE
from lmchat.app.session import Session
from lmchat.tui.screens.reading import ReadingScreen
from lmchat.tui.widgets.conversation_view import ConversationView
from lmchat.tui.widgets.prompt import Prompt
from lmchat.tui.widgets.queue import Queue
from lmchat.tui.widgets.stats_sidebar import StatsSidebar
from lmchat.tui.wording import count, ending, rate, seconds
from lmchat.values.errors import LMStudioError
from lmchat.values.history import ConversationSummary, MessageRecord
from lmchat.values.prediction import LlmPredictionFragment
from lmchat.values.safe_text import safe_text

_IDLE: Final = 1.5
"""Seconds after an answer until the model may be asked for a title."""
_PAUSE: Final = 0.4
"""Seconds after a key until what is typed is kept as a draft."""
_TRIES: Final = 1.0
"""Seconds between two looks whether there is room again for what could not be saved."""
_READINGS: Final = 1 / 5
"""Seconds between two looks at the meter."""
_WELCOME: Final = """
# lmchat

Type a question below and press **Enter**. The answer is written as the model thinks of it; *Esc* stops it.

`Ctrl+N` new conversation · `Ctrl+S` all conversations · `F1` help
"""


class TalkingScreen(ReadingScreen):
    """A conversation with a model, and its numbers."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self._opening = False
        """Whether a conversation is about to be opened, in which a question would be said."""
        self._asking = False
        self._drafting: Timer | None = None
        self._beginning: Conversation | None = None
        """The conversation whose draft was kept before anything was said in it."""
        self._connection_text = ""
        self._pointed: MessageRecord | None = None
        """The answer on which the cursor stands."""
        self._conversation: Conversation = session.new_conversation()
        self._stats = StatsSidebar()
        self._queue = Queue()
        if session.private:
            self._prompt.placeholder = "Ask something. This is private: nothing of it is kept"

    def begin_to_read(self) -> None:
        """Have the meter read while something is written, and nothing drawn that is not on disk."""
        self._view.before_frame = self._settle
        self._readings = self.set_interval(_READINGS, self._show_reading, pause=True)

    @property
    def answering(self) -> bool:
        """Whether an answer is being written."""
        return self._asking or self._conversation.answering

    # Asking and answering

    @on(Prompt.Submitted)
    def _submit(self, event: Prompt.Submitted) -> None:
        if self.answering:
            self._wait_in_line(event.text)
        elif self.take_revision(event.text):
            return
        elif self._opening:
            self._refuse(event.text, "The conversation is being opened. Press Enter again in a moment.")
        elif event.text.strip():
            self._ask(self._conversation.send(event.text), event.text)
        elif self._conversation.awaits_answer:
            self._ask(self._conversation.answer())

    def _wait_in_line(self, text: str) -> None:
        """Ask a question when the answer that is being written has ended."""
        if text.strip():
            self._queue.put(text)
            self.save_draft()
            self._status.say("Asked next. Up takes it back, Esc stops the answer.")

    def _ask_next(self, *, ended_well: bool) -> None:
        """Ask what waits; what was stopped or failed is not asked past, and the questions go back into the prompt."""
        if self._queue and not ended_well:
            self._prompt.give_back(self._queue.take_all())
        elif self._queue:
            text = self._queue.take_first()
            self._ask(self._conversation.send(text), text)

    @on(Prompt.WalkedUp)
    def _take_back(self, event: Prompt.WalkedUp) -> None:
        """Up, with a question waiting, changes that question."""
        if self._queue and not self._prompt.text:
            event.prevent_default()
            self._prompt.put(self._queue.take_last())

    @work(exclusive=True, group="editor")
    async def action_edit_prompt(self) -> None:
        """Edit the prompt in the user's own editor; an answer goes on meanwhile, and nothing is drawn over it."""
        from lmchat.app.editor import edit

        failed: LMStudioError | None = None
        text = self._prompt.whole
        try:
            with self.app.batch_update(), self.app.suspend():
                # An error that left this block would leave the terminal with the editor.
                try:
                    text = await asyncio.to_thread(edit, text)
                except LMStudioError as wrong:
                    failed = wrong
        except SuspendNotSupported:
            self._status.say("This terminal cannot be lent to an editor.")
            return
        if failed is not None:
            self._status.say(str(failed))
        else:
            self._prompt.put(safe_text(text))
        self._prompt.focus()

    @on(Prompt.Changed)
    def _keep_draft(self) -> None:
        """Keep what is typed, a moment after the last key."""
        if self._drafting is not None:
            self._drafting.stop()
        self._drafting = self.set_timer(_PAUSE, self.save_draft)

    @work(exclusive=True, group="draft")
    async def save_draft(self) -> None:
        """Keep what is typed now."""
        if self._drafting is not None:
            self._drafting.stop()
            self._drafting = None
        conversation = self._conversation
        text = "\n\n".join(filter(None, (*self._queue.texts, self._prompt.draft)))
        try:
            if conversation.id is not None and self._beginning is conversation:
                # It has begun since: what was kept before it had a number was sent.
                await self.session.save_draft(None, "")
            self._beginning = conversation if conversation.id is None else None
            await self.session.save_draft(conversation.id, text)
        except LMStudioError as wrong:
            self._status.say(str(wrong))
            self._drafting = self.set_timer(_TRIES, self.save_draft)

    async def restore_draft(self) -> None:
        """Put into the prompt what was typed in this conversation and not sent, unless something is there already."""
        try:
            draft = await self.session.draft(self._conversation.id)
        except LMStudioError as wrong:
            self._status.say(str(wrong))
            return
        branch = self._conversation.branch
        end = [branch.record(index) for index in range(max(len(branch) - 2, 0), len(branch))]
        # A question may have been sent, and even been answered, a moment before a crash.
        if not self._prompt.text and draft not in [record.text for record in end if record is not None]:
            self._prompt.give_back(safe_text(draft))

    @work(exclusive=True, group="prompts")
    async def action_prompts(self) -> None:
        """Search what was asked before, and put it into the prompt."""
        from lmchat.tui.screens.prompts import PromptsScreen

        try:
            prompts = await self.session.prompts()
        except LMStudioError as wrong:
            self._status.say(str(wrong))
            return
        if chosen := await self.app.push_screen_wait(PromptsScreen(prompts)):
            self._prompt.insert(safe_text(chosen))
            self._prompt.focus()

    def _refuse(self, text: str, why: str) -> None:
        """Give a text back that cannot be sent now."""
        self._prompt.give_back(text)
        self._status.say(why)

    def take_revision(self, text: str) -> bool:
        """Take a text that is no new question; False when it is one."""
        return False

    def _ask(self, asked: AsyncGenerator[ConversationEvent], text: str | None = None) -> None:
        """Follow what was asked for to its end. The text goes back into the prompt if it cannot be kept."""
        self._asking = True
        self.workers.cancel_group(self, "title")
        self._prompt.focus()
        self._follow(asked, text)

    @work(group="answer")
    async def _follow(self, asked: AsyncGenerator[ConversationEvent], text: str | None) -> None:
        self._readings.resume()
        self._stats.show_phase("asking")
        ended_well = False
        try:
            async with aclosing(asked) as events:
                async for event in events:
                    if isinstance(event, MessageAdded):
                        text = None
                    self._show(event)
                    ended_well = _ended_well(event)
        except LMStudioError as wrong:
            self._fail(wrong, text)
            self._save_later()
        finally:
            self._asking = False
            self._entitle()
            self._readings.pause()
            self._status.hush()
            self.refresh_bindings()
            self._show_numbers()
        self._ask_next(ended_well=ended_well)

    @work(exclusive=True, group="title")
    async def _entitle(self) -> None:
        """Have a title given while the model has nothing else to do; the next question comes first."""
        if self.session.settings.titles == "model":
            await asyncio.sleep(_IDLE)
            try:
                await self._conversation.entitle()
            except LMStudioError:
                # The first words are a title, too.
                return

    @work(exclusive=True, group="save")
    async def _save_later(self) -> None:
        """Save what there was no room for as soon as there is some."""
        if not (unsaved := await self.session.save()):
            return
        while unsaved:
            await asyncio.sleep(_TRIES)
            unsaved = await self.session.save()
        self._view.add_notice("There is room on the disk again: the answer is saved.", "warning")

    async def _settle(self) -> None:
        await self._conversation.settle()

    def _show(self, event: ConversationEvent) -> None:
        match event:
            case LlmPredictionFragment():
                self._view.feed(event)
            case BranchCut(length):
                self._view.cut(length)
            case MessageAdded(message):
                self.save_draft()
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
        """Stop the answer."""
        if self.answering:
            self._status.say("Stopping …")
            await self._conversation.stop()
            self._status.hush()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer to stop only what can be stopped."""
        if action == "stop":
            return self.answering
        return True

    # Numbers

    def _show_reading(self) -> None:
        reading = self._conversation.meter.read()
        if reading.phase == "idle" or not self.answering:
            return
        if self._pointed is None:
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
        if (shown := self._pointed or last) is not None:
            self._stats.show_answer(shown, pointed_at=self._pointed is not None)
        self._stats_line(_summary(last, self._context_length))

    @on(ConversationView.Pointed)
    def _show_pointed(self, event: ConversationView.Pointed) -> None:
        """Show the numbers of the answer that the cursor stands on, and how it came about."""
        message = event.message
        self._pointed = message if message is not None and message.role == "assistant" and message.stats else None
        self._show_numbers()

    def _stats_line(self, text: str) -> None:
        """Where there is no sidebar, the line above the prompt has the numbers."""
        self._status.standing = self._connection_text if self._stats.display or not text else text

    # The conversation

    def action_find(self) -> None:
        """Find something in the conversation."""
        self.add_class("-find")
        self._find.open(self._conversation.find)

    async def _read(self, summary: ConversationSummary) -> None:
        conversation = self.session.new_conversation()
        try:
            await conversation.open(summary)
        except LMStudioError as wrong:
            self._view.add_notice(str(wrong), "error")
            return
        self._conversation = conversation
        self.begin_conversation()
        self._view.show(conversation.branch)
        self._show_numbers()
        await self.restore_draft()

    def begin_conversation(self) -> None:
        """Forget what belonged to another conversation."""

    def _refuse_while_answering(self) -> bool:
        if self.answering:
            self._status.say("An answer is still being written. Esc stops it.")
        return self.answering

    def _show_welcome(self) -> None:
        model = self.session.connection.model
        note = TINY_MODEL_NOTE if model and model.is_packaged else ""
        self._view.show_welcome(self._conversation.branch, f"{_WELCOME}\n{note}")


def _ended_well(event: ConversationEvent) -> bool:
    """Whether an answer has come to an end that the next question may follow."""
    if not isinstance(event, AnswerFinished) or event.message.error is not None:
        return False
    stats = event.message.stats
    return stats is None or stats.stop_reason != "userStopped"


def _summary(answer: MessageRecord | None, context_length: int | None) -> str:
    """An answer in a line: its rate, its wait, how full the context is, and how it ended."""
    if answer is None or answer.stats is None:
        return ""
    stats = answer.stats
    fullness = f"{count(stats.total_tokens_count)} / {count(context_length)}"
    wait = seconds(stats.time_to_first_token_sec)
    advice = " · Up, c goes on" if ending(stats).abnormal else ""
    return f"{rate(stats.tokens_per_second)} tok/s · {wait} · {fullness} · {ending(stats).short}{advice}"
