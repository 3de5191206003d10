"""Backups made and gone back to."""

from __future__ import annotations

import os
import stat
from contextlib import closing
from pathlib import Path

from msgspec.structs import replace

from lmchat.app import paths
from lmchat.store.store import Store
from tests.console.conftest import Run, opened_store, put, titles
from tests.exchange.documents import document, message


def add(title: str) -> None:
    put(replace(document(message(1, "user", title), title=title), created_at=1.7e9 + sum(title.encode())))


def test_a_backup_without_a_name_while_in_use(chats: Run) -> None:
    add("one")
    with opened_store():
        done = chats("backup")
    path = Path(done.out.removesuffix("\n"))
    assert done.code == 0
    assert path.parent == paths.data_dir() / "backups"
    with closing(Store.open(path)) as store:
        assert [each.title for each in store.conversations()] == ["one"]
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_backups_in_places_of_ones_own(chats: Run, tmp_path: Path) -> None:
    add("one")
    assert chats("backup", tmp_path / "b.db").out == f"{tmp_path / 'b.db'}\n"
    again = chats("backup", tmp_path / "b.db")
    assert (again.code, again.data) == (1, b"")
    assert Path(chats("backup", tmp_path).out.strip()).parent == tmp_path
    assert chats("backup", tmp_path / "none" / "b.db").code == 1


def test_going_back_and_undoing_it(chats: Run, tmp_path: Path) -> None:
    add("one")
    chats("backup", tmp_path / "b.db")
    add("two")
    done = chats("restore", tmp_path / "b.db")
    assert (done.code, done.data) == (0, b"")
    assert titles() == {"one"}
    (aside,) = paths.data_dir().glob("lmchat.db.before-restore-*")
    assert str(aside) in done.err
    assert chats("restore", aside).code == 0
    assert titles() == {"one", "two"}


def test_it_is_refused_while_another_has_the_store_open(chats: Run, tmp_path: Path) -> None:
    add("one")
    chats("backup", tmp_path / "b.db")
    add("two")
    with opened_store() as other:
        done = chats("restore", tmp_path / "b.db")
        assert done.code == 1
        assert "Another lmchat has the conversations open" in done.err
        assert len(other.conversations()) == 2
        assert chats("restore", "--missing", tmp_path / "b.db").code == 0
    assert titles() == {"one", "two"}
    assert list(paths.data_dir().glob("*before-restore*")) == []


def test_what_is_missing_is_added(chats: Run, tmp_path: Path) -> None:
    add("one")
    add("two")
    chats("backup", tmp_path / "b.db")
    chats("delete", "--purge", "--yes", 1)
    add("three")
    done = chats("restore", "--missing", tmp_path / "b.db")
    assert done.code == 0
    assert "1 conversations" in done.err
    assert titles() == {"one", "two", "three"}


def test_what_is_no_backup_is_refused(chats: Run, tmp_path: Path) -> None:
    add("one")
    (tmp_path / "text").write_text("no database " * 1000)
    for path in (tmp_path / "text", tmp_path / "none", tmp_path, paths.store_file()):
        done = chats("restore", path)
        assert done.code == 1
        assert len(done.err.splitlines()) == 1
        assert str(path) in done.err
    assert titles() == {"one"}
