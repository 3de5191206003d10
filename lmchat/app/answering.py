"""One answer on its way from the model to the disk, whatever end it has."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING

from lmchat.app.answer import Answer
from lmchat.app.branch import Branch
from lmchat.app.events import AnswerFinished, AnswerStarted, BranchCut, ConversationEvent
from lmchat.app.journal import Journal
from lmchat.app.meter import Meter
from lmchat.app.model_connection import ModelConnection, ReadyModel
from lmchat.store.store import Store
from lmchat.store.thread import StoreThread
from lmchat.values.chat import Chat, TextData
from lmchat.values.config import LlmPredictionConfig
from lmchat.values.errors import LMStudioError, LMStudioWebsocketError, StoreError
from lmchat.values.history import MessageRecord, Part, Provenance, ReasoningData
from lmchat.values.prediction import LlmPredictionFragment, StopReason

if TYPE_CHECKING:
    from lmchat.client.backend import EventStream


class Answering:
    """Asks for one answer, and writes it down as the last message of a branch."""

    def __init__(
        self,
        store: StoreThread,
        connection: ModelConnection,
        config: LlmPredictionConfig,
        branch: Branch,
        conversation_id: int,
    ) -> None:
        self._store = store
        self._connection = connection
        self._config = config
        self._branch = branch
        self._conversation_id = conversation_id
        self._stream: EventStream | None = None
        self._stopped: StopReason | None = None
        self._preparing: asyncio.Task[ReadyModel] | None = None
        self._journal: Journal | None = None
        self._answer: Answer | None = None
        self._left_over: MessageRecord | None = None
        self.meter = Meter()
        """The live numbers of the answer."""

    @property
    def so_far(self) -> MessageRecord | None:
        """The answer with what has come of it; None while it is not being written."""
        return self._answer.so_far if self._answer is not None else None

    async def events(self, chat: Chat, at: int, begun: tuple[Part, ...] = ()) -> AsyncGenerator[ConversationEvent]:
        """Ask, and follow the answer. Closing the iterator stops it; what came of it is kept.

        Args:
            at: its place in the branch. What stands there and after is kept beside it, once the model has been asked.
            begun: what the answer goes on from; it is kept as its beginning.

        Raises:
            LMStudioError: no model could be asked.
            StoreError: there was no room on the disk for the answer, or for the end of it; of the latter the answer
                is told first.
        """
        try:
            if (model := await self._ready()) is None:
                return
            try:
                stream = await self._ask(model, chat)
            except LMStudioWebsocketError:
                # The server was lost since the last answer; nothing has come of this one yet.
                model = await self._connection.ready()
                stream = await self._ask(model, chat)
            async with aclosing(stream), aclosing(self._write(model, stream, at, begun)) as written:
                try:
                    async for event in written:
                        yield event
                except StoreError:
                    if self._left_over is not None:
                        yield AnswerFinished(self._left_over)
                    raise
        finally:
            self._stream = None
            self.meter.stop()

    async def settle(self) -> None:
        """Wait until what has come of the answer is on disk; a disk that hangs is not waited for."""
        if self._journal is not None:
            await self._journal.settle()

    async def stop(self, reason: StopReason) -> None:
        """Have the answer end by itself, with what came; the reason is kept with it."""
        self._stopped = reason
        if self._preparing is not None:
            self._preparing.cancel()
        if self._stream is not None:
            try:
                await self._stream.cancel()
            except LMStudioWebsocketError:
                # The stream itself will find that the connection is gone.
                return

    @property
    def left_over(self) -> MessageRecord | None:
        """The answer, if it has ended and there was no room on the disk for its end."""
        return self._left_over

    async def finish_left_over(self) -> None:
        """Write down the answer if there was no room for its end before.

        Raises:
            StoreError: there still is none.
        """
        if self._left_over is not None:
            await self._finish(self._left_over)

    async def _ready(self) -> ReadyModel | None:
        """The model; None when the user would not wait for it."""
        self._preparing = asyncio.create_task(self._connection.ready())
        try:
            await asyncio.wait({self._preparing})
            return None if self._stopped or self._preparing.cancelled() else self._preparing.result()
        finally:
            self._preparing.cancel()
            self._preparing = None

    async def _ask(self, model: ReadyModel, chat: Chat) -> EventStream:
        self.meter.start()
        try:
            self._stream = await model.backend.predict(model.info.identifier, chat, self._config)
        except LMStudioError:
            self._connection.forget_model()
            raise
        if self._stopped:
            await self._stream.cancel()
        return self._stream

    async def _write(
        self, model: ReadyModel, stream: EventStream, at: int, begun: tuple[Part, ...]
    ) -> AsyncGenerator[ConversationEvent]:
        provenance = Provenance(server=model.server, model=model.info, prediction_config=self._config)
        takes_place = at < len(self._branch)
        await self._branch.load(at - 1, at)
        message = await self._begin(provenance, at, begun)
        await self._branch.cut(at)
        self._branch.append(message)
        journal = self._journal = Journal(self._store, message.id)
        answer = self._answer = Answer(message, provenance, self.meter)
        error: LMStudioError | None = None
        try:
            if takes_place:
                yield BranchCut(at)
            await self._branch.count_alternatives(self._conversation_id)
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
            finished = await self._finish(answer.record(error, stopped=self._stopped))
        yield AnswerFinished(finished)

    async def _begin(self, provenance: Provenance, at: int, begun: tuple[Part, ...]) -> MessageRecord:
        parent_id = self._branch.outline(at - 1).id if at else None
        message_id = await self._store.run(
            lambda store: _begin(store, self._conversation_id, parent_id, provenance, begun)
        )
        return MessageRecord(
            id=message_id,
            parent_id=parent_id,
            role="assistant",
            parts=begun,
            created_at=time.time(),
            provenance=provenance,
        )

    async def _finish(self, answer: MessageRecord) -> MessageRecord:
        """Make the answer a message like any other; while the disk is full it is one in memory only."""
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


def _begin(
    store: Store, conversation_id: int, parent_id: int | None, provenance: Provenance, begun: tuple[Part, ...]
) -> int:
    """Give an answer a place in the store, with what it goes on from."""
    message_id = store.begin_answer(conversation_id, parent_id=parent_id, provenance=provenance)
    if pieces := [part for part in begun if isinstance(part, TextData | ReasoningData)]:
        store.append_to_answer(message_id, pieces)
    return message_id
