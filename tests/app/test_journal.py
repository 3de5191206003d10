"""The journal: what was gathered goes to disk together, soon, and in order."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from functools import partial

import pytest

from lmchat.app import paths
from lmchat.app.journal import DELAY, Journal
from lmchat.store.store import Store
from lmchat.store.thread import StoreThread
from lmchat.values.chat import TextData
from lmchat.values.history import MessageRecord, Provenance, ReasoningData
from lmchat.values.prediction import LlmPredictionFragment, ReasoningType
from tests.app.talks import other_program, until


class Written:
    """A journal of a new answer, and the failures of its writes."""

    def __init__(self) -> None:
        self.failures: list[BaseException] = []
        self.store = StoreThread(paths.store_file(), self.failures.append)

    async def begin(self) -> None:
        number = (await self.store.run(lambda store: store.create_conversation("x"))).id
        provenance = Provenance(server="s")
        self.message_id = await self.store.run(
            lambda store: store.begin_answer(number, parent_id=None, provenance=provenance)
        )
        self.journal = Journal(self.store, self.message_id)

    def write(self, text: str, kind: ReasoningType = "none") -> None:
        self.journal.write(LlmPredictionFragment(content=text, reasoning_type=kind))


@pytest.fixture
async def written() -> AsyncIterator[Written]:
    written = Written()
    await written.begin()
    yield written
    await written.store.close()


def last(messages: list[MessageRecord]) -> MessageRecord:
    return messages[-1]


def test_there_is_time_left_for_the_write_itself() -> None:
    assert DELAY < 0.15


async def test_what_was_gathered_comes_to_disk_by_itself(written: Written) -> None:
    with other_program() as read:
        written.write("a")
        written.write("b")
        assert last(read()).parts == ()
        await until(lambda: last(read()).parts == (TextData("ab"),))
        written.write("c")
        await until(lambda: last(read()).parts == (TextData("abc"),))


async def test_a_flush_does_not_wait(written: Written) -> None:
    written.write("a")
    written.journal.flush()
    await written.store.run(lambda store: None)
    with other_program() as read:
        assert last(read()).text == "a"
    written.journal.flush()
    assert written.failures == []


async def test_what_is_settled_is_on_disk_even_if_the_disk_is_busy_with_something_else(written: Written) -> None:
    busy = threading.Event()
    written.store.post(lambda store: busy.wait())
    written.write("a")
    settled = asyncio.create_task(written.journal.settle())
    assert await asyncio.wait({settled}, timeout=2 * DELAY) == (set(), {settled})
    busy.set()
    await settled
    with other_program() as read:
        assert last(read()).text == "a"


async def test_thoughts_are_kept_as_thoughts_and_their_tags_not_at_all(written: Written) -> None:
    written.write("<think>", "reasoningStartTag")
    written.write("hm", "reasoning")
    written.write("</think>", "reasoningEndTag")
    written.write("said")
    written.journal.flush()
    await written.store.run(lambda store: None)
    with other_program() as read:
        assert last(read()).parts == (ReasoningData(text="hm"), TextData("said"))


async def test_what_could_not_be_written_is_written_before_what_comes_then(written: Written) -> None:
    await written.store.run(partial(set_page_limit, room=0))
    lost = "word " * 2_000
    written.write(lost)
    written.journal.flush()
    await until(lambda: len(written.failures) == 1)
    written.write("hm", "reasoning")
    await written.store.run(partial(set_page_limit, room=1_000))
    written.write("end")
    written.journal.flush()
    await written.store.run(lambda store: None)
    with other_program() as read:
        assert last(read()).parts == (TextData(lost), ReasoningData(text="hm"), TextData("end"))


def set_page_limit(store: Store, *, room: int) -> None:
    """Let the file grow by no more than so many pages."""
    with store._database.reading() as db:
        (pages,) = db.execute("PRAGMA page_count").fetchone()
        db.execute(f"PRAGMA max_page_count = {pages + room}")


async def test_a_write_that_fails_is_told(written: Written) -> None:
    await written.store.run(lambda store: store.delete_conversation(store.conversations()[0].id))
    written.write("lost")
    written.journal.flush()
    await until(lambda: len(written.failures) == 1)
    assert "deleted" in str(written.failures[0])
