"""All conversations: listing and searching them, and what is done to them as wholes. No screen."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from lmchat.app.branch import Branch
from lmchat.store.thread import StoreThread
from lmchat.values.history import Changes, ConversationSummary
from lmchat.values.search import SearchHit, parse_query

PAGE: Final = 100
"""Conversations, or hits, that are read at once."""


class Library:
    """The conversations in the store. Every method raises `StoreError` when it cannot be read or written."""

    def __init__(self, store: StoreThread) -> None:
        self._store = store

    async def page(
        self, after: ConversationSummary | None = None, *, archived: bool = False
    ) -> list[ConversationSummary]:
        """The next conversations after one, or the first: pinned ones, then the others, newest first."""
        return await self._store.run(lambda store: store.conversations(limit=PAGE, after=after, archived=archived))

    async def deleted(self) -> list[ConversationSummary]:
        """The conversations that can be brought back, the one deleted last first."""
        return await self._store.run(lambda store: store.deleted_conversations(limit=PAGE))

    async def search(self, text: str) -> list[SearchHit]:
        """Where what is typed occurs, the best first; see `parse_query` for what can be typed."""
        query = parse_query(text)
        return await self._store.run(lambda store: store.search(query, limit=PAGE))

    async def branch(self, summary: ConversationSummary) -> Branch:
        """The messages of a conversation, for a look at it."""
        return await Branch.open(self._store, summary.id)

    async def changes(self, since: int) -> Changes:
        """Which conversations have changed since a revision, here or in another program."""
        return await self._store.run(lambda store: store.changes(since))

    async def rename(self, summary: ConversationSummary, title: str) -> ConversationSummary:
        """Give a conversation another title."""
        return await self._store.run(lambda store: store.rename_conversation(summary.id, " ".join(title.split())))

    async def set_tags(self, summary: ConversationSummary, tags: Iterable[str]) -> ConversationSummary:
        """Give a conversation these tags and no others."""
        return await self._store.run(lambda store: store.set_tags(summary.id, tags))

    async def pin(self, summary: ConversationSummary, pinned: bool) -> ConversationSummary:
        """Keep a conversation at the top of the list, or no longer."""
        return await self._store.run(lambda store: store.pin(summary.id, pinned))

    async def archive(self, summary: ConversationSummary, archived: bool) -> ConversationSummary:
        """Take a conversation out of the list into the archive, or back."""
        return await self._store.run(lambda store: store.archive(summary.id, archived))

    async def delete(self, summary: ConversationSummary) -> None:
        """Delete a conversation so that it can be brought back."""
        await self._store.run(lambda store: store.delete_conversation(summary.id))

    async def undelete(self, summary: ConversationSummary) -> ConversationSummary:
        """Bring a deleted conversation back."""
        return await self._store.run(lambda store: store.undelete_conversation(summary.id))
