"""A conversation being held: its messages, the model that answers, and its place in the store. No screen, no wire."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final, TypeAlias

from lmchat.app.answer import Answer
from lmchat.app.branch import Branch
from lmchat.app.journal import Journal
from lmchat.app.meter import Meter
from lmchat.app.model_connection import ModelConnection, ReadyModel
from lmchat.app.search import Found, search
from lmchat.client.backend import EventStream
from lmchat.store.thread import StoreThread
from lmchat.values.chat import Chat, Role, TextData
from lmchat.values.config import LlmPredictionConfig
from lmchat.values.errors import LMStudioError, LMStudioValueError, LMStudioWebsocketError, StoreError
from lmchat.values.history import ConversationSummary, MessageRecord, Provenance, chat_of
from lmchat.values.prediction import LlmPredictionFragment, PredictionEvent

_TITLE_LENGTH: Final = 60


@dataclass(frozen=True, slots=True)
class MessageAdded:
    """A message that the user said is on disk."""

    message: MessageRecord


@dataclass(frozen=True, slots=True)
class AnswerStarted:
    """The model has been asked, and its answer has a place on disk."""

    message: MessageRecord


@dataclass(frozen=True, slots=True)
class AnswerFinished:
    """The answer is on disk, whole or as far as it came; how it ended is in its stats."""

    message: MessageRecord


ConversationEvent: TypeAlias = MessageAdded | AnswerStarted | PredictionEvent | AnswerFinished


class Conversation:
    """One conversation. It has a place in the store from its first message on."""

    def __init__(
        self,
        store: StoreThread,
        connection: ModelConnection,
        *,
        system_prompt: str | None = None,
        config: LlmPredictionConfig | None = None,
    ) -> None:
        self._store = store
        self._connection = connection
        self._system_prompt = system_prompt
        self._config = config or LlmPredictionConfig()
        self._summary: ConversationSummary | None = None
        self._branch = Branch(store)
        self._stream: EventStream | None = None
        self._stopping = False
        self._answering = False
        self._answer: Answer | None = None
        self._left_over: MessageRecord | None = None
        self._journal: Journal | None = None
        self._preparing: asyncio.Task[ReadyModel] | None = None
        self.meter = Meter()
        """The live numbers of the answer that is being written, or was written last."""

    async def open(self, summary: ConversationSummary) -> None:
        """Go on with a conversation from the store.

        Raises:
            StoreError: it cannot be read.
        """
        self._branch = await Branch.open(self._store, summary.id)
        self._summary = summary

    @property
    def id(self) -> int | None:
        """Its number in the store; None while nothing has been said."""
        return self._summary.id if self._summary else None

    @property
    def title(self) -> str:
        """Empty while nothing has been said."""
        return self._summary.title if self._summary else ""

    @property
    def branch(self) -> Branch:
        """The messages of the current branch."""
        return self._branch

    @property
    def answering(self) -> bool:
        """Whether an answer is being asked for or written."""
        return self._answering

    @property
    def awaits_answer(self) -> bool:
        """Whether what the user said last has no answer, not even the beginning of one."""
        last = self._branch.last
        return not self._answering and last is not None and (last.role == "user" or last.is_empty_answer)

    async def chat(self) -> Chat:
        """What a model is given: every message with text, without the reasoning of earlier answers.

        Raises:
            StoreError: the messages cannot be read.
        """
        return chat_of(await self._branch.whole())

    def find(self, pattern: re.Pattern[str]) -> AsyncGenerator[Found]:
        """How often a pattern occurs in `MessageRecord.texts`, in each of them by itself.

        Messages where it does come as (index in the branch, count) from the newest back, in slices, of which some may
        be empty. Closing the iterator ends the search. Of an answer that is being written, what has come is searched.

        Raises:
            StoreError: messages cannot be read, or were deleted meanwhile.
        """
        if self._answer is not None:
            self._branch.replace_last(self._answer.so_far)
        return search(self._store, self._branch, pattern)

    async def send(self, text: str) -> AsyncGenerator[ConversationEvent]:
        """Say something and have it answered. What was said is on disk before anything else happens.

        Closing the iterator stops the answer; what came of it is kept.

        Raises:
            LMStudioValueError: there is nothing to say, or an answer is still being written.
            StoreError: it could not be written down; nothing was sent.
            LMStudioError: no model could be asked. The message is kept, and `answer` tries again.
        """
        if not text.strip():
            raise LMStudioValueError("There is nothing to send. Type a message first.")
        if self._answering:
            raise LMStudioValueError("An answer is still being written. Stop it first, or wait for its end.")
        self._answering = True
        try:
            said = await self._say(text.replace("\r\n", "\n").replace("\r", "\n"))
        finally:
            self._answering = False
        yield MessageAdded(said)
        async with aclosing(self.answer()) as answer:
            async for event in answer:
                yield event

    async def answer(self) -> AsyncGenerator[ConversationEvent]:
        """Have the last message answered.

        Raises:
            LMStudioError: no model could be asked.
            StoreError: the messages cannot be read, or the disk has no room for the answer or for the end of it.
        """
        self._answering = True
        self._stopping = False
        try:
            await self._finish_left_over()
            if (last := self._branch.last) is not None and last.is_empty_answer:
                # An answer that never began stays in the store; the new one becomes its sibling.
                await self._branch.pop()
            if (model := await self._ready()) is None:
                return
            try:
                stream = await self._ask(model)
            except LMStudioWebsocketError:
                # The server was lost since the last answer; nothing has come of this one yet.
                model = await self._connection.ready()
                stream = await self._ask(model)
            async with aclosing(stream), aclosing(self._write(model, stream)) as written:
                async for event in written:
                    yield event
        finally:
            self._answering = False
            self._stream = None
            self.meter.stop()

    async def settle(self) -> None:
        """Wait until what has come of the answer is on disk: what is shown after this is not lost by a crash.

        A slow disk is waited for only as long as a reader would not notice.
        """
        if self._journal is not None:
            await self._journal.settle()

    async def stop(self) -> None:
        """Stop the answer that is being written; it ends by itself, with what came."""
        self._stopping = True
        if self._preparing is not None:
            self._preparing.cancel()
        if self._stream is not None:
            try:
                await self._stream.cancel()
            except LMStudioWebsocketError:
                # The stream itself will find that the connection is gone.
                return

    async def _ready(self) -> ReadyModel | None:
        """The model; None when the user would not wait for it."""
        self._preparing = asyncio.create_task(self._connection.ready())
        try:
            await asyncio.wait({self._preparing})
            return None if self._stopping or self._preparing.cancelled() else self._preparing.result()
        finally:
            self._preparing.cancel()
            self._preparing = None

    async def _ask(self, model: ReadyModel) -> EventStream:
        chat = await self.chat()
        self.meter = Meter()
        self.meter.start()
        try:
            self._stream = await model.backend.predict(model.info.identifier, chat, self._config)
        except LMStudioError:
            self._connection.forget_model()
            raise
        if self._stopping:
            await self._stream.cancel()
        return self._stream

    async def _write(self, model: ReadyModel, stream: EventStream) -> AsyncGenerator[ConversationEvent]:
        """Follow a prediction to whatever end it has, and leave it on disk."""
        provenance = Provenance(server=model.server, model=model.info, prediction_config=self._config)
        message = await self._begin(provenance)
        journal = self._journal = Journal(self._store, message.id)
        answer = self._answer = Answer(message, provenance, self.meter)
        error: LMStudioError | None = None
        try:
            yield AnswerStarted(message)
            while not answer.complete:
                for event in await stream.take():
                    answer.feed(event)
                    if isinstance(event, LlmPredictionFragment):
                        journal.write(event)
                    yield event
        except LMStudioError as wrong:
            error = wrong
            self._connection.forget_model()
        finally:
            journal.flush()
            self._journal = self._answer = None
            finished = await self._finish(answer.record(error, stopped=self._stopping))
        yield AnswerFinished(finished)

    async def _finish(self, answer: MessageRecord) -> MessageRecord:
        """Make an answer a message like any other; while the disk is full it is one in memory only."""
        stats, provenance = answer.stats, answer.provenance
        assert stats is not None and provenance is not None
        self._branch.replace_last(answer)
        self._left_over = None
        try:
            finished = await self._store.run(
                lambda store: store.finish_answer(
                    answer.id, parts=answer.parts, stats=stats, provenance=provenance, error=answer.error
                )
            )
        except StoreError:
            self._left_over = answer
            raise
        self._branch.replace_last(finished)
        return finished

    async def _finish_left_over(self) -> None:
        """Write down an answer for whose end there was no room before."""
        if self._left_over is not None:
            await self._finish(self._left_over)

    async def _say(self, text: str) -> MessageRecord:
        if self._summary is None:
            title = _title(text)
            self._summary = await self._store.run(lambda store: store.create_conversation(title))
        await self._finish_left_over()
        if self._system_prompt and not self._branch:
            await self._add("system", self._system_prompt)
        return await self._add("user", text)

    async def _add(self, role: Role, text: str) -> MessageRecord:
        summary, parent_id = self._place()
        message = await self._store.run(
            lambda store: store.add_message(summary.id, parent_id=parent_id, role=role, parts=(TextData(text),))
        )
        self._branch.append(message)
        return message

    async def _begin(self, provenance: Provenance) -> MessageRecord:
        summary, parent_id = self._place()
        message_id = await self._store.run(
            lambda store: store.begin_answer(summary.id, parent_id=parent_id, provenance=provenance)
        )
        message = MessageRecord(
            id=message_id,
            parent_id=parent_id,
            role="assistant",
            parts=(),
            created_at=time.time(),
            provenance=provenance,
        )
        self._branch.append(message)
        return message

    def _place(self) -> tuple[ConversationSummary, int | None]:
        assert self._summary is not None
        return self._summary, self._branch.outline(-1).id if self._branch else None


def _title(text: str) -> str:
    line = " ".join(text.split())
    if len(line) <= _TITLE_LENGTH:
        return line
    return line[:_TITLE_LENGTH].rsplit(" ", 1)[0] + " …"
