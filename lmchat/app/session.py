"""Everything that one run of a front end shares: the settings, the store, the way to the model."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeAlias

from lmchat.app.conversation import Conversation
from lmchat.app.library import Library
from lmchat.app.model_connection import ConnectionStatus, ModelConnection
from lmchat.app.settings import Settings
from lmchat.app.watch import Watch
from lmchat.store.thread import StoreThread
from lmchat.values.errors import StoreError
from lmchat.values.history import ConversationSummary

Resume: TypeAlias = int | Literal["latest"] | None
"""Which conversation to go on with: a number, the latest, or none."""
_LISTED: Final = 200
_BREATH: Final = 0.2
"""Seconds between two steps of work that nobody waits for."""
_PROMPTS: Final = 2_000


@dataclass(frozen=True, slots=True)
class Opened:
    """What was found when the store was opened."""

    notice: str | None
    """What the user must know of it, such as a damaged file that was kept aside."""
    resumed: ConversationSummary | None
    """The conversation to go on with; None also when there is no latest one."""


class Session:
    """One run. The store begins to open at once, on a thread of its own, and nothing waits for it before it must."""

    def __init__(self, settings: Settings, store_file: Path | None) -> None:
        """Begin a run; without a store file nothing of it is ever on disk."""
        self.settings: Final = settings
        self.private: Final = store_file is None
        """Whether all that is said is forgotten at the end."""
        self.connection: Final = ModelConnection(settings, self._report)
        self.on_status: Callable[[ConnectionStatus], None] | None = None
        """Told how the way to the model goes."""
        self.on_trouble: Callable[[str], None] | None = None
        """Told what went wrong in the background: a write that failed."""
        self._told = ""
        self._conversations: list[Conversation] = []
        self._store: Final = StoreThread(store_file, self._note_failure)
        self.watch: Final = Watch(self._store)

    async def open(self, resume: Resume = None) -> Opened:
        """See that the store is open, take up what a killed program left in it, and find a conversation to go on with.

        Raises:
            StoreError: the store cannot be opened, or has no conversation of the number that was asked for.
        """
        notice = await self._store.run(lambda store: store.notice)
        try:
            await self._store.run(lambda store: store.recover())
        except StoreError as wrong:
            # A full disk must not keep anyone from reading; what was left over is recovered at the next start.
            notice = str(wrong)
        match resume:
            case None:
                return Opened(notice, None)
            case "latest":
                return Opened(notice, await self._store.run(lambda store: store.latest_conversation()))
        return Opened(notice, await self._store.run(lambda store: store.conversation(resume)))

    def new_conversation(self) -> Conversation:
        """A conversation in which nothing has been said."""
        self._conversations = [held for held in self._conversations if held.answering or held.unsaved]
        conversation = Conversation(
            self._store,
            self.connection,
            system_prompt=self.settings.system_prompt,
            config=self.settings.prediction,
        )
        self._conversations.append(conversation)
        return conversation

    async def save(self) -> list[Conversation]:
        """Try again to write down the answers for which there was no room.

        Gives the conversations for whose answers there still is none.
        """
        for conversation in self._conversations:
            if conversation.unsaved is not None:
                with suppress(StoreError):
                    await conversation.save()
        return [conversation for conversation in self._conversations if conversation.unsaved is not None]

    @property
    def library(self) -> Library:
        """All conversations."""
        return Library(self._store)

    async def conversations(self) -> list[ConversationSummary]:
        """The latest conversations, newest first.

        Raises:
            StoreError: they cannot be read.
        """
        return await self._store.run(lambda store: store.conversations(limit=_LISTED))

    async def tidy(self) -> None:
        """Remove for good what was deleted long ago, and index what is not indexed yet, a little at a time.

        Raises:
            StoreError: the store cannot be written.
        """
        await self._store.run(lambda store: store.purge())
        more = True
        while more:
            await asyncio.sleep(_BREATH)
            more = await self._store.run(lambda store: store.index_more())

    async def save_draft(self, conversation_id: int | None, text: str) -> None:
        """Keep what is typed but not sent.

        Raises:
            StoreError: it cannot be written.
        """
        await self._store.run(lambda store: store.save_draft(conversation_id, text))

    async def prompts(self) -> list[str]:
        """What was asked before, the latest first.

        Raises:
            StoreError: it cannot be read.
        """
        return await self._store.run(lambda store: list(dict.fromkeys(store.prompts(_PROMPTS))))

    async def draft(self, conversation_id: int | None) -> str:
        """What was typed but not sent, or nothing.

        Raises:
            StoreError: it cannot be read.
        """
        return await self._store.run(lambda store: store.draft(conversation_id))

    async def close(self) -> None:
        """Close the way to the model, then the store."""
        try:
            await self.connection.close()
        finally:
            # What could not be opened was said when it was tried, and what was kept is safe without a close.
            with suppress(StoreError):
                await self._store.close()

    def _report(self, status: ConnectionStatus) -> None:
        if self.on_status is not None:
            self.on_status(status)

    def _note_failure(self, failure: BaseException) -> None:
        # A full disk fails ten writes a second; it is said once.
        if self.on_trouble is not None and (text := str(failure)) != self._told:
            self._told = text
            self.on_trouble(text)
