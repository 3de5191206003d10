"""What other programs write to the same store, noticed by asking now and then."""

from __future__ import annotations

from lmchat.store.store import Store
from lmchat.store.thread import StoreThread


class Watch:
    """Tells which conversations other programs have changed."""

    def __init__(self, store: StoreThread) -> None:
        self._store = store
        self._version: int | None = None
        self._revision = 0

    async def news(self) -> tuple[int, ...]:
        """The conversations that have changed since it was last asked, if another program has changed any; else none.

        Cheap enough to ask every second.

        Raises:
            StoreError: the store cannot be read.
        """
        return await self._store.run(self._look)

    def _look(self, store: Store) -> tuple[int, ...]:
        version = store.data_version()
        first, same = self._version is None, self._version == version
        self._version = version
        if same:
            return ()
        if first:
            self._revision = store.revision()
            return ()
        changes = store.changes(self._revision)
        self._revision = changes.revision
        return changes.conversations
