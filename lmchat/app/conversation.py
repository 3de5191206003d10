"""A conversation being held: its messages, the model that answers, and its place in the store. No screen, no wire."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager

from lmchat.app.answering import Answering
from lmchat.app.branch import Branch
from lmchat.app.events import BranchCut, ConversationEvent, MessageAdded
from lmchat.app.meter import Meter
from lmchat.app.model_connection import ModelConnection
from lmchat.app.search import Found, search
from lmchat.app.titles import ask_for_title, first_words
from lmchat.app.tree import Tree
from lmchat.store.thread import StoreThread
from lmchat.values.chat import Chat, Role, TextData
from lmchat.values.config import LlmPredictionConfig
from lmchat.values.errors import LMStudioValueError
from lmchat.values.history import ConversationSummary, MessageRecord, Part, chat_of
from lmchat.values.prediction import StopReason


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
        self._answering: Answering | None = None
        self._busy = False

    async def open(self, summary: ConversationSummary) -> None:
        """Go on with a conversation from the store.

        Raises:
            StoreError: it cannot be read.
        """
        self._branch = await Branch.open(self._store, summary.id)
        self._summary = summary

    async def reload(self) -> None:
        """Read the branch anew: another one is current, or another program has written to it.

        Raises:
            LMStudioValueError: an answer is still being written.
            StoreError: it cannot be read.
        """
        if self._summary is not None:
            with self._alone():
                await self._finish_left_over()
                self._branch = await Branch.open(self._store, self._summary.id)

    async def entitle(self) -> str | None:
        """Have the model that is loaded give the title, unless a person or a model has; None when it gave none.

        Raises:
            LMStudioError: the model could not be asked, or the title could not be written down.
        """
        model, summary = self._connection.model, self._summary
        if model is None or summary is None or self._busy or summary.title_by != "words":
            return None
        said = [record.text for index in range(len(self._branch)) if (record := self._branch.record(index))]
        if len(said) < 2 or not (title := await ask_for_title(model, said[-2], said[-1])):
            return None
        self._summary = await self._store.run(lambda store: store.rename_conversation(summary.id, title, by="model"))
        return self._summary.title

    async def outdated(self) -> bool:
        """Whether the branch in the store is another than the one in memory.

        Raises:
            StoreError: it cannot be read, or the conversation was deleted.
        """
        if self._busy or (summary := self._summary) is None:
            return False
        last = self._branch.last
        if last is not None and last.role == "assistant" and last.stats is None:
            return True
        there = await self._store.run(lambda store: store.outline(summary.id))
        return [outline.id for outline in there] != [outline.id for outline in self._branch.outlines]

    @property
    def tree(self) -> Tree | None:
        """All its messages, those beside the current branch too; None while nothing has been said."""
        return Tree(self._store, self._summary.id) if self._summary else None

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
        return self._busy

    @property
    def meter(self) -> Meter:
        """The live numbers of the answer that is being written, or was written last."""
        return self._answering.meter if self._answering is not None else Meter()

    @property
    def awaits_answer(self) -> bool:
        """Whether what the user said last has no answer, not even the beginning of one."""
        last = self._branch.last
        return not self._busy and last is not None and (last.role == "user" or last.is_empty_answer)

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
        if self._answering is not None and (so_far := self._answering.so_far) is not None:
            self._branch.replace_last(so_far)
        return search(self._store, self._branch, pattern)

    async def send(self, text: str) -> AsyncGenerator[ConversationEvent]:
        """Say something and have it answered. What was said is on disk before anything else happens.

        Closing the iterator stops the answer; what came of it is kept.

        Raises:
            LMStudioValueError: there is nothing to say, or an answer is still being written.
            StoreError: it could not be written down; nothing was sent.
            LMStudioError: no model could be asked. The message is kept, and `answer` tries again.
        """
        with self._alone():
            said = await self._say(text, len(self._branch))
        yield MessageAdded(said)
        async with aclosing(self.answer()) as answer:
            async for event in answer:
                yield event

    async def revise(self, index: int, text: str) -> AsyncGenerator[ConversationEvent]:
        """Say something else in the place of what the user said there, and have it answered.

        What was said there, and all that followed, stays beside it.

        Raises:
            LMStudioError: as `send`.
        """
        with self._alone():
            said = await self._say(text, index)
            yield BranchCut(index)
        yield MessageAdded(said)
        async with aclosing(self.answer()) as answer:
            async for event in answer:
                yield event

    async def rewrite(self, index: int, text: str) -> AsyncGenerator[ConversationEvent]:
        """Put other words in the place of a message, whoever wrote it. It, and what followed, stays beside them.

        Raises:
            LMStudioValueError: there are no words.
            StoreError: they could not be written down.
        """
        with self._alone():
            await self._finish_left_over()
            await self._branch.load(index, index + 1)
            if (message := self._branch.record(index)) is None:
                return
            added = await self._add(message.role, _said(text), index)
            yield BranchCut(index)
        yield MessageAdded(added)

    def answer(self) -> AsyncGenerator[ConversationEvent]:
        """Have the last message answered; an answer that never began stays in the store beside the new one.

        Raises:
            LMStudioError: no model could be asked.
            StoreError: the messages cannot be read, or the disk has no room for the answer or for the end of it.
        """
        last = self._branch.last
        return self.regenerate(len(self._branch) - (1 if last is not None and last.is_empty_answer else 0))

    async def regenerate(self, index: int) -> AsyncGenerator[ConversationEvent]:
        """Have another answer in the place of the one there. Nothing changes before the model has been asked.

        Raises:
            LMStudioError: as `answer`.
        """
        async with aclosing(self._ask(index, index)) as events:
            async for event in events:
                yield event

    async def extend(self) -> AsyncGenerator[ConversationEvent]:
        """Have the last answer go on. What it was so far stays beside the longer one.

        Raises:
            LMStudioValueError: the last message is no answer with words to go on from.
            LMStudioError: as `answer`.
        """
        last = self._branch.last
        if last is None or last.role != "assistant" or not last.text:
            raise LMStudioValueError("There is no answer to go on from. Ask something first.")
        length = len(self._branch)
        async with aclosing(self._ask(length, length - 1, last.parts)) as events:
            async for event in events:
                yield event

    async def settle(self) -> None:
        """Wait until what has come of the answer is on disk: what is shown after this is not lost by a crash.

        A disk that hangs is not waited for.
        """
        if self._answering is not None:
            await self._answering.settle()

    async def stop(self, reason: StopReason = "userStopped") -> None:
        """Stop the answer that is being written; it ends by itself, with what came, and the reason is kept with it."""
        if self._answering is not None and self._busy:
            await self._answering.stop(reason)

    @property
    def unsaved(self) -> MessageRecord | None:
        """The last answer, if there was no room on the disk for all of it."""
        return self._answering.left_over if self._answering is not None else None

    async def save(self) -> None:
        """Write down the answer for which there was no room; while something else is done, that sees to it.

        Raises:
            StoreError: there still is none.
        """
        if not self._busy:
            with self._alone():
                await self._finish_left_over()

    async def _ask(self, known: int, at: int, begun: tuple[Part, ...] = ()) -> AsyncGenerator[ConversationEvent]:
        """Ask for an answer at a place in the branch. The model is given as many of the messages as it is to know."""
        with self._alone():
            await self._finish_left_over()
            summary = self._summary
            assert summary is not None
            if await self._store.run(lambda store: store.being_written(summary.id)):
                raise LMStudioValueError(
                    "Another lmchat is writing an answer in this conversation. Wait for its end, or go on in a fork."
                )
            self._answering = Answering(self._store, self._connection, self._config, self._branch, summary.id)
            chat = chat_of((await self._branch.whole())[:known])
            async with aclosing(self._answering.events(chat, at, begun)) as events:
                async for event in events:
                    yield event

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One thing at a time: a second answer must not get between the words of the first."""
        if self._busy:
            raise LMStudioValueError("An answer is still being written. Stop it first, or wait for its end.")
        self._busy = True
        try:
            yield
        finally:
            self._busy = False

    async def _finish_left_over(self) -> None:
        if self._answering is not None:
            await self._answering.finish_left_over()

    async def _say(self, text: str, at: int) -> MessageRecord:
        text = _said(text)
        if self._summary is None:
            title = first_words(text)
            self._summary = await self._store.run(lambda store: store.create_conversation(title))
        await self._finish_left_over()
        if self._system_prompt and not at:
            await self._add("system", self._system_prompt, 0)
            at = 1
        self._store.post(lambda store: store.remember_prompt(text))
        return await self._add("user", text, at)

    async def _add(self, role: Role, text: str, at: int) -> MessageRecord:
        """Put a message in a place of the branch. What stands there and after is let go once the message is on disk."""
        summary = self._summary
        assert summary is not None
        parent_id = self._branch.outline(at - 1).id if at else None
        await self._branch.load(at - 1, at)
        message = await self._store.run(
            lambda store: store.add_message(summary.id, parent_id=parent_id, role=role, parts=(TextData(text),))
        )
        await self._branch.cut(at)
        self._branch.append(message)
        await self._branch.count_alternatives(summary.id)
        return message


def _said(text: str) -> str:
    """A text with its lines ended in one way, if there is one."""
    if not text.strip():
        raise LMStudioValueError("There is nothing to send. Type a message first.")
    return text.replace("\r\n", "\n").replace("\r", "\n")
