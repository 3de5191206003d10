"""A conversation being held: its messages, the model that answers, and its place in the store. No screen, no wire."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from lmchat.app.journal import Journal
from lmchat.app.meter import Meter
from lmchat.app.model_connection import ModelConnection, ReadyModel
from lmchat.client.backend import EventStream
from lmchat.store.thread import StoreThread
from lmchat.values.chat import Chat, Role, TextData
from lmchat.values.config import LlmPredictionConfig
from lmchat.values.errors import (
    LMStudioError,
    LMStudioModelNotFoundError,
    LMStudioTimeoutError,
    LMStudioValueError,
    LMStudioWebsocketError,
)
from lmchat.values.history import ConversationSummary, MessageRecord, Part, Provenance, ReasoningData
from lmchat.values.prediction import (
    LlmPredictionFragment,
    LlmPredictionStats,
    Prediction,
    PredictionEvent,
    PredictionFinished,
    StopReason,
)

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
        self._messages: list[MessageRecord] = []
        self._stream: EventStream | None = None
        self._stopping = False
        self._answering = False
        self.meter: Final = Meter()

    async def open(self, summary: ConversationSummary) -> None:
        """Go on with a conversation from the store.

        Raises:
            StoreError: it cannot be read.
        """
        self._messages = await self._store.run(lambda store: store.branch(summary.id))
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
    def messages(self) -> Sequence[MessageRecord]:
        """The messages of the current branch, oldest first."""
        return self._messages

    @property
    def answering(self) -> bool:
        """Whether an answer is being asked for or written."""
        return self._answering

    @property
    def awaits_answer(self) -> bool:
        """Whether what the user said last has no answer, not even the beginning of one."""
        if self._answering or not self._messages:
            return False
        last = self._messages[-1]
        return last.role == "user" or (last.role == "assistant" and not last.parts)

    def chat(self) -> Chat:
        """What a model is given: every message with text, without the reasoning of earlier answers."""
        chat = Chat()
        for message in self._messages:
            if not message.text:
                continue
            match message.role:
                case "system":
                    chat.add_system_prompt(message.text)
                case "user":
                    chat.add_user_message(message.text)
                case "assistant":
                    chat.add_assistant_response(message.text)
        return chat

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
        yield MessageAdded(await self._say(text.replace("\r\n", "\n").replace("\r", "\n")))
        answer = self.answer()
        try:
            async for event in answer:
                yield event
        finally:
            await answer.aclose()

    async def answer(self) -> AsyncGenerator[ConversationEvent]:
        """Have the last message answered.

        Raises:
            LMStudioError: no model could be asked.
        """
        self._answering = True
        self._stopping = False
        if self._messages and self._messages[-1].role == "assistant" and not self._messages[-1].parts:
            # An answer that never began stays in the store; the new one becomes its sibling.
            self._messages.pop()
        try:
            model = await self._connection.ready()
            if self._stopping:
                return
            self.meter.start()
            stream = await self._ask(model)
            written = self._write(model, stream)
            try:
                async for event in written:
                    yield event
            finally:
                await written.aclose()
        finally:
            self._answering = False
            self._stream = None
            self.meter.stop()

    async def stop(self) -> None:
        """Stop the answer that is being written; it ends by itself, with what came."""
        self._stopping = True
        if self._stream is not None:
            try:
                await self._stream.cancel()
            except LMStudioWebsocketError:
                # The stream itself will find that the connection is gone.
                return

    async def _ask(self, model: ReadyModel) -> EventStream:
        try:
            self._stream = await model.backend.predict(model.info.identifier, self.chat(), self._config)
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
        journal = Journal(self._store, message.id)
        prediction = Prediction()
        thought = _Stopwatch()
        error: LMStudioError | None = None
        ended = False
        yield AnswerStarted(message)
        try:
            while prediction.finished is None:
                for event in await stream.take():
                    prediction.feed(event)
                    self.meter.feed(event)
                    if isinstance(event, LlmPredictionFragment):
                        journal.write(event)
                        thought.watch(event)
                    yield event
            ended = True
        except LMStudioError as wrong:
            error = wrong
            ended = True
        finally:
            await stream.aclose()
            journal.flush()
            self.meter.stop()
            stats, provenance = self._account(prediction, provenance, error)
            parts = _parts(prediction, thought.seconds)
            text = None if error is None or self._stopping else str(error)
            if error is not None:
                self._connection.forget_model()
            finished = await self._store.run(
                lambda store: store.finish_answer(
                    message.id, parts=parts, stats=stats, provenance=provenance, error=text
                )
            )
            self._messages[-1] = finished
        if ended:
            yield AnswerFinished(finished)

    def _account(
        self, prediction: Prediction, provenance: Provenance, error: LMStudioError | None
    ) -> tuple[LlmPredictionStats, Provenance]:
        if (finished := prediction.finished) is not None:
            return finished.stats, _told_by_server(provenance, finished)
        stop_reason = "userStopped" if error is None or self._stopping else _stop_reason(error)
        return self.meter.measured(stop_reason), _measured_here(provenance)

    async def _say(self, text: str) -> MessageRecord:
        if self._summary is None:
            title = _title(text)
            self._summary = await self._store.run(lambda store: store.create_conversation(title))
            if self._system_prompt:
                await self._add("system", self._system_prompt)
        return await self._add("user", text)

    async def _add(self, role: Role, text: str) -> MessageRecord:
        summary, parent_id = self._place()
        message = await self._store.run(
            lambda store: store.add_message(summary.id, parent_id=parent_id, role=role, parts=(TextData(text),))
        )
        self._messages.append(message)
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
        self._messages.append(message)
        return message

    def _place(self) -> tuple[ConversationSummary, int | None]:
        assert self._summary is not None
        return self._summary, self._messages[-1].id if self._messages else None


class _Stopwatch:
    """How long the model thought."""

    def __init__(self) -> None:
        self.seconds: float | None = None
        self._began: float | None = None

    def watch(self, fragment: LlmPredictionFragment) -> None:
        if fragment.reasoning_type == "none":
            return
        now = time.monotonic()
        if self._began is None:
            self._began = now
        self.seconds = now - self._began


def _parts(prediction: Prediction, thought_seconds: float | None) -> tuple[Part, ...]:
    parts: list[Part] = []
    if reasoning := prediction.reasoning:
        parts.append(ReasoningData(text=reasoning, tokens=prediction.reasoning_tokens_count, seconds=thought_seconds))
    if answer := prediction.answer:
        parts.append(TextData(answer))
    return tuple(parts)


def _told_by_server(provenance: Provenance, finished: PredictionFinished) -> Provenance:
    return Provenance(
        server=provenance.server,
        model=finished.model_info or provenance.model,
        load_config=finished.load_config,
        prediction_config=finished.prediction_config,
    )


def _measured_here(provenance: Provenance) -> Provenance:
    return Provenance(
        server=provenance.server,
        model=provenance.model,
        prediction_config=provenance.prediction_config,
        measured_by="client",
    )


def _stop_reason(error: LMStudioError) -> StopReason:
    match error:
        case LMStudioWebsocketError() | LMStudioTimeoutError():
            return "connectionLost"
        case LMStudioModelNotFoundError():
            return "modelUnloaded"
    return "failed"


def _title(text: str) -> str:
    line = " ".join(text.split())
    if len(line) <= _TITLE_LENGTH:
        return line
    return line[:_TITLE_LENGTH].rsplit(" ", 1)[0] + " …"
