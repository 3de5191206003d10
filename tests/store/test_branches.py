"""The tree of messages: flipping between branches, deleting parts of it, drawing it, copying it."""

from __future__ import annotations

import pytest

from lmchat.store.store import Store
from lmchat.values.chat import TextData, ToolCallRequest, ToolCallRequestData
from lmchat.values.errors import StoreError
from lmchat.values.history import Part, ReasoningData
from lmchat.values.prediction import LlmPredictionStats
from tests.store.test_search import origin

DONE = LlmPredictionStats(stop_reason="eosFound")


def say(store: Store, number: int, text: str, parent: int | None = None) -> int:
    return store.add_message(number, parent_id=parent, role="user", parts=(TextData(text),)).id


def shown(store: Store, number: int) -> list[int]:
    return [outline.id for outline in store.outline(number)]


@pytest.fixture
def number(store: Store) -> int:
    """A conversation."""
    return store.create_conversation("Talk").id


def test_flipping_goes_to_the_newest_leaf_or_to_the_one_that_was_left_last(store: Store, number: int) -> None:
    root = say(store, number, "root")
    left = say(store, number, "left", root)
    older, newer = (say(store, number, text, left) for text in ("older", "newer"))
    right = say(store, number, "right", root)
    assert store.flip(number, left) == newer
    assert store.flip(number, older) == older
    assert store.flip(number, right) == right
    assert store.flip(number, left) == older
    assert shown(store, number) == [root, left, older]
    assert store.flip(number, root) == older


def test_flipping_to_a_message_of_another_conversation_changes_nothing(store: Store, number: int) -> None:
    root = say(store, number, "root")
    other = store.create_conversation().id
    with pytest.raises(StoreError):
        store.flip(other, root)
    assert shown(store, other) == []


def test_deleting_a_message_takes_what_comes_after_it_and_shows_what_is_left(store: Store, number: int) -> None:
    root = say(store, number, "root")
    left = say(store, number, "left", root)
    leaf = say(store, number, "leaf", left)
    right = say(store, number, "right", root)
    store.flip(number, left)
    assert store.delete_message(left) == right
    assert shown(store, number) == [root, right]
    assert store.siblings(right) == [right]
    assert store.conversation(number).message_count == 2
    with pytest.raises(StoreError, match="deleted"):
        store.messages([leaf])
    with pytest.raises(StoreError, match="deleted"):
        say(store, number, "more", leaf)
    assert store.delete_message(right) == root
    assert store.delete_message(root) is None
    assert shown(store, number) == []
    with pytest.raises(StoreError):
        store.undelete_message(left)
    assert store.undelete_message(root) == root
    assert store.undelete_message(left) == leaf
    assert store.undelete_message(right) == right
    assert store.siblings(left) == [left, right]
    assert store.conversation(number).message_count == 4
    with pytest.raises(StoreError):
        store.undelete_message(right)


def test_deleting_what_is_not_shown_leaves_what_is(store: Store, number: int) -> None:
    root = say(store, number, "root")
    left, right = say(store, number, "left", root), say(store, number, "right", root)
    assert store.delete_message(left) == right
    assert store.undelete_message(left) == right


def test_an_answer_that_is_deleted_while_it_comes_takes_no_more(store: Store, number: int) -> None:
    answer = store.begin_answer(number, parent_id=None, provenance=origin("one"))
    store.append_to_answer(answer, [TextData("so far")])
    store.delete_message(answer)
    with pytest.raises(StoreError, match="deleted"):
        store.append_to_answer(answer, [TextData("more")])
    store.undelete_message(answer)
    assert store.branch(number)[0].text == "so far"
    store.append_to_answer(answer, [TextData(", more")])
    assert store.branch(number)[0].text == "so far, more"


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ((TextData("Hello\n  world"),), "Hello world"),
        ((ReasoningData(text="Hm."), TextData("So")), "So"),
        ((ReasoningData(text="Hm."),), "Hm."),
        ((TextData("语" * 100),), "语" * 79 + "…"),
        ((TextData('"quoted" \\ back\tslash\x00' * 5),), None),
        ((TextData('"' * 1000),), "“"),
        ((TextData("\x01" * 1000),), "\x01"),
        ((TextData("lone \udcff surrogate"),), "lone \udcff surrogate"),
        ((ToolCallRequestData(ToolCallRequest(name="f", arguments={"x": 1})),), ""),
        ((), ""),
    ],
)
def test_a_tree_shows_how_a_message_begins(
    store: Store, number: int, parts: tuple[Part, ...], words: str | None
) -> None:
    record = store.add_message(number, parent_id=None, role="user", parts=parts)
    (node,) = store.tree(number)
    assert (node.id, node.parent_id, node.role, node.created_at) == (record.id, None, "user", record.created_at)
    text = " ".join((record.text or record.reasoning).split())
    if words is None:
        assert node.words.rstrip("…") == text[: len(node.words.rstrip("…"))]
    elif words in ("“", "\x01"):
        # Escapes take room: it is cut early, and never in the middle of one.
        assert set(node.words.rstrip("…")) == {'"' if words == "“" else "\x01"}
    else:
        assert node.words == words


def test_a_tree_shows_how_answers_ended_and_what_is_deleted(store: Store, number: int) -> None:
    asked = say(store, number, "why")
    first = store.begin_answer(number, parent_id=asked, provenance=origin("one"))
    store.finish_answer(first, parts=(), stats=DONE, provenance=origin("one"))
    second = store.begin_answer(number, parent_id=asked, provenance=origin("one"))
    store.append_to_answer(second, [TextData("So "), TextData("far")])
    store.delete_message(first)
    assert [(node.id, node.words, node.stop_reason, node.deleted) for node in store.tree(number)] == [
        (asked, "why", None, False),
        (first, "", "eosFound", True),
        (second, "So", None, False),
    ]


def test_a_fork_has_copies_up_to_a_message(store: Store, number: int) -> None:
    root = say(store, number, "root")
    answer = store.begin_answer(number, parent_id=root, provenance=origin("one"))
    store.append_to_answer(answer, [TextData("so far")])
    say(store, number, "not this", root)
    store.set_tags(number, ["a"])
    fork = store.fork(number, answer)
    assert (fork.title, fork.tags, fork.forked_from, fork.model) == ("Talk", ("a",), answer, "one")
    copies = store.branch(fork.id)
    assert [copy.text for copy in copies] == ["root", "so far"]
    assert copies[1].stats == LlmPredictionStats(stop_reason="interrupted")
    assert copies[1].provenance == origin("one")
    store.delete_message(copies[0].id)
    assert [message.text for message in store.branch(number)] == ["root", "not this"]
    with pytest.raises(StoreError):
        store.fork(fork.id, root)
