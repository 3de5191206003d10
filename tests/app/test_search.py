"""Finding text: the same as looking through every text, from the end back, in pieces that nothing has to wait for."""

from __future__ import annotations

import asyncio
import re
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings, strategies as st

from lmchat.app import branch as branch_module, paths
from lmchat.app.branch import Branch
from lmchat.app.search import Found, search
from lmchat.store.store import Store
from lmchat.store.thread import StoreThread
from lmchat.values.chat import FileHandle, TextData, ToolCallRequest, ToolCallRequestData, ToolCallResultData
from lmchat.values.errors import StoreError
from lmchat.values.history import MessageRecord, Part, Provenance, ReasoningData
from lmchat.values.prediction import LlmPredictionStats
from tests.app.talks import long_conversation

DONE = LlmPredictionStats(stop_reason="eosFound")
HERE = Provenance(server="here")
# Few letters, so that patterns are found; those that JSON or a careless search of it would trip over among them.
TEXT = st.text(st.sampled_from('aAbß"\\\n\x00é語\udcff\ud83d'), max_size=12)
PARTS: st.SearchStrategy[Part] = st.one_of(
    st.builds(TextData, TEXT),
    st.builds(ReasoningData, text=TEXT),
    st.builds(FileHandle, name=TEXT, identifier=TEXT, size_bytes=st.just(1), file_type=st.just("image")),
    st.builds(
        ToolCallRequestData,
        st.builds(ToolCallRequest, name=TEXT, id=TEXT, arguments=st.dictionaries(TEXT, TEXT, max_size=2)),
    ),
    st.builds(ToolCallResultData, content=TEXT, name=TEXT),
)
ANSWERS = st.lists(st.tuples(st.lists(PARTS, max_size=4).map(tuple), st.none() | TEXT), max_size=14)
PATTERNS = st.one_of(
    st.builds(re.compile, st.text(st.sampled_from('aAbß"\\\né\udcff'), min_size=1, max_size=3).map(re.escape)),
    st.builds(
        re.compile, st.text(st.sampled_from("aAb語"), min_size=1, max_size=3).map(re.escape), st.just(re.IGNORECASE)
    ),
    st.sampled_from([re.compile("a|b"), re.compile("(a)(b)?"), re.compile("^"), re.compile("a.", re.DOTALL)]),
)


@pytest.fixture
async def store() -> AsyncIterator[StoreThread]:
    thread = await StoreThread.open(paths.store_file(), on_error=lambda error: None)
    yield thread
    await thread.close()


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many messages were read for their texts, by read."""
    counts: list[int] = []
    plain = Store.texts

    def spy(store: Store, ids: Sequence[int]) -> list[tuple[str, ...]]:
        counts.append(len(ids))
        return plain(store, ids)

    monkeypatch.setattr(Store, "texts", spy)
    return counts


async def all_of(found: AsyncGenerator[Found]) -> Found:
    return [hit async for some in found for hit in some]


def by_hand(messages: Sequence[MessageRecord], pattern: re.Pattern[str]) -> Found:
    counts = [sum(len(list(pattern.finditer(text))) for text in message.texts) for message in messages]
    return [(index, count) for index, count in reversed(list(enumerate(counts))) if count]


def write(file: Path, answers: Sequence[tuple[tuple[Part, ...], str | None]]) -> tuple[int, list[MessageRecord]]:
    store = Store.open(file)
    number = store.create_conversation().id
    last: int | None = None
    for parts, error in answers:
        last = store.begin_answer(number, parent_id=last, provenance=HERE)
        store.finish_answer(last, parts=parts, stats=DONE, provenance=HERE, error=error)
    records = store.branch(number)
    store.close()
    return number, records


@given(ANSWERS, PATTERNS, st.tuples(st.integers(0, 14), st.integers(0, 14)))
@settings(deadline=None, max_examples=80)
def test_the_same_is_found_as_by_looking_through_everything(
    answers: Sequence[tuple[tuple[Part, ...], str | None]], pattern: re.Pattern[str], loaded: tuple[int, int]
) -> None:
    async def run(file: Path, number: int) -> Found:
        thread = await StoreThread.open(file, on_error=lambda error: None)
        try:
            branch = await Branch.open(thread, number)
            await branch.load(*loaded)
            return await all_of(search(thread, branch, pattern))
        finally:
            await thread.close()

    with pytest.MonkeyPatch.context() as monkeypatch, tempfile.TemporaryDirectory() as folder:
        monkeypatch.setattr(branch_module, "_END", 2)
        monkeypatch.setattr(branch_module, "_AT_ONCE", 3)
        file = Path(folder) / "chats.db"
        number, records = write(file, answers)
        assert asyncio.run(run(file, number)) == by_hand(records, pattern)


async def test_a_long_conversation_is_searched_in_short_pieces_and_stays_in_the_store(
    store: StoreThread, read: list[int]
) -> None:
    branch = await Branch.open(store, long_conversation(10_000))
    found = await all_of(search(store, branch, re.compile("^12|9999 ")))
    assert found == [(9999, 1), *((index, 1) for index in reversed(range(10_000)) if str(index).startswith("12"))]
    assert sum(read) == 9_900
    assert max(read) <= 500
    assert branch.record(0) is None


async def test_long_messages_are_searched_fewer_at_a_time(store: StoreThread) -> None:
    number, _ = write(paths.store_file(), [((TextData("a" * 400_000),), None)] * 5)
    branch = await Branch.open(store, number)
    slices = [some async for some in search(store, branch, re.compile("a{1000}"))]
    assert slices == [[(4, 400), (3, 400)], [(2, 400), (1, 400)], [(0, 400)]]


async def test_what_the_store_is_asked_meanwhile_is_done_between_the_pieces(store: StoreThread) -> None:
    branch = await Branch.open(store, long_conversation(3_000))
    order: list[str] = []
    async with aclosing(search(store, branch, re.compile("word"))) as found:
        async for some in found:
            order.append(f"piece of {len(some)}")
            store.post(lambda _: order.append("written"))
    await store.run(lambda _: None)
    assert order == ["piece of 500", "written"] * 6


async def test_closing_ends_the_search(store: StoreThread, read: list[int]) -> None:
    branch = await Branch.open(store, long_conversation(3_000))
    found = search(store, branch, re.compile("word"))
    assert [index for index, _ in await anext(found)] == list(range(2_999, 2_499, -1))
    await found.aclose()
    await store.run(lambda _: None)
    assert read == [400]


async def test_what_is_in_memory_is_the_truth(store: StoreThread) -> None:
    number, records = write(paths.store_file(), [((TextData("old"),), None)] * 3)
    branch = await Branch.open(store, number)
    branch.replace_last(msgspec.structs.replace(records[-1], parts=(TextData("new new"),)))
    assert await all_of(search(store, branch, re.compile("new|old"))) == [(2, 2), (1, 1), (0, 1)]


async def test_a_branch_that_gets_shorter_meanwhile(store: StoreThread, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(branch_module, "_AT_ONCE", 2)
    number, _ = write(paths.store_file(), [((TextData("a"),), None)] * 7)
    branch = await Branch.open(store, number)
    found = search(store, branch, re.compile("a"))
    assert await anext(found) == [(6, 1), (5, 1)]
    for _ in range(3):
        await branch.cut(len(branch) - 1)
    assert await all_of(found) == [(3, 1), (2, 1), (1, 1), (0, 1)]


async def test_messages_that_were_deleted_meanwhile_are_said(store: StoreThread) -> None:
    number = long_conversation(1_000)
    branch = await Branch.open(store, number)
    found = search(store, branch, re.compile("word"))
    assert await anext(found)
    await store.run(lambda store: store.delete_conversation(number))
    with pytest.raises(StoreError, match="deleted"):
        await anext(found)
