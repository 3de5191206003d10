"""The list of conversations: its order, what marks them, how they are deleted and brought back, who sees changes."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from lmchat.store.store import Store
from lmchat.values.chat import TextData
from lmchat.values.errors import StoreError
from lmchat.values.history import Provenance
from lmchat.values.prediction import LlmPredictionStats
from lmchat.values.search import parse_query
from tests.store.test_search import origin


class Clock:
    def __init__(self) -> None:
        self.now = 1_700_000_000.0
        self._ticks = itertools.count(1)

    def __call__(self) -> float:
        return self.now + next(self._ticks) / 4


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock that shows another time whenever it is asked, and can be set."""
    clock = Clock()
    monkeypatch.setattr("time.time", clock)
    return clock


def titles(store: Store, *, archived: bool = False) -> list[str]:
    return [found.title for found in store.conversations(archived=archived)]


def test_pinned_conversations_come_first_and_archived_ones_apart(store: Store) -> None:
    numbers = {title: store.create_conversation(title).id for title in "abcde"}
    store.pin(numbers["b"])
    store.pin(numbers["d"])
    store.archive(numbers["c"])
    store.archive(numbers["d"])
    assert titles(store) == ["b", "e", "a"]
    assert titles(store, archived=True) == ["d", "c"]
    store.pin(numbers["b"], False)
    assert not store.archive(numbers["d"], False).archived
    assert titles(store) == ["d", "e", "b", "a"]
    latest = store.latest_conversation()
    assert latest is not None
    assert latest.title == "e"


def test_the_list_is_read_out_of_its_index(store: Store) -> None:
    with store._database.reading() as db:
        plan = db.execute(
            "EXPLAIN QUERY PLAN SELECT id FROM conversations "
            "WHERE (deleted_at IS NOT NULL) = ? AND (archived_at IS NOT NULL) = ? "
            "ORDER BY (pinned_at IS NOT NULL) DESC, updated_at DESC, id DESC",
            (False, False),
        ).fetchall()
    assert len(plan) == 1
    assert "conversations_listed" in plan[0][-1]


def test_a_page_after_another_neither_skips_nor_repeats_when_something_comes_to_the_top(store: Store) -> None:
    numbers = [store.create_conversation(str(count)).id for count in range(6)]
    first = store.conversations(limit=3)
    assert [found.title for found in first] == ["5", "4", "3"]
    store.add_message(numbers[0], parent_id=None, role="user", parts=())
    assert [found.title for found in store.conversations(limit=3, after=first[-1])] == ["2", "1"]


def test_tags(store: Store) -> None:
    one, two = store.create_conversation("one"), store.create_conversation("two")
    assert store.set_tags(one.id, [" long \n tag ", "b", "b", ""]).tags == ("b", "long tag")
    assert store.set_tags(two.id, ["b", "\udcff"]).tags == ("b", "\udcff")
    assert store.tags() == {"b": 2, "long tag": 1, "\udcff": 1}
    assert [found.title for found in store.conversations(tag="b")] == ["two", "one"]
    assert [found.title for found in store.conversations(tag="\udcff")] == ["two"]
    assert store.set_tags(one.id, []).tags == ()
    store.delete_conversation(two.id)
    assert store.tags() == {}


def test_only_the_user_changes_what_the_user_called_it(store: Store) -> None:
    number = store.create_conversation("First words").id
    assert store.rename_conversation(number, "A model's", by="model").title_by == "model"
    assert store.rename_conversation(number, "Another model's", by="model").title == "Another model's"
    assert store.rename_conversation(number, "Mine").title_by == "user"
    assert store.rename_conversation(number, "A model's", by="model").title == "Mine"
    assert store.rename_conversation(number, "Mine again").title == "Mine again"


def test_the_model_that_was_asked_last_is_known(store: Store) -> None:
    number = store.create_conversation().id
    assert store.conversation(number).model is None
    store.begin_answer(number, parent_id=None, provenance=Provenance(server="here"))
    assert store.conversation(number).model is None
    answer = store.begin_answer(number, parent_id=None, provenance=origin("one"))
    assert store.conversation(number).model == "one"
    stats = LlmPredictionStats(stop_reason="eosFound")
    store.finish_answer(answer, parts=(), stats=stats, provenance=origin("two"))
    assert store.conversation(number).model == "two"


def test_a_deleted_conversation_is_gone_until_it_is_brought_back(store: Store) -> None:
    number = store.create_conversation("x").id
    message = store.add_message(number, parent_id=None, role="user", parts=(TextData("Hello"),))
    before = store.conversation(number)
    store.delete_conversation(number)
    assert store.conversations() == []
    (deleted,) = store.deleted_conversations()
    assert (deleted.id, deleted.deleted) == (number, True)
    for ask in (
        lambda: store.conversation(number),
        lambda: store.branch(number),
        lambda: store.tree(number),
        lambda: store.messages([message.id]),
        lambda: store.add_message(number, parent_id=message.id, role="user", parts=()),
        lambda: store.rename_conversation(number, "y"),
        lambda: store.pin(number),
        lambda: store.set_tags(number, ["a"]),
        lambda: store.save_draft(number, "a"),
        lambda: store.export_conversation(number),
        lambda: store.fork(number, message.id),
        lambda: store.flip(number, message.id),
        lambda: store.delete_message(message.id),
    ):
        with pytest.raises(StoreError):
            ask()
    assert store.undelete_conversation(number) == before
    assert store.branch(number) == [message]
    with pytest.raises(StoreError):
        store.undelete_conversation(number + 1)


def test_purging_removes_only_what_was_deleted_long_ago(store: Store, clock: Clock) -> None:
    old, new, kept = (store.create_conversation(title).id for title in ("old", "new", "kept"))
    first = store.add_message(kept, parent_id=None, role="user", parts=()).id
    second = store.add_message(kept, parent_id=first, role="user", parts=()).id
    third = store.add_message(kept, parent_id=second, role="user", parts=()).id
    store.delete_message(third)
    store.delete_message(second)
    store.delete_conversation(old)
    clock.now += 31 * 86_400
    store.delete_conversation(new)
    assert store.purge(days=30) == 3
    assert [found.title for found in store.deleted_conversations()] == ["new"]
    assert [node.id for node in store.tree(kept)] == [first]
    with pytest.raises(StoreError):
        store.undelete_message(second)
    assert store.purge(days=30) == 0
    clock.now += 31 * 86_400
    assert store.purge() == 1
    assert titles(store) == ["kept"]


def test_drafts(store: Store, path: Path) -> None:
    number = store.create_conversation().id
    assert store.draft(number) == store.draft(None) == ""
    store.save_draft(number, "half a\nthought \udcff")
    store.save_draft(None, "nothing yet")
    store.save_draft(None, "something")
    other = Store.open(path)
    assert (other.draft(number), other.draft(None)) == ("half a\nthought \udcff", "something")
    other.close()
    store.save_draft(number, "")
    assert store.draft(number) == ""
    store.save_draft(number, "again")
    store.delete_conversation(number)
    store.purge(days=0)
    assert (store.draft(number), store.draft(None)) == ("", "something")


def test_another_window_sees_that_and_what_has_changed(store: Store, path: Path) -> None:
    other = Store.open(path)
    one, two = store.create_conversation("one").id, store.create_conversation("two").id
    version, changes = other.data_version(), other.changes()
    assert changes.conversations == (one, two)
    assert other.data_version() == version
    other.rename_conversation(two, "mine")
    assert other.data_version() == version
    changes = other.changes(changes.revision)
    assert changes.conversations == (two,)
    for change in (
        lambda: store.add_message(one, parent_id=None, role="user", parts=()),
        lambda: store.set_tags(one, ["a"]),
        lambda: store.set_tags(one, []),
        lambda: store.pin(one),
        lambda: store.rename_conversation(one, "new"),
        lambda: store.delete_conversation(one),
        lambda: store.purge(days=0),
    ):
        change()
        assert other.data_version() != version
        version = other.data_version()
        changes = other.changes(changes.revision)
        assert changes.conversations == (one,)
    assert other.changes(changes.revision).conversations == ()
    other.close()


def test_an_answer_that_grows_is_seen_by_its_version(store: Store, path: Path) -> None:
    number = store.create_conversation().id
    answer = store.begin_answer(number, parent_id=None, provenance=origin("one"))
    other = Store.open(path)
    version, changes = other.data_version(), other.changes()
    store.append_to_answer(answer, [TextData("Hello")])
    assert other.data_version() != version
    assert other.changes(changes.revision).conversations == ()
    assert other.being_written(number)
    other.close()


def test_a_store_in_memory_has_all_of_it_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    store = Store.open_in_memory()
    number = store.create_conversation("Secret").id
    asked = store.add_message(number, parent_id=None, role="user", parts=(TextData("apple"),))
    answer = store.begin_answer(number, parent_id=asked.id, provenance=origin("one"))
    store.append_to_answer(answer, [TextData("pie")])
    assert store.recover() == []
    assert not store.being_written(number)
    stats = LlmPredictionStats(stop_reason="eosFound")
    store.finish_answer(answer, parts=(TextData("pie"),), stats=stats, provenance=origin("one"))
    store.save_draft(None, "secret")
    assert [hit.message_id for hit in store.search(parse_query("pie"))] == [answer]
    with pytest.raises(StoreError):
        store.conversation(77)
    assert list(tmp_path.iterdir()) == []
    store.close()
    store.close()
    assert list(tmp_path.iterdir()) == []
