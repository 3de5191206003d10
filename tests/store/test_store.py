"""Conversations, the tree of messages, answers while they are written, prompts."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from lmchat.store.store import Store
from lmchat.values.chat import TextData
from lmchat.values.errors import StoreError
from lmchat.values.history import MessageRecord, Part, Provenance, ReasoningData
from lmchat.values.prediction import LlmPredictionStats

HERE = Provenance(server="here")
DONE = LlmPredictionStats(stop_reason="eosFound")


@pytest.fixture(autouse=True)
def ticking(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that shows another time whenever it is asked, which a real one may be too coarse to do."""
    monkeypatch.setattr("time.time", itertools.count(1_700_000_000.0, 0.25).__next__)


def say(store: Store, conversation_id: int, text: str, parent_id: int | None = None) -> int:
    return store.add_message(conversation_id, parent_id=parent_id, role="user", parts=(TextData(text),)).id


def texts(store: Store, conversation_id: int) -> list[str]:
    return [message.text for message in store.branch(conversation_id)]


def test_a_store_is_still_there_when_it_is_opened_again(path: Path) -> None:
    store = Store.open(path)
    talk = store.create_conversation("First")
    say(store, talk.id, "Hello")
    store.close()
    store.close()
    again = Store.open(path)
    assert [(found.id, found.title, found.message_count) for found in again.conversations()] == [(talk.id, "First", 1)]
    assert texts(again, talk.id) == ["Hello"]
    assert again.notice is None
    again.close()


def test_conversations_are_listed_with_the_newest_message_first(store: Store) -> None:
    assert store.latest_conversation() is None
    first, second, third = (store.create_conversation(title) for title in "abc")
    say(store, first.id, "Hello")
    store.rename_conversation(second.id, "B")
    assert [found.title for found in store.conversations()] == ["a", "c", "B"]
    assert [found.title for found in store.conversations(limit=1, offset=1)] == ["c"]
    assert store.latest_conversation() == store.conversation(first.id)
    store.delete_conversation(first.id)
    store.delete_conversation(first.id)
    assert store.latest_conversation() == third
    assert store.create_conversation().id > third.id


def test_a_number_is_not_given_again(store: Store) -> None:
    talk = store.create_conversation()
    message = say(store, talk.id, "Hello")
    store.delete_conversation(talk.id)
    other = store.create_conversation()
    assert other.id > talk.id
    assert say(store, other.id, "Hello") > message


def test_an_edited_message_is_a_sibling_and_the_conversation_goes_on_from_it(store: Store) -> None:
    talk = store.create_conversation()
    root = say(store, talk.id, "root")
    left = say(store, talk.id, "left", root)
    leaf = say(store, talk.id, "leaf", left)
    right = say(store, talk.id, "right", root)
    assert texts(store, talk.id) == ["root", "right"]
    store.set_leaf(talk.id, leaf)
    assert texts(store, talk.id) == ["root", "left", "leaf"]
    store.set_leaf(talk.id, left)
    assert texts(store, talk.id) == ["root", "left"]
    assert store.siblings(left) == store.siblings(right) == [left, right]
    assert store.siblings(leaf) == [leaf]
    other_root = say(store, talk.id, "other root")
    assert store.siblings(root) == [root, other_root]
    assert texts(store, talk.id) == ["other root"]
    assert store.conversation(talk.id).message_count == 5


def test_the_messages_of_one_conversation_cannot_hang_on_another(store: Store) -> None:
    one, other = store.create_conversation(), store.create_conversation()
    message = say(store, one.id, "Hello")
    with pytest.raises(StoreError):
        say(store, other.id, "Hello", parent_id=message)
    with pytest.raises(StoreError):
        store.set_leaf(other.id, message)
    assert store.branch(other.id) == []
    assert texts(store, one.id) == ["Hello"]


def test_a_long_conversation_is_read_and_deleted(store: Store) -> None:
    talk = store.create_conversation()
    parent = None
    for number in range(1500):
        parent = say(store, talk.id, str(number), parent)
    assert texts(store, talk.id) == [str(number) for number in range(1500)]
    store.delete_conversation(talk.id)
    assert store.conversations() == []


@pytest.mark.parametrize("number", [77, -1, 2**80])
def test_what_is_not_there_is_said(store: Store, number: int) -> None:
    for ask in (
        lambda: store.conversation(number),
        lambda: store.branch(number),
        lambda: store.siblings(number),
        lambda: store.set_leaf(number, number),
        lambda: store.rename_conversation(number, "x"),
        lambda: store.begin_answer(number, parent_id=None, provenance=HERE),
        lambda: store.append_to_answer(number, [TextData("x")]),
        lambda: store.finish_answer(number, parts=(), stats=DONE, provenance=HERE),
    ):
        with pytest.raises(StoreError):
            ask()


def test_an_answer_shows_what_has_come_and_then_becomes_a_message(store: Store) -> None:
    talk = store.create_conversation()
    asked = say(store, talk.id, "Why?")
    answer = store.begin_answer(talk.id, parent_id=asked, provenance=HERE)
    assert store.branch(talk.id)[-1].parts == ()
    store.append_to_answer(answer, [ReasoningData(text="Let me "), ReasoningData(text="think."), TextData("Be")])
    store.append_to_answer(answer, [TextData("cause"), ReasoningData(text="Hm."), TextData("!")])
    streaming = store.branch(talk.id)[-1]
    came: tuple[Part, ...] = (
        ReasoningData(text="Let me think."),
        TextData("Because"),
        ReasoningData(text="Hm."),
        TextData("!"),
    )
    assert (streaming.parts, streaming.stats, streaming.provenance) == (came, None, HERE)

    parts: tuple[Part, ...] = (ReasoningData(text="Let me think. Hm.", tokens=5, seconds=0.5), TextData("Because!"))
    there = Provenance(server="there")
    done = store.finish_answer(answer, parts=parts, stats=DONE, provenance=there, error="The line broke.")
    assert done == MessageRecord(
        id=answer,
        parent_id=asked,
        role="assistant",
        parts=parts,
        created_at=streaming.created_at,
        stats=DONE,
        provenance=there,
        error="The line broke.",
    )
    assert store.branch(talk.id)[-1] == done
    with pytest.raises(StoreError, match="finished"):
        store.append_to_answer(answer, [TextData("more")])
    with pytest.raises(StoreError, match="finished"):
        store.finish_answer(answer, parts=(), stats=DONE, provenance=HERE)
    assert store.branch(talk.id)[-1] == done


def test_an_answer_that_was_deleted_meanwhile_says_so(store: Store) -> None:
    talk = store.create_conversation()
    answer = store.begin_answer(talk.id, parent_id=None, provenance=HERE)
    store.append_to_answer(answer, [TextData("Well")])
    store.delete_conversation(talk.id)
    with pytest.raises(StoreError, match="deleted"):
        store.append_to_answer(answer, [TextData("…")])


def test_prompts_come_newest_first_and_not_twice_in_a_row(store: Store) -> None:
    for prompt in ("one", "two", "two", "one"):
        store.remember_prompt(prompt)
    assert store.prompts() == ["one", "two", "one"]
    assert store.prompts(limit=2) == ["one", "two"]
