"""Reading messages: outlines that agree with the messages and touch none of them, and messages by number."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from lmchat.store import reading
from lmchat.store.store import Store
from lmchat.values.chat import TextData
from lmchat.values.errors import StoreError
from lmchat.values.history import Part, Provenance, ReasoningData
from lmchat.values.prediction import LlmPredictionStats
from tests.store.conftest import StartProgram
from tests.store.test_codec import TEXT, values

HERE = Provenance(server="here")


def say(store: Store, conversation_id: int, text: str, parent_id: int | None = None) -> int:
    return store.add_message(conversation_id, parent_id=parent_id, role="user", parts=(TextData(text),)).id


def talk(store: Store, messages: int) -> tuple[int, list[int]]:
    """A conversation of so many messages; its number and theirs."""
    conversation_id = store.create_conversation().id
    numbers: list[int] = []
    for count in range(messages):
        numbers.append(say(store, conversation_id, str(count), numbers[-1] if numbers else None))
    return conversation_id, numbers


def remove(store: Store, number: int) -> None:
    """Take a message out of the middle, as only damage or another program can."""
    connection = store._database._connection
    connection.execute("PRAGMA foreign_keys = OFF")
    connection.execute("DELETE FROM messages WHERE id = ?", (number,))


@given(
    st.lists(
        st.tuples(
            st.lists(values(Part), max_size=3).map(tuple),
            st.none() | st.integers(-(2**70), 2**70),
            st.none() | TEXT,
        ),
        max_size=4,
    )
)
@settings(deadline=None, max_examples=50)
def test_outlines_and_texts_are_those_of_the_messages(
    turns: Sequence[tuple[tuple[Part, ...], int | None, str | None]],
) -> None:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        store = Store.open(Path(folder) / "chats.db")
        number = store.create_conversation().id
        last: int | None = None
        for parts, tokens, error in turns:
            last = store.add_message(number, parent_id=last, role="user", parts=parts).id
            stats = LlmPredictionStats(stop_reason="eosFound", predicted_tokens_count=tokens)
            last = store.begin_answer(number, parent_id=last, provenance=HERE)
            store.finish_answer(last, parts=parts, stats=stats, provenance=HERE, error=error)
        branch = store.branch(number)
        assert store.outline(number) == [record.outline for record in branch]
        assert store.texts([record.id for record in branch]) == [record.texts for record in branch]
        store.close()


def test_an_outline_is_read_from_the_index_alone(store: Store) -> None:
    talk(store, 3)
    plan = store._database._connection.execute("EXPLAIN QUERY PLAN " + reading._OUTLINE, (1,)).fetchall()
    assert [row[-1] for row in plan] == ["SEARCH messages USING COVERING INDEX messages_outline (conversation_id=?)"]


def test_an_outline_is_of_the_current_branch(store: Store) -> None:
    number, (root, left, leaf) = talk(store, 3)
    right = say(store, number, "right", root)
    assert [outline.id for outline in store.outline(number)] == [root, right]
    store.set_leaf(number, leaf)
    assert [outline.id for outline in store.outline(number)] == [root, left, leaf]
    assert store.outline(store.create_conversation().id) == []


def test_messages_come_in_the_order_in_which_they_are_asked_for(store: Store) -> None:
    _, numbers = talk(store, 1200)
    some = numbers[::-1]
    assert [record.id for record in store.messages(some)] == some
    assert store.texts(some) == [(str(count),) for count in reversed(range(1200))]
    assert store.messages([]) == []
    assert store.texts([]) == []


def test_an_answer_that_is_being_written_is_read_as_far_as_it_came(store: Store, path: Path) -> None:
    number, (root,) = talk(store, 1)
    answer = store.begin_answer(number, parent_id=root, provenance=HERE)
    store.append_to_answer(answer, [ReasoningData(text="Hm."), TextData("So "), TextData("far")])
    other = Store.open(path)
    try:
        (record,) = other.messages([answer])
        assert record.parts == (ReasoningData(text="Hm."), TextData("So far"))
        assert other.texts([answer]) == [record.texts]
        assert other.outline(number)[-1].id == answer
    finally:
        other.close()


def test_what_is_recovered_has_its_size(path: Path, start_program: StartProgram) -> None:
    program = start_program("""
store = Store.open(path)
answer = store.begin_answer(store.create_conversation().id, parent_id=None, provenance=Provenance(server="here"))
store.append_to_answer(answer, [TextData("So far")])
print("ready", flush=True)
sys.stdin.readline()
""")
    assert program.stdout is not None
    assert program.stdout.readline() == "ready\n"
    program.kill()
    program.wait()
    store = Store.open(path)
    assert store.recover() == [1]
    assert [(outline.id, outline.size) for outline in store.outline(1)] == [(1, len("So far"))]
    store.close()


def test_messages_that_are_not_there_are_said(store: Store) -> None:
    number, numbers = talk(store, 3)
    for read in (store.messages, store.texts):
        with pytest.raises(StoreError, match="deleted"):
            read([numbers[0], 77])
    with pytest.raises(StoreError, match="no conversation"):
        store.outline(number + 1)
    remove(store, numbers[1])
    with pytest.raises(StoreError, match="missing"):
        store.outline(number)
