"""The file itself: whose it is, what happens when it is damaged, and when it cannot be written."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from lmchat.store.store import Store
from lmchat.values.chat import TextData
from lmchat.values.errors import StoreError
from lmchat.values.history import Provenance

from .conftest import StartProgram

HERE = Provenance(server="here")
posix_only = pytest.mark.skipif(os.name != "posix", reason="Windows has no modes")


def fill(store: Store, messages: int = 200) -> int:
    """A conversation of some hundred kilobytes; its id."""
    talk = store.create_conversation("Long")
    parent = None
    for _ in range(messages):
        parent = store.add_message(talk.id, parent_id=parent, role="user", parts=(TextData("word " * 200),)).id
    return talk.id


def kept_aside(path: Path) -> list[Path]:
    return sorted(path.parent.glob("chats.db.corrupt-*"))


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


@posix_only
@pytest.mark.parametrize("mask", [0o000, 0o277])
def test_files_and_folders_are_the_user_s_alone(path: Path, mask: int) -> None:
    with umask(mask):
        store = Store.open(path)
        talk = store.create_conversation()
        answer = store.begin_answer(talk.id, parent_id=None, provenance=HERE)
        store.append_to_answer(answer, [TextData("Hello")])
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.rglob("*")}
    assert {"chats.db", "chats.db-wal", "chats.db-shm", "locks"} < set(modes)
    assert modes.pop("locks") == stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert set(modes.values()) == {0o600}
    store.close()


@posix_only
def test_a_file_that_others_could_read_is_closed_to_them_and_a_folder_is_left_alone(path: Path) -> None:
    path.parent.mkdir(mode=0o755)
    Store.open(path).close()
    path.chmod(0o644)
    Store.open(path).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o755


@pytest.mark.parametrize("damage", ["no database", "pages lost", "cut short"])
def test_a_damaged_file_is_kept_aside_and_a_new_one_begun(path: Path, damage: str) -> None:
    store = Store.open(path)
    fill(store)
    store.close()
    whole = path.read_bytes()
    broken = {
        "no database": b"My notes\n" * 1000,
        "pages lost": whole[:100] + b"\xff" * (len(whole) - 100),
        "cut short": whole[: len(whole) // 100],
    }[damage]
    path.write_bytes(broken)

    store = Store.open(path)
    (kept,) = kept_aside(path)
    assert kept.read_bytes() == broken
    assert store.notice is not None
    assert str(kept) in store.notice
    assert store.conversations() == []
    fill(store, 1)
    store.close()
    again = Store.open(path)
    assert again.notice is None
    assert len(again.conversations()) == 1
    again.close()


def test_damage_in_two_starts_of_one_second_keeps_both_files(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.strftime", lambda form: "20260101-000000")
    path.parent.mkdir()
    for content in (b"one" * 1000, b"two" * 1000, b"three" * 1000):
        path.write_bytes(content)
        Store.open(path).close()
    assert [kept.read_bytes()[:3] for kept in kept_aside(path)] == [b"one", b"two", b"thr"]


def test_a_log_whose_file_was_emptied_is_kept_with_it(path: Path, start_program: StartProgram) -> None:
    program = start_program(
        "Store.open(path).create_conversation('x'); print('ready', flush=True); sys.stdin.readline()"
    )
    assert program.stdout is not None
    assert program.stdout.readline() == "ready\n"
    program.kill()
    program.wait()
    log = path.with_name("chats.db-wal").read_bytes()
    assert log
    path.write_bytes(b"")

    store = Store.open(path)
    assert store.notice is not None
    file = next(kept for kept in kept_aside(path) if kept.name[-4:] not in ("-wal", "-shm"))
    assert file.with_name(f"{file.name}-wal").read_bytes() == log
    assert file.read_bytes() == b""
    assert store.conversations() == []
    store.close()


def test_damage_met_later_is_said_and_looked_into_at_the_next_start(path: Path) -> None:
    store = Store.open(path)
    number = fill(store)
    store.create_conversation("Last")
    store.close()
    content = bytearray(path.read_bytes())
    # Behind what describes the tables.
    for place in range(len(content) // 2, len(content) * 3 // 4):
        content[place] = 0xFF
    path.write_bytes(content)

    store = Store.open(path)
    assert store.notice is None
    with pytest.raises(StoreError, match="damaged"):
        store.branch(number)
    store.close()

    store = Store.open(path)
    (kept,) = kept_aside(path)
    assert store.notice is not None
    assert kept.read_bytes() == content
    # What is not damaged is still there, in order.
    (talk,) = (found for found in store.conversations() if found.id == number)
    assert 40 < talk.message_count < 200
    saved = store.branch(number)
    assert len(saved) == talk.message_count
    assert all(message.text == "word " * 200 for message in saved)
    assert f"{talk.message_count} messages" in store.notice
    fill(store, 1)
    store.close()
    assert not list(path.parent.glob("*.suspect"))
    assert not list(path.parent.glob("salvage-*"))


def test_a_whole_file_under_suspicion_is_cleared(path: Path) -> None:
    store = Store.open(path)
    fill(store, 3)
    store.close()
    mark = path.with_name("chats.db.suspect")
    mark.touch()
    store = Store.open(path)
    assert store.notice is None
    assert len(store.conversations()) == 1
    assert not mark.exists()
    store.close()


def test_a_full_disk_is_said_and_loses_nothing_kept_before(path: Path, store: Store) -> None:
    talk = store.create_conversation()
    answer = store.begin_answer(talk.id, parent_id=None, provenance=HERE)
    with store._database.reading() as db:
        pages = db.execute("PRAGMA page_count").fetchone()[0]
        db.execute(f"PRAGMA max_page_count = {pages + 5}")
    written = 0
    with pytest.raises(StoreError, match="disk is full"):
        for _ in range(100):
            store.append_to_answer(answer, [TextData("x" * 1000)])
            written += 1
    assert written
    assert store.branch(talk.id)[-1].text == "x" * 1000 * written
    with store._database.reading() as db:
        db.execute(f"PRAGMA max_page_count = {pages + 500}")
    store.append_to_answer(answer, [TextData("y")])
    assert store.branch(talk.id)[-1].text.endswith("xy")


@posix_only
def test_a_file_that_may_not_grow_is_said_and_loses_nothing_kept_before(
    path: Path, start_program: StartProgram
) -> None:
    program = start_program("""
import resource
store = Store.open(path)
talk = store.create_conversation()
answer = store.begin_answer(talk.id, parent_id=None, provenance=Provenance(server="here"))
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
written = 0
try:
    while written < 1000:
        store.append_to_answer(answer, [TextData("x" * 1000)])
        written += 1
except StoreError as error:
    print(written, error, flush=True)
""")
    said, _ = program.communicate()
    written, words = said.split(maxsplit=1)
    assert 0 < int(written) < 1000
    assert "disk" in words
    store = Store.open(path)
    assert len(store.recover()) == 1
    assert store.branch(1)[-1].text == "x" * 1000 * int(written)
    store.close()


def test_a_locked_file_is_said(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Store.open(path).close()
    monkeypatch.setattr("lmchat.store.database._BUSY_SECONDS", 0.05)
    store = Store.open(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="locked"):
            store.create_conversation()
        assert store.conversations() == []
    store.create_conversation()
    store.close()


def test_a_file_that_cannot_be_written_is_said(store: Store) -> None:
    with store._database.reading() as db:
        db.execute("PRAGMA query_only = ON")
    with pytest.raises(StoreError, match="LMCHAT_DATA_DIR"):
        store.create_conversation()


def test_a_place_where_no_folder_can_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="LMCHAT_DATA_DIR"):
        Store.open(tmp_path / "file" / "data" / "chats.db")


def test_a_folder_in_the_place_of_the_file_is_said(path: Path) -> None:
    path.mkdir(parents=True)
    with pytest.raises(StoreError, match="LMCHAT_DATA_DIR"):
        Store.open(path)
    assert path.is_dir()


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_is_said(path: Path) -> None:
    path.parent.mkdir(mode=0o500)
    with pytest.raises(StoreError, match="LMCHAT_DATA_DIR"):
        Store.open(path)


@posix_only
def test_a_link_to_the_file_is_the_file(path: Path, tmp_path: Path) -> None:
    store = Store.open(path)
    fill(store, 1)
    store.close()
    link = tmp_path / "link.db"
    link.symlink_to(path)
    store = Store.open(link)
    assert len(store.conversations()) == 1
    store.close()
    assert not (tmp_path / "locks").exists()
