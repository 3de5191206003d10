"""All conversations: listing and searching them, and what is done to them as wholes. No screen."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from lmchat.app.branch import Branch
from lmchat.app.files import write_file
from lmchat.app.tree import Tree
from lmchat.store.thread import StoreThread
from lmchat.values.errors import LMStudioOSError
from lmchat.values.history import (
    Changes,
    ConversationDocument,
    ConversationSummary,
    MessageNode,
    MessageRecord,
    Salvaged,
)
from lmchat.values.search import SearchHit, parse_query

PAGE: Final = 100
"""Conversations, or hits, that are read at once."""


class Library:
    """The conversations in the store. Every method raises `StoreError` when it cannot be read or written."""

    def __init__(self, store: StoreThread) -> None:
        self._store = store

    async def page(
        self, after: ConversationSummary | None = None, *, archived: bool = False, tag: str | None = None
    ) -> list[ConversationSummary]:
        """The next conversations after one, or the first: pinned ones, then the others, newest first."""
        return await self._store.run(
            lambda store: store.conversations(limit=PAGE, after=after, archived=archived, tag=tag)
        )

    async def listed(
        self, *, archived: bool = False, tag: str | None = None, limit: int | None = None
    ) -> list[ConversationSummary]:
        """All conversations in the order of `page`, or the first so many."""
        found = page = await self.page(archived=archived, tag=tag)
        while len(page) == PAGE and (limit is None or len(found) < limit):
            page = await self.page(page[-1], archived=archived, tag=tag)
            found = found + page
        return found[:limit]

    async def everything(self) -> list[ConversationSummary]:
        """All conversations that are not deleted: those in the list, then those in the archive."""
        return [*await self.listed(), *await self.listed(archived=True)]

    async def deleted(self, *, tag: str | None = None, limit: int | None = PAGE) -> list[ConversationSummary]:
        """The conversations that can be brought back, the one deleted last first."""
        most = -1 if limit is None or tag is not None else limit
        found = await self._store.run(lambda store: store.deleted_conversations(limit=most))
        return [each for each in found if tag is None or tag in each.tags][:limit]

    async def conversation(self, number: int) -> ConversationSummary:
        """The conversation of a number; `StoreError` when there is none, or it was deleted."""
        return await self._store.run(lambda store: store.conversation(number))

    async def search(self, text: str, *, limit: int = PAGE) -> list[SearchHit]:
        """Where what is typed occurs, the best first; see `parse_query` for what can be typed."""
        query = parse_query(text)
        return await self._store.run(lambda store: store.search(query, limit=limit))

    async def branch(self, summary: ConversationSummary) -> Branch:
        """The messages of a conversation, for a look at it."""
        return await Branch.open(self._store, summary.id)

    async def nodes(self, summary: ConversationSummary) -> list[MessageNode]:
        """All messages of a conversation in short, each after its parent; deleted ones too."""
        return await Tree(self._store, summary.id).nodes()

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
        return await self.bring_back(summary.id)

    async def bring_back(self, number: int) -> ConversationSummary:
        """Bring back the deleted conversation of a number; `StoreError` when there is none any more."""
        return await self._store.run(lambda store: store.undelete_conversation(number))

    async def remove(self, summary: ConversationSummary) -> None:
        """Remove a conversation for good."""
        await self._store.run(lambda store: store.remove_conversation(summary.id))

    async def empty_bin(self) -> int:
        """Remove for good all that was deleted; how many conversations and messages that were."""
        return await self._store.run(lambda store: store.purge(0.0))

    # Files

    async def document(self, number: int) -> ConversationDocument:
        """All of a conversation as one value; `StoreError` when there is none of that number, or it was deleted."""
        return await self._store.run(lambda store: store.export_conversation(number))

    async def export(self, summary: ConversationSummary, path: Path) -> None:
        """Write a conversation to a new file, in the form that its suffix names; Markdown if it names none.

        Args:
            path: may begin with `~`.

        Raises:
            LMStudioOSError: it cannot be written, or there is such a file.
        """
        from lmchat.exchange import Format, write

        forms = {".json": Format.JSON, ".html": Format.HTML, ".htm": Format.HTML}
        path = await asyncio.to_thread(path.expanduser)
        document = await self.document(summary.id)
        data = await asyncio.to_thread(write, [document], forms.get(path.suffix.lower(), Format.MARKDOWN))
        try:
            await asyncio.to_thread(write_file, path, data, replace=False)
        except FileExistsError:
            raise LMStudioOSError(f"{path} is there already. Name another file.") from None

    async def take_in(self, document: ConversationDocument) -> ConversationSummary:
        """Take in a conversation, as a new one whatever is here already."""
        return await self._store.run(lambda store: store.import_conversation(document))

    async def holds(self, summary: ConversationSummary, document: ConversationDocument) -> bool:
        """Whether a conversation has every message of a document, as one that was exported or imported has."""
        here = await self.document(summary.id)
        return set(map(_identity, document.messages)) <= set(map(_identity, here.messages))

    async def back_up(self, path: Path) -> None:
        """Copy everything to a new file while it is used, and check the copy; if that fails there is no file."""
        await self._store.run(lambda store: store.backup(path))

    async def add_missing(self, path: Path) -> Salvaged:
        """Take back from a backup the conversations that are not here any more; nothing that is here is changed."""
        return await self._store.run(lambda store: store.restore(path))


def _identity(message: MessageRecord) -> tuple[object, ...]:
    """What stays the same of a message in every store and file."""
    return message.role, message.created_at, message.texts
