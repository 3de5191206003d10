"""Trees: proper ones are left alone, and broken ones become proper."""

from __future__ import annotations

from hypothesis import given, strategies as st
from msgspec.structs import replace

from lmchat.exchange.tree import mended, shown_branch
from lmchat.values.history import ConversationDocument
from tests.exchange.documents import FULL, document, documents, message


@given(documents())
def test_a_proper_tree_is_left_alone(some: ConversationDocument) -> None:
    assert mended(some) == (some, ())


@given(
    st.lists(st.tuples(st.integers(1, 6), st.none() | st.integers(1, 7)), max_size=7),
    st.none() | st.integers(1, 9),
)
def test_any_tree_becomes_a_proper_one(links: list[tuple[int, int | None]], leaf: int | None) -> None:
    broken = document(*(message(number, "user", str(number), parent=parent) for number, parent in links), leaf=leaf)
    whole, notes = mended(broken)
    seen: set[int | None] = {None}
    for each in whole.messages:
        assert each.parent_id in seen
        assert each.id not in seen
        seen.add(each.id)
    assert whole.leaf_id in seen
    assert sorted(each.text for each in whole.messages) == sorted(each.text for each in broken.messages)
    assert (whole.messages, whole.leaf_id) == (broken.messages, broken.leaf_id) or notes or _was_only_unordered(broken)
    assert mended(whole) == (whole, ())


def _was_only_unordered(broken: ConversationDocument) -> bool:
    return {each.parent_id for each in broken.messages} <= {None, *(each.id for each in broken.messages)}


def test_the_shown_branch_ends_in_the_leaf_or_in_the_newest() -> None:
    assert [each.id for each in shown_branch(FULL)] == [1, 2, 3, 5]
    assert [each.id for each in shown_branch(replace(FULL, leaf_id=None))] == [1, 2, 3, 5, 6]
    assert shown_branch(document()) == ()


def test_a_branch_that_turns_in_a_ring_ends() -> None:
    ring = document(message(1, "user", "a", parent=2), message(2, "user", "b", parent=1), leaf=1)
    assert [each.id for each in shown_branch(ring)] == [2, 1]
