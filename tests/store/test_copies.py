"""Backups, what is taken back from them, and what is saved from a damaged file."""

from __future__ import annotations

import os
import random
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from lmchat.store.store import Store
from lmchat.values.chat import TextData
from lmchat.values.errors import StoreError
from lmchat.values.history import Salvaged
from lmchat.values.search import parse_query
from tests.store.test_search import origin, talk

from .conftest import StartProgram


def everything(store: Store) -> list[object]:
    return [
        (found.title, found.tags, found.created_at, [message.text for message in store.branch(found.id)])
        for found in store.conversations()
    ]


def test_a_backup_is_the_whole_store_of_one_moment(store: Store, tmp_path: Path) -> None:
    number, _ = talk(store, "One", "apple", "pie")
    store.set_tags(number, ["a"])
    store.save_draft(None, "draft")
    answer = store.begin_answer(number, parent_id=None, provenance=origin("one"))
    store.append_to_answer(answer, [TextData("so far")])
    copy = tmp_path / "backup.db"
    store.backup(copy)
    if os.name == "posix":
        assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert [file.name for file in tmp_path.iterdir() if file.is_file()] == ["backup.db"]
    opened = Store.open(copy)
    assert opened.notice is None
    assert everything(opened) == everything(store)
    assert opened.draft(None) == "draft"
    assert [hit.conversation.id for hit in opened.search(parse_query("apple"))] == [number]
    assert opened.recover() == [answer]
    opened.close()
    store.append_to_answer(answer, [TextData(" and more")])


def test_a_backup_overwrites_nothing(store: Store, tmp_path: Path) -> None:
    copy = tmp_path / "backup.db"
    copy.write_text("mine")
    with pytest.raises(StoreError, match="already"):
        store.backup(copy)
    assert copy.read_text() == "mine"
    with pytest.raises(StoreError):
        store.backup(tmp_path / "no folder" / "backup.db")


def test_a_backup_can_be_made_while_another_program_writes(
    path: Path, store: Store, start_program: StartProgram, tmp_path: Path
) -> None:
    program = start_program("""
store = Store.open(path)
talk = store.create_conversation()
print("ready", flush=True)
parent = None
for number in range(400):
    parent = store.add_message(talk.id, parent_id=parent, role="user", parts=(TextData(str(number)),)).id
store.close()
""")
    assert program.stdout is not None
    assert program.stdout.readline() == "ready\n"
    copies: list[Path] = []
    while program.poll() is None and len(copies) < 20:
        copies.append(tmp_path / f"{len(copies)}.db")
        store.backup(copies[-1])
    program.communicate()
    assert program.returncode == 0
    for copy in copies:
        opened = Store.open(copy)
        texts = [message.text for message in opened.branch(1)]
        assert texts == [str(number) for number in range(len(texts))]
        opened.close()


def test_what_is_gone_comes_back_from_a_backup_and_what_is_here_stays(store: Store, tmp_path: Path) -> None:
    kept, _ = talk(store, "Kept", "apple")
    lost, _ = talk(store, "Lost", "banana", "bread")
    store.set_tags(lost, ["a"])
    copy = tmp_path / "backup.db"
    store.backup(copy)
    before = everything(store)
    store.rename_conversation(kept, "Kept on")
    store.add_message(kept, parent_id=None, role="user", parts=(TextData("newer"),))
    store.delete_conversation(lost)
    assert store.restore(copy) == Salvaged(0, 0)
    store.purge(days=0)
    assert store.restore(copy) == Salvaged(1, 2)
    assert [found.title for found in store.conversations()] == ["Kept on", "Lost"]
    assert everything(store)[1] == before[0]
    assert [hit.conversation.title for hit in store.search(parse_query("banana"))] == ["Lost"]
    assert store.restore(copy) == Salvaged(0, 0)
    assert len(store.conversations()) == 2


def test_restoring_from_what_is_no_store_is_said(store: Store, tmp_path: Path) -> None:
    with pytest.raises(StoreError):
        store.restore(tmp_path / "nothing.db")
    (tmp_path / "notes.txt").write_text("My notes\n" * 1000)
    with pytest.raises(StoreError):
        store.restore(tmp_path / "notes.txt")
    assert (tmp_path / "notes.txt").read_text() == "My notes\n" * 1000
    assert not (tmp_path / "nothing.db").exists()


@pytest.mark.parametrize("seed", range(6))
def test_what_is_saved_from_a_damaged_file_is_as_it_was(path: Path, seed: int) -> None:
    store = Store.open(path)
    for count in range(30):
        number, _ = talk(store, f"Talk {count}", *(f"{count} {turn} " + "word " * 300 for turn in range(10)))
        store.set_tags(number, [f"tag{count}"])
    before = {found.id: [m.text for m in store.branch(found.id)] for found in store.conversations()}
    store.close()
    content = bytearray(path.read_bytes())
    dice = random.Random(seed)
    for _ in range(8):
        page = dice.randrange(40, len(content) // 4096)
        content[page * 4096 : page * 4096 + 4096] = dice.randbytes(4096)
    path.write_bytes(content)
    path.with_name("chats.db.suspect").touch()

    store = Store.open(path)
    assert store.notice is not None
    saved = 0
    for found in store.conversations(limit=1000):
        texts = [message.text for message in store.branch(found.id)]
        saved += len(texts)
        # Of each conversation what is there is in order; a page of random bytes may lie in the middle of a text.
        turns = [int(text.split()[1]) for text in texts if text in before.get(found.id, ())]
        assert turns == sorted(turns)
    assert saved > 200
    store.import_conversation(store.export_conversation(store.conversations()[0].id))
    with store._database.reading() as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []
    store.close()


def test_messages_without_their_conversation_and_parents_are_saved(store: Store, path: Path, tmp_path: Path) -> None:
    _one, ids = talk(store, "One", "a", "b", "c", "d")
    two, _ = talk(store, "Two", "e", "f")
    store.close()
    damaged = tmp_path / "damaged.db"
    path.rename(damaged)
    with closing(sqlite3.connect(damaged, isolation_level=None)) as db:
        db.execute("DELETE FROM messages WHERE id IN (?, ?)", (ids[1], ids[3]))
        db.execute("DELETE FROM conversations WHERE id = ?", (two,))
        db.execute("UPDATE messages SET stats = '?', provenance = '[', role = 'ghost' WHERE id = ?", (ids[2],))
        db.execute("UPDATE messages SET parts = 'not JSON' WHERE id = ?", (ids[0],))
    fresh = Store.open(path)
    assert fresh.restore(damaged) == Salvaged(1, 4)
    assert {found.title: [m.text for m in fresh.branch(found.id)] for found in fresh.conversations()} == {
        "One": ["not JSON", "c"],
        "Recovered": ["e", "f"],
    }
    fresh.close()
