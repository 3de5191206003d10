"""The messages of a conversation as the tree they are: its other branches, and what is done to its parts."""

from __future__ import annotations

from lmchat.store.thread import StoreThread
from lmchat.values.history import ConversationSummary, MessageNode


class Tree:
    """The tree of one conversation in the store. After a change the conversation is to be reloaded.

    Every method raises `StoreError` when the store cannot be read or written, or the message is not there.
    """

    def __init__(self, store: StoreThread, conversation_id: int) -> None:
        self._store = store
        self._conversation_id = conversation_id

    async def flip(self, message_id: int, step: int) -> bool:
        """Make the next sibling of a message current, or the one before; False when there is none."""
        siblings = await self._store.run(lambda store: store.siblings(message_id))
        wanted = siblings.index(message_id) + step
        if not 0 <= wanted < len(siblings):
            return False
        await self.go_to(siblings[wanted])
        return True

    async def go_to(self, message_id: int) -> None:
        """Make the branch current that a message is on, as it was left last."""
        await self._store.run(lambda store: store.flip(self._conversation_id, message_id))

    async def delete(self, message_id: int) -> None:
        """Delete a message and all that follows it, so that it can be brought back."""
        await self._store.run(lambda store: store.delete_message(message_id))

    async def undelete(self, message_id: int) -> None:
        """Bring back what was deleted with a message."""
        await self._store.run(lambda store: store.undelete_message(message_id))

    async def fork(self, message_id: int) -> ConversationSummary:
        """Begin another conversation with what was said up to a message."""
        return await self._store.run(lambda store: store.fork(self._conversation_id, message_id))

    async def nodes(self) -> list[MessageNode]:
        """All messages in short, each after its parent; deleted ones too."""
        return await self._store.run(lambda store: store.tree(self._conversation_id))
