"""A backup in the place of the store: only a whole one, only when nobody has it open, and nothing is lost."""

from __future__ import annotations

import os
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from lmchat.store.replacement import replace_store
from lmchat.store.store import Store
from lmchat.values.errors import StoreError

from .conftest import StartProgram


def titles(path: Path) -> list[str]:
    with closing(Store.open(path)) as store:
        assert store.notice is None
        return [each.title for each in store.conversations()]


def make(path: Path, title: str) -> Path:
    with closing(Store.open(path)) as store:
        store.create_conversation(title)
    return path


def test_the_backup_takes_the_place_and_the_store_is_kept(path: Path, tmp_path: Path) -> None:
    make(path, "present")
    backup = make(tmp_path / "backup.db", "past")
    before = backup.read_bytes()
    aside = replace_store(path, backup)
    assert aside is not None
    assert (titles(path), titles(aside)) == (["past"], ["present"])
    assert backup.read_bytes() == before
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    again = replace_store(path, backup)
    assert again is not None
    assert again != aside
    assert [each.name for each in path.parent.iterdir() if each.name.startswith("restore-")] == []


def test_without_a_store_there_is_nothing_to_keep(path: Path, tmp_path: Path) -> None:
    assert replace_store(path, make(tmp_path / "backup.db", "past")) is None
    assert titles(path) == ["past"]


def test_a_store_that_another_process_only_looks_at_is_left(
    path: Path, tmp_path: Path, start_program: StartProgram
) -> None:
    make(path, "present")
    backup = make(tmp_path / "backup.db", "past")
    other = start_program("store = Store.open(path); print('open', flush=True); input()")
    assert other.stdout is not None
    assert other.stdout.readline() == "open\n"
    with pytest.raises(StoreError, match="Another lmchat"):
        replace_store(path, backup)
    other.kill()
    other.wait()
    assert titles(path) == ["present"]
    assert replace_store(path, backup) is not None


def test_what_was_only_in_the_log_is_kept_and_taken(path: Path, tmp_path: Path, start_program: StartProgram) -> None:
    crashed = start_program(
        "store = Store.open(path); store.create_conversation('crashed'); print(1, flush=True); input()"
    )
    assert crashed.stdout is not None
    crashed.stdout.readline()
    crashed.kill()
    crashed.wait()
    assert path.with_name(f"{path.name}-wal").stat().st_size
    aside = replace_store(path, make(tmp_path / "backup.db", "past"))
    assert aside is not None
    assert titles(path) == ["past"]
    assert titles(aside) == ["crashed"]


def test_a_damaged_store_is_kept_as_it_is(path: Path, tmp_path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"this was a database once " * 1000)
    aside = replace_store(path, make(tmp_path / "backup.db", "past"))
    assert aside is not None
    assert aside.read_bytes().startswith(b"this was")
    assert titles(path) == ["past"]


def test_a_backup_that_is_not_whole_is_refused(path: Path, tmp_path: Path) -> None:
    make(path, "present")
    backup = make(tmp_path / "backup.db", "past")
    whole = backup.read_bytes()
    for data in (b"", b"text " * 5000, whole[: len(whole) // 2], whole[:4096] + b"\xff" * (len(whole) - 4096)):
        backup.write_bytes(data)
        with pytest.raises(StoreError, match=r"backup\.db"):
            replace_store(path, backup)
    foreign = tmp_path / "foreign.db"
    with closing(sqlite3.connect(foreign)) as db:
        db.execute("CREATE TABLE logs (x)")
    for other, said in ((foreign, "no store of lmchat"), (tmp_path / "none", "no file"), (path, "the store itself")):
        with pytest.raises(StoreError, match=said):
            replace_store(path, other)
    assert titles(path) == ["present"]
    assert [each.name for each in path.parent.iterdir() if "restore" in each.name or "suspect" in each.name] == []


def test_a_newer_backup_is_refused(path: Path, tmp_path: Path) -> None:
    make(path, "present")
    backup = make(tmp_path / "backup.db", "future")
    with closing(sqlite3.connect(backup)) as db:
        db.execute("PRAGMA user_version = 1000000")
    with pytest.raises(StoreError, match="newer"):
        replace_store(path, backup)
    assert titles(path) == ["present"]


def test_what_cannot_be_put_in_place_is_put_back(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(path, "present")
    backup = make(tmp_path / "backup.db", "past")

    def refuse(*_: object) -> Path:
        raise PermissionError(13, "in use")

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(StoreError, match="in use"):
        replace_store(path, backup)
    monkeypatch.undo()
    assert titles(path) == ["present"]
