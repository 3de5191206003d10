"""Finding text in a conversation: slice by slice from its end back, most of which is only in the store."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Sequence
from typing import TypeAlias

from lmchat.app.branch import Branch
from lmchat.store.store import Store
from lmchat.store.thread import StoreThread
from lmchat.values.history import MessageRecord

Found: TypeAlias = list[tuple[int, int]]
"""Messages in which a pattern occurs: index in the branch, and how often."""


async def search(store: StoreThread, branch: Branch, pattern: re.Pattern[str]) -> AsyncGenerator[Found]:
    """Look for a pattern in the texts of all messages; each slice is one short piece of work for the store's thread.

    Raises:
        StoreError: messages cannot be read, or were deleted meanwhile.
    """
    for piece in branch.slices():
        indices = reversed(piece)
        messages = [(index, branch.outline(index).id, branch.record(index)) for index in indices]
        yield await _found(store, messages, pattern)


async def _found(
    thread: StoreThread, messages: Sequence[tuple[int, int, MessageRecord | None]], pattern: re.Pattern[str]
) -> Found:
    return await thread.run(lambda store: _look(store, messages, pattern))


def _look(store: Store, messages: Sequence[tuple[int, int, MessageRecord | None]], pattern: re.Pattern[str]) -> Found:
    missing = [number for _, number, record in messages if record is None]
    read = dict(zip(missing, store.texts(missing), strict=True))
    found: Found = []
    for index, number, record in messages:
        texts = read[number] if record is None else record.texts
        if occurrences := sum(1 for text in texts for _ in pattern.finditer(text)):
            found.append((index, occurrences))
    return found
