"""The journal: what was gathered goes to disk together, soon, and in order."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from lmchat.app import paths
from lmchat.app.journal import DELAY, Journal
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


async def test_thoughts_are_kept_as_thoughts_and_their_tags_not_at_all(written: Written) -> None:
    written.write("<think>", "reasoningStartTag")
    written.write("hm", "reasoning")
    written.write("</think>", "reasoningEndTag")
    written.write("said")
    written.journal.flush()
    await written.store.run(lambda store: None)
    with other_program() as read:
        assert last(read()).parts == (ReasoningData(text="hm"), TextData("said"))


async def test_a_write_that_fails_is_told(written: Written) -> None:
    await written.store.run(lambda store: store.delete_conversation(store.conversations()[0].id))
    written.write("lost")
    written.journal.flush()
    await until(lambda: len(written.failures) == 1)
    assert "deleted" in str(written.failures[0])
