"""Conversations out and in again: everything is there, in whatever order it came, and nonsense changes nothing."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings, strategies as st

from lmchat.store.store import Store
from lmchat.values.chat import TextData
from lmchat.values.errors import StoreError
from lmchat.values.history import ConversationDocument, MessageRecord, Part
from tests.store.test_codec import PARTS, TEXT
from tests.store.test_search import origin


def record(number: int, parent: int | None, text: str = "") -> MessageRecord:
    return MessageRecord(id=number, parent_id=parent, role="user", parts=(TextData(text),), created_at=5.0)


def document(*messages: MessageRecord, leaf: int | None = None) -> ConversationDocument:
    return ConversationDocument(title="T", created_at=1.0, updated_at=2.0, messages=messages, leaf_id=leaf)


def test_what_goes_out_comes_in_again(store: Store) -> None:
    number = store.create_conversation("Talk \udcff").id
    root = store.add_message(number, parent_id=None, role="user", parts=(TextData("root"),)).id
    left = store.add_message(number, parent_id=root, role="user", parts=(TextData("left"),)).id
    store.add_message(number, parent_id=root, role="user", parts=(TextData("right"),))
    gone = store.add_message(number, parent_id=root, role="user", parts=(TextData("gone"),)).id
    store.delete_message(gone)
    answer = store.begin_answer(number, parent_id=left, provenance=origin("one"))
    store.append_to_answer(answer, [TextData("so far")])
    store.flip(number, left)
    store.set_tags(number, ["b", "a"])
    store.pin(number)
    store.archive(number)
    out = store.export_conversation(number)
    assert [message.text for message in out.messages] == ["root", "left", "right", "so far"]
    assert (out.tags, out.pinned, out.archived, out.leaf_id) == (("a", "b"), True, True, answer)

    made = store.import_conversation(out)
    assert (made.title, made.model, made.created_at, made.updated_at) == (
        out.title,
        "one",
        out.created_at,
        out.updated_at,
    )
    again = store.export_conversation(made.id)
    shift = again.messages[0].id - root
    assert shift > 0
    assert [message.text for message in store.branch(made.id)] == ["root", "left", "so far"]
    assert again.messages[-1].stats is not None
    for old, new in zip(out.messages[:3], again.messages[:3], strict=True):
        parent = old.parent_id and again.messages[0].id
        assert new == msgspec.structs.replace(old, id=new.id, parent_id=parent)


@given(
    st.lists(st.tuples(PARTS, st.integers(0, 10), TEXT), max_size=8),
    st.randoms(use_true_random=False),
)
@settings(max_examples=40, deadline=None)
def test_messages_come_in_any_order(turns: list[tuple[tuple[Part, ...], int, str]], dice: object) -> None:
    store = Store.open_in_memory()
    messages = [
        MessageRecord(
            id=1000 - count,
            parent_id=None if not count or parent > count else 1000 - parent % count,
            role="user",
            parts=parts,
            created_at=1.0,
            error=error,
        )
        for count, (parts, parent, error) in enumerate(turns)
    ]
    dice.shuffle(messages)  # type: ignore[attr-defined]  # hypothesis has no name for its Random
    made = store.import_conversation(document(*messages))
    again = store.export_conversation(made.id).messages
    by_new = {new.id: new for new in again}
    assert sorted(repr((message.parts, message.error)) for message in messages) == sorted(
        repr((message.parts, message.error)) for message in again
    )
    for new in again:
        assert new.parent_id is None or new.parent_id < new.id
        assert new.parent_id is None or new.parent_id in by_new
    store.close()


def test_branches_keep_their_shape_and_siblings_their_order(store: Store) -> None:
    made = store.import_conversation(
        document(record(5, 9, "leaf"), record(7, 3, "b"), record(9, 3, "a"), record(3, None, "root"), leaf=5)
    )
    out = store.export_conversation(made.id)
    numbers = {message.text: message.id for message in out.messages}
    parents = {message.text: message.parent_id for message in out.messages}
    assert parents == {"root": None, "a": numbers["root"], "b": numbers["root"], "leaf": numbers["a"]}
    assert [message.text for message in store.branch(made.id)] == ["root", "a", "leaf"]


@pytest.mark.parametrize(
    "messages",
    [
        (record(1, 2), record(2, 1)),
        (record(1, 1),),
        (record(1, 7),),
        (record(1, None), record(1, None)),
    ],
)
def test_what_is_no_tree_is_refused_and_changes_nothing(
    store: Store, path: Path, messages: tuple[MessageRecord, ...]
) -> None:
    with pytest.raises(StoreError):
        store.import_conversation(document(*messages))
    assert store.conversations() == []


def test_what_a_document_leaves_open_is_filled_in(store: Store) -> None:
    assert store.import_conversation(document()).message_count == 0
    made = store.import_conversation(document(record(1, None, "a"), record(2, None, "b"), leaf=99))
    assert [message.text for message in store.branch(made.id)] == ["b"]
    odd = msgspec.structs.replace(document(), created_at=float("nan"), updated_at=float("inf"), tags=("a", " a", ""))
    made = store.import_conversation(odd)
    assert made.created_at == made.created_at
    assert made.tags == ("a",)
