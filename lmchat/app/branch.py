"""The messages of a conversation, of which only some are in memory: those at the end, and those that were wanted."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from lmchat.store.store import Store
from lmchat.store.thread import StoreThread
from lmchat.values.history import MessageOutline, MessageRecord

_END: Final = 100
"""Messages at the end that stay in memory."""
_KEPT: Final = 2_000
"""Messages in memory, above which those that nobody has wanted for longest are let go."""
_AT_ONCE: Final = 500
"""Messages that a slice has at most."""
_CHARACTERS: Final = 1_000_000
"""About how many characters a slice has at most, unless one message alone has more."""


class Branch:
    """The messages of the current branch of a conversation, oldest first. Used on one event loop."""

    def __init__(
        self,
        store: StoreThread,
        outlines: Iterable[MessageOutline] = (),
        end: Sequence[MessageRecord] = (),
        alternatives: Mapping[int, tuple[int, int]] | None = None,
    ) -> None:
        """Make a branch of what is known: all outlines, the records of the last messages, and which have siblings."""
        self._alternatives = alternatives or {}
        self._store = store
        self._outlines = list(outlines)
        self._turns = sum(outline.role == "user" for outline in self._outlines)
        self._tokens = sum(outline.tokens for outline in self._outlines)
        # By id; those that were wanted last come last.
        self._records: dict[int, MessageRecord] = {}
        self._reading = asyncio.Lock()
        for index, record in enumerate(end, len(self._outlines) - len(end)):
            self._keep(index, record)

    @classmethod
    async def open(cls, store: StoreThread, conversation_id: int) -> Branch:
        """The branch of a conversation in the store; of its messages only the last are read.

        Raises:
            StoreError: it cannot be read.
        """
        return cls(store, *await store.run(lambda store: _outlines_and_end(store, conversation_id)))

    def __len__(self) -> int:
        return len(self._outlines)

    @property
    def outlines(self) -> Sequence[MessageOutline]:
        """All messages in short, as they are now and become."""
        return self._outlines

    def outline(self, index: int) -> MessageOutline:
        """A message in short."""
        return self._outlines[index]

    def record(self, index: int) -> MessageRecord | None:
        """A message; None while it is only in the store."""
        return self._records.get(self._outlines[index].id)

    def alternative(self, index: int) -> tuple[int, int] | None:
        """The place of a message among its siblings, from 1, and how many they are; None when it is the only one."""
        return self._alternatives.get(self._outlines[index].id)

    async def count_alternatives(self, conversation_id: int) -> None:
        """Look again which messages have siblings.

        Raises:
            StoreError: it cannot be read.
        """
        self._alternatives = await self._store.run(lambda store: store.alternatives(conversation_id))

    @property
    def last(self) -> MessageRecord | None:
        """The last message, which is always in memory; None when there is none."""
        return self.record(-1) if self._outlines else None

    @property
    def last_answer(self) -> MessageRecord | None:
        """The last answer that has ended; None when there is none among the messages at the end."""
        for outline in reversed(self._outlines[-_END:]):
            record = self._records.get(outline.id)
            if record is not None and record.role == "assistant" and record.stats is not None:
                return record
        return None

    @property
    def turns(self) -> int:
        """How often the user said something."""
        return self._turns

    @property
    def tokens_written(self) -> int:
        """Tokens of all answers, as far as they are known."""
        return self._tokens

    async def load(self, start: int, stop: int) -> None:
        """Bring the messages from `start` to before `stop` into memory; what is beyond the ends is no error.

        They stay until others are wanted that need the room; those at the end stay always.

        Raises:
            StoreError: they cannot be read, or were deleted meanwhile.
        """
        wanted = range(len(self))[max(start, 0) : max(stop, 0)]
        numbers = {self._outlines[index].id: index for index in wanted}
        if not all(number in self._records for number in numbers):
            # One at a time: what another call is reading now, this one finds in memory then.
            async with self._reading:
                missing = [number for number in numbers if number not in self._records]
                for record in await self._read(missing):
                    index = numbers[record.id]
                    if record.id not in self._records and self._is_at(record.id, index):
                        self._keep(index, record)
        for number in numbers:
            if (held := self._records.pop(number, None)) is not None:
                self._records[number] = held
        self._let_go(but=numbers.keys())

    async def whole(self) -> list[MessageRecord]:
        """All messages. What was not in memory before is not kept there.

        Raises:
            StoreError: they cannot be read, or were deleted meanwhile.
        """
        outlines = list(self._outlines)
        records = dict(self._records)
        for piece in _slices(outlines, _AT_ONCE):
            missing = [outline.id for outline in outlines[piece.start : piece.stop] if outline.id not in records]
            records.update((record.id, record) for record in await self._read(missing))
        return [records[outline.id] for outline in outlines]

    def slices(self) -> Iterator[range]:
        """Indices of the messages in pieces from the end back, each soon read. Stays valid when the branch changes."""
        for piece in _slices(list(self._outlines), _AT_ONCE):
            yield range(piece.start, min(piece.stop, len(self)))

    # For the conversation

    def append(self, record: MessageRecord) -> None:
        """A message has come at the end."""
        self._outlines.append(record.outline)
        self._records[record.id] = record
        self._count(self._outlines[-1], 1)
        self._let_go()

    def replace_last(self, record: MessageRecord) -> None:
        """The last message is another now, or more is known of it."""
        self._drop_last()
        self.append(record)

    async def cut(self, length: int) -> None:
        """Keep only so many messages.

        Raises:
            StoreError: the one that is last then cannot be read.
        """
        await self.load(length - 1, length)
        while len(self) > length:
            self._drop_last()

    def _drop_last(self) -> None:
        outline = self._outlines.pop()
        self._records.pop(outline.id, None)
        self._count(outline, -1)

    def _count(self, outline: MessageOutline, sign: int) -> None:
        self._turns += sign * (outline.role == "user")
        self._tokens += sign * outline.tokens

    def _keep(self, index: int, record: MessageRecord) -> None:
        """Hold a record, which knows better what its outline says."""
        self._count(self._outlines[index], -1)
        self._outlines[index] = record.outline
        self._count(self._outlines[index], 1)
        self._records[record.id] = record

    def _is_at(self, number: int, index: int) -> bool:
        return index < len(self) and self._outlines[index].id == number

    def _let_go(self, but: Iterable[int] = ()) -> None:
        """Make room in memory, but not of the messages named, nor of those at the end."""
        excess = len(self._records) - _KEPT
        if excess <= 0:
            return
        held = {*but, *(outline.id for outline in self._outlines[-_END:])}
        for number in [number for number in self._records if number not in held][:excess]:
            del self._records[number]

    async def _read(self, numbers: Sequence[int]) -> list[MessageRecord]:
        return await self._store.run(lambda store: store.messages(numbers)) if numbers else []


def _outlines_and_end(
    store: Store, conversation_id: int
) -> tuple[list[MessageOutline], list[MessageRecord], dict[int, tuple[int, int]]]:
    outlines = store.outline(conversation_id)
    end = next(_slices(outlines, _END), range(0))
    records = store.messages([outlines[index].id for index in end])
    return outlines, records, store.alternatives(conversation_id)


def _slices(outlines: Sequence[MessageOutline], messages: int) -> Iterator[range]:
    """Pieces from the end back, of so many messages at most, and of fewer when they are long."""
    stop = start = len(outlines)
    characters = 0
    for index in reversed(range(stop)):
        characters += outlines[index].size
        if index + 1 < stop and (stop - index > messages or characters > _CHARACTERS):
            yield range(start, stop)
            stop, characters = start, outlines[index].size
        start = index
    if start < stop:
        yield range(start, stop)
