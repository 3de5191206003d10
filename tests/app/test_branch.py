"""A branch, of which only some is in memory: like a list of all, and as little as can be of what a long one has."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import TypeAlias

import pytest
from hypothesis import given, settings, strategies as st

from lmchat.app import branch as branch_module, paths
from lmchat.app.branch import Branch
from lmchat.store import rows
from lmchat.store.store import Store
from lmchat.store.thread import StoreThread
from lmchat.values.chat import TextData
from lmchat.values.errors import StoreError
from lmchat.values.history import MessageRecord, Provenance
from lmchat.values.prediction import LlmPredictionStats
from tests.app.talks import long_conversation

HERE = Provenance(server="here")
TEXT = st.text(st.characters(exclude_categories=()), max_size=30)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits that a short conversation reaches."""
    set_limits(monkeypatch)


def set_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, limit in {"_END": 3, "_KEPT": 6, "_AT_ONCE": 4, "_CHARACTERS": 60}.items():
        monkeypatch.setattr(branch_module, name, limit)


@pytest.fixture
async def store() -> AsyncIterator[StoreThread]:
    thread = await StoreThread.open(paths.store_file(), on_error=lambda error: None)
    yield thread
    await thread.close()


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """The numbers of the messages that were read, by read."""
    read: list[list[int]] = []
    plain = Store.messages

    def spy(store: Store, ids: Sequence[int]) -> list[MessageRecord]:
        read.append(list(ids))
        return plain(store, ids)

    monkeypatch.setattr(Store, "messages", spy)
    return read


def ids(branch: Branch) -> list[int]:
    return [outline.id for outline in branch.outlines]


def in_memory(branch: Branch) -> list[int]:
    return [index for index in range(len(branch)) if branch.record(index) is not None]


# Against a list


class Twin:
    """A conversation in a store, as a branch and as a plain list."""

    def __init__(self, thread: StoreThread, number: int) -> None:
        self._thread = thread
        self._number = number
        self.plain: list[MessageRecord] = []
        self.branch = Branch(thread)

    async def open(self) -> None:
        self.branch = await Branch.open(self._thread, self._number)

    async def say(self, text: str) -> None:
        parent_id = self.plain[-1].id if self.plain else None
        record = await self._thread.run(
            lambda store: store.add_message(self._number, parent_id=parent_id, role="user", parts=(TextData(text),))
        )
        self.plain.append(record)
        self.branch.append(record)

    async def answer(self, text: str, tokens: int) -> None:
        parent_id = self.plain[-1].id if self.plain else None
        answer = await self._thread.run(
            lambda store: store.begin_answer(self._number, parent_id=parent_id, provenance=HERE)
        )
        self.branch.append(
            MessageRecord(id=answer, parent_id=parent_id, role="assistant", parts=(), created_at=0.0, provenance=HERE)
        )
        stats = LlmPredictionStats(stop_reason="eosFound", predicted_tokens_count=tokens)
        record = await self._thread.run(
            lambda store: store.finish_answer(answer, parts=(TextData(text),), stats=stats, provenance=HERE)
        )
        self.plain.append(record)
        self.branch.replace_last(record)

    async def pop(self) -> None:
        if self.plain:
            self.plain.pop()
            await self.branch.cut(len(self.branch) - 1)
            leaf = self.plain[-1].id if self.plain else None
            if leaf is not None:
                await self._thread.run(lambda store: store.set_leaf(self._number, leaf))

    async def load(self, *ranges: tuple[int, int]) -> None:
        await asyncio.gather(*(self.branch.load(*pair) for pair in ranges))
        # Of calls at the same time, one may already have let go of what another had found in memory.
        start, stop = ranges[-1]
        await self.branch.load(start, stop)
        wanted = range(len(self.plain))[max(start, 0) : max(stop, 0)]
        assert all(self.branch.record(index) is not None for index in wanted)

    def check(self) -> None:
        branch, plain = self.branch, self.plain
        assert len(branch) == len(plain)
        assert list(branch.outlines) == [record.outline for record in plain]
        for index, record in enumerate(plain):
            assert branch.outline(index) == record.outline
            assert branch.record(index) in (None, record)
        assert branch.last == (plain[-1] if plain else None)
        assert branch.turns == sum(record.role == "user" for record in plain)
        assert branch.tokens_written == sum(record.outline.tokens for record in plain)
        held = [record for record in map(branch.record, range(len(branch))[-3:]) if record]
        assert branch.last_answer == next((record for record in reversed(held) if record.role == "assistant"), None)


Act: TypeAlias = tuple[str, tuple[object, ...]]
_INDEX = st.integers(-2, 25)
_RANGE = st.tuples(_INDEX, _INDEX)
_ACTS: st.SearchStrategy[Act] = st.one_of(
    st.tuples(st.just("say"), st.tuples(TEXT)),
    st.tuples(st.just("answer"), st.tuples(TEXT, st.integers(0, 99))),
    st.tuples(st.just("pop"), st.just(())),
    st.tuples(st.just("open"), st.just(())),
    st.tuples(st.just("load"), st.lists(_RANGE, min_size=1, max_size=3).map(tuple)),
)


@given(st.integers(0, 20), st.lists(_ACTS, max_size=12))
@settings(deadline=None, max_examples=60)
def test_a_branch_is_like_a_list_of_its_messages(length: int, acts: list[Act]) -> None:
    async def run(file: Path) -> None:
        thread = await StoreThread.open(file, on_error=lambda error: None)
        try:
            number = (await thread.run(lambda store: store.create_conversation())).id
            twin = Twin(thread, number)
            for count in range(length):
                await (twin.answer(str(count), count) if count % 2 else twin.say("word " * (count % 7)))
            await twin.open()
            for name, arguments in acts:
                if name != "open" or twin.plain:
                    await getattr(twin, name)(*arguments)
                twin.check()
            assert await twin.branch.whole() == twin.plain
            twin.check()
        finally:
            await thread.close()

    with pytest.MonkeyPatch.context() as monkeypatch, tempfile.TemporaryDirectory() as folder:
        set_limits(monkeypatch)
        asyncio.run(run(Path(folder) / "chats.db"))


# What it costs


@pytest.mark.parametrize("messages", [10, 10_000])
async def test_opening_reads_only_the_end(messages: int, store: StoreThread, monkeypatch: pytest.MonkeyPatch) -> None:
    number = long_conversation(messages)
    decoded: list[int] = []
    plain = rows.message

    def spy(row: rows.Row, journal: rows.Journal = ()) -> MessageRecord:
        decoded.append(row[0])
        return plain(row, journal)

    monkeypatch.setattr(rows, "message", spy)
    branch = await Branch.open(store, number)
    assert len(branch) == messages
    assert (branch.turns, branch.tokens_written) == (messages // 2, 500 * (messages // 2))
    assert branch.last is not None
    assert branch.last.text.startswith(f"{messages - 1} ")
    assert decoded == ids(branch)[-100:]
    assert in_memory(branch) == list(range(messages))[-100:]


async def test_long_messages_at_the_end_are_fewer_in_memory(store: StoreThread) -> None:
    other = Store.open(paths.store_file())
    number, last = other.create_conversation().id, None
    for _ in range(4):
        last = other.add_message(number, parent_id=last, role="user", parts=(TextData("x" * 600_000),)).id
    other.close()
    branch = await Branch.open(store, number)
    assert in_memory(branch) == [3]


async def test_what_is_in_memory_is_not_read_again(store: StoreThread, reads: list[list[int]]) -> None:
    branch = await Branch.open(store, long_conversation(300))
    numbers = ids(branch)
    del reads[:]
    await branch.load(50, 60)
    await branch.load(52, 58)
    await branch.load(55, 62)
    await branch.load(-5, 0)
    await branch.load(290, 400)
    assert reads == [numbers[50:60], numbers[60:62]]


async def test_calls_at_the_same_time_do_not_read_twice(store: StoreThread, reads: list[list[int]]) -> None:
    branch = await Branch.open(store, long_conversation(300))
    numbers = ids(branch)
    del reads[:]
    await asyncio.gather(branch.load(10, 30), branch.load(20, 40), branch.load(10, 40))
    assert sorted(number for read in reads for number in read) == numbers[10:40]
    assert in_memory(branch)[:30] == list(range(10, 40))


async def test_a_load_that_is_given_up_does_not_hinder_the_next(store: StoreThread) -> None:
    branch = await Branch.open(store, long_conversation(300))
    given_up = asyncio.create_task(branch.load(0, 100))
    await asyncio.sleep(0)
    given_up.cancel()
    await branch.load(0, 100)
    assert in_memory(branch)[:100] == list(range(100))


async def test_reading_through_everything_keeps_only_what_was_wanted_last(store: StoreThread) -> None:
    branch = await Branch.open(store, long_conversation(4000))
    for start in range(0, 4000, 50):
        await branch.load(start, start + 50)
    assert in_memory(branch) == list(range(2000, 4000))
    for start in range(3950, -1, -50):
        await branch.load(start, start + 50)
    assert in_memory(branch) == [*range(1900), *range(3900, 4000)]
    await branch.load(0, 4000)
    assert in_memory(branch) == list(range(4000))
    await branch.load(0, 1)
    assert len(in_memory(branch)) == 2000
    assert branch.record(0) is not None
    assert in_memory(branch)[-100:] == list(range(3900, 4000))


@pytest.mark.usefixtures("small")
async def test_everything_is_given_and_not_kept(store: StoreThread) -> None:
    branch = await Branch.open(store, long_conversation(30))
    before = in_memory(branch)
    records = await branch.whole()
    assert [record.id for record in records] == ids(branch)
    assert [record.text.split()[0] for record in records] == [str(count) for count in range(30)]
    assert in_memory(branch) == before


@pytest.mark.usefixtures("small")
async def test_slices_cover_the_branch_from_its_end_and_stay_valid_when_it_gets_shorter(store: StoreThread) -> None:
    branch = await Branch.open(store, long_conversation(10))
    pieces = [list(piece) for piece in branch.slices()]
    assert [index for piece in pieces for index in reversed(piece)] == list(reversed(range(10)))
    slices = branch.slices()
    for _ in range(3):
        await branch.cut(len(branch) - 1)
    assert [index for piece in slices for index in reversed(piece)] == list(reversed(range(7)))


async def test_what_is_wanted_again_stays_longer(store: StoreThread) -> None:
    branch = await Branch.open(store, long_conversation(4000))
    await branch.load(0, 10)
    await branch.load(10, 1900)
    await branch.load(0, 10)
    await branch.load(2000, 3000)
    assert in_memory(branch) == [*range(10), *range(1010, 1900), *range(2000, 3000), *range(3900, 4000)]


@pytest.mark.usefixtures("small")
async def test_the_last_message_is_in_memory_however_many_are_taken_off(store: StoreThread) -> None:
    branch = await Branch.open(store, long_conversation(10))
    for left in reversed(range(10)):
        assert branch.last is not None
        assert branch.last.text.startswith(f"{left} ")
        await branch.cut(len(branch) - 1)
    assert branch.last is None
    assert (branch.turns, branch.tokens_written) == (0, 0)


async def test_the_last_answer_is_one_that_has_ended_and_is_near_the_end(store: StoreThread) -> None:
    branch = await Branch.open(store, long_conversation(10))
    ended = branch.last
    assert ended is not None
    assert branch.last_answer == ended
    for number in range(100, 199):
        branch.append(MessageRecord(id=number, parent_id=None, role="assistant", parts=(), created_at=0.0))
    assert branch.last_answer == ended
    branch.append(MessageRecord(id=199, parent_id=None, role="user", parts=(), created_at=0.0))
    assert branch.last_answer is None


# What others do meanwhile


async def test_messages_that_were_deleted_meanwhile_are_said(store: StoreThread) -> None:
    number = long_conversation(300)
    branch = await Branch.open(store, number)
    await store.run(lambda store: store.delete_conversation(number))
    with pytest.raises(StoreError, match="deleted"):
        await branch.load(0, 10)
    with pytest.raises(StoreError, match="deleted"):
        await branch.whole()
    assert branch.last is not None
    await branch.load(250, 300)
    with pytest.raises(StoreError, match="no conversation"):
        await Branch.open(store, number)


async def test_a_branch_that_another_program_changed_stays_what_it_was(store: StoreThread) -> None:
    number = long_conversation(300)
    branch = await Branch.open(store, number)
    first, *_, last = numbers = ids(branch)
    other = Store.open(paths.store_file())
    other.add_message(number, parent_id=first, role="user", parts=(TextData("elsewhere"),))
    other.close()
    await branch.load(0, 300)
    assert [record.id for record in await branch.whole()] == numbers
    assert branch.last is not None
    assert branch.last.id == last
    assert len(await Branch.open(store, number)) == 2


async def test_an_answer_that_another_program_finishes_is_read_as_it_has_become(store: StoreThread) -> None:
    number = (await store.run(lambda store: store.create_conversation())).id
    other = Store.open(paths.store_file())
    answer = other.begin_answer(number, parent_id=None, provenance=HERE)
    parent_id = answer
    for _ in range(120):
        parent_id = other.add_message(number, parent_id=parent_id, role="user", parts=(TextData("?"),)).id
    branch = await Branch.open(store, number)
    assert (branch.outline(0).size, branch.tokens_written) == (0, 0)
    stats = LlmPredictionStats(stop_reason="eosFound", predicted_tokens_count=3)
    done = other.finish_answer(answer, parts=(TextData("Done."),), stats=stats, provenance=HERE)
    other.close()
    await branch.load(0, 1)
    assert branch.record(0) == done
    assert (branch.outline(0), branch.tokens_written) == (done.outline, 3)
