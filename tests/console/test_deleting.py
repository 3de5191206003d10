"""Deleting so that it can be undone, and for good."""

from __future__ import annotations

from lmchat.app import paths
from tests.console.conftest import Run, opened_store, put, titles
from tests.exchange.documents import document, message


def fill() -> None:
    put(*(document(message(1, "user", f"unmistakable {name}"), title=name) for name in ("one", "two", "three")))


def test_deleted_and_back(chats: Run) -> None:
    fill()
    done = chats("delete", 1, 2, "--yes")
    assert (done.code, done.data) == (0, b"")
    assert titles() == {"three"}
    assert "lmchat chats delete --undo 1 2" in done.err
    assert chats("delete", "--undo", 2).code == 0
    assert titles() == {"two", "three"}
    assert [line[0] for line in chats("list", "--deleted").lines] == ["1"]


def test_all_or_none(chats: Run) -> None:
    fill()
    assert chats("delete", 1, 99, "--yes").code == 1
    assert chats("delete", "--purge", 1, 99, "--yes").code == 1
    assert titles() == {"one", "two", "three"}
    assert chats("delete", "--undo", 99).code == 1


def test_for_good_by_number(chats: Run) -> None:
    fill()
    chats("delete", 1, 2, "--yes")
    assert chats("delete", "--purge", 1, 3, "--yes").code == 0
    assert chats("delete", "--undo", 1).code == 1
    assert chats("delete", "--undo", 3).code == 1
    assert chats("delete", "--undo", 2).code == 0
    assert titles() == {"two"}
    assert chats("search", "unmistakable").lines != []
    assert chats("search", "unmistakable three").lines == []


def test_the_bin_is_emptied(chats: Run) -> None:
    fill()
    chats("delete", 1, 2, "--yes")
    done = chats("delete", "--purge", "--yes")
    assert done.code == 0
    assert "2 conversations" in done.err
    assert chats("list", "--deleted").lines == []
    assert titles() == {"three"}


def test_nothing_is_done_without_an_answer(chats: Run) -> None:
    fill()
    for arguments in ((1,), ("--purge", 1), ("--purge",)):
        assert chats("delete", *arguments).code == 2
    with opened_store() as store:
        assert len(store.conversations()) == 3
    assert paths.store_file().exists()
