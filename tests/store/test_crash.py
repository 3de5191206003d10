"""Killed and out of room at any moment: what a call had returned from is there, and nothing is half done."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from lmchat.store.store import Store
from lmchat.values.chat import TextData
from lmchat.values.errors import StoreError
from lmchat.values.history import Provenance
from lmchat.values.prediction import LlmPredictionStats
from lmchat.values.search import parse_query

from .conftest import StartProgram

HERE = Provenance(server="here")
DONE = LlmPredictionStats(stop_reason="eosFound")
WRITING = """
from lmchat.values.search import parse_query
store = Store.open(path)
store.recover()
done = LlmPredictionStats(stop_reason="eosFound")
here = Provenance(server="here")
talk = store.create_conversation("Talk")
print("talk", talk.id, flush=True)
parent = None
for number in range(10_000):
    parent = store.add_message(talk.id, parent_id=parent, role="user", parts=(TextData(f"asked{number}"),)).id
    print("said", parent, flush=True)
    parent = store.begin_answer(talk.id, parent_id=parent, provenance=here)
    store.append_to_answer(parent, [TextData(f"answered{number}")])
    print("came", parent, flush=True)
    store.finish_answer(parent, parts=(TextData(f"answered{number}"),), stats=done, provenance=here)
    if number % 3 == 0:
        store.search(parse_query("asked"))
    if number % 4 == 0:
        store.delete_message(store.add_message(talk.id, parent_id=parent, role="user", parts=()).id)
    store.set_tags(talk.id, [str(number)])
    print("tagged", number, flush=True)
"""


def test_a_killed_writer_loses_nothing_that_it_had_written(path: Path, start_program: StartProgram) -> None:
    dice = random.Random(7)
    expected: dict[int, list[int]] = {}
    for _ in range(30):
        program = start_program(WRITING)
        assert program.stdout is not None
        assert program.stdout.readline().startswith("talk")
        said = "".join(program.stdout.readline() for _ in range(dice.randrange(40)))
        program.kill()
        said += program.communicate()[0]
        # Of the last line only a part may have come.
        lines = [line.split() for line in said.split("\n")[:-1]]
        expected[len(expected) + 1] = [int(number) for what, number in lines if what in ("said", "came")]
    store = Store.open(path)
    assert store.notice is None
    store.recover()
    with store._database.reading() as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []
        assert db.execute("SELECT count(*) FROM journal").fetchone() == (0,)
    assert [found.id for found in store.conversations()][::-1] == list(expected)
    for talk, numbers in expected.items():
        messages = {message.id: message for message in store.messages(numbers)}
        branch = [outline.id for outline in store.outline(talk)]
        assert branch[: len(numbers)] == numbers
        for place, number in enumerate(numbers):
            assert messages[number].text == f"{'answered' if place % 2 else 'asked'}{place // 2}"
    assert sum(map(len, expected.values())) > 30
    asked = {hit.message_id for hit in store.search(parse_query("asked"), limit=100_000)}
    assert {number for numbers in expected.values() for number in numbers[::2]} <= asked
    store.close()


CHANGES: dict[str, Callable[[Store, int, int], object]] = {
    "create": lambda store, talk, message: store.create_conversation("x" * 20_000),
    "say": lambda store, talk, message: store.add_message(
        talk, parent_id=message, role="user", parts=(TextData("x" * 20_000),)
    ),
    "begin": lambda store, talk, message: [
        store.begin_answer(talk, parent_id=message, provenance=Provenance(server="x" * 3_000)) for _ in range(9)
    ],
    "fork": lambda store, talk, message: store.fork(talk, message),
    "import": lambda store, talk, message: store.import_conversation(store.export_conversation(talk)),
    "tag": lambda store, talk, message: store.set_tags(talk, ["x" * 20_000]),
    "rename": lambda store, talk, message: store.rename_conversation(talk, "x" * 20_000),
    "draft": lambda store, talk, message: store.save_draft(talk, "x" * 20_000),
    "index": lambda store, talk, message: store.index_more(),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_full_disk_leaves_nothing_half_done(store: Store, change: str) -> None:
    talk = store.create_conversation("Talk").id
    message = store.add_message(talk, parent_id=None, role="user", parts=(TextData("word " * 4_000),)).id
    with store._database.reading() as db:
        db.execute(f"PRAGMA max_page_count = {db.execute('PRAGMA page_count').fetchone()[0] + 1}")
        before = list(db.iterdump()) if change != "begin" else None
    with pytest.raises(StoreError, match="disk is full"):
        CHANGES[change](store, talk, message)
    with store._database.reading() as db:
        assert before is None or list(db.iterdump()) == before
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        db.execute("PRAGMA max_page_count = 100000")
    CHANGES[change](store, talk, message)


def test_a_full_disk_while_a_backup_is_made_leaves_no_file(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.create_conversation("Talk")
    connect = sqlite3.connect

    def tiny(path: Path, **options: None) -> sqlite3.Connection:
        connection = connect(path, isolation_level=None)
        connection.execute("PRAGMA max_page_count = 2")
        return connection

    monkeypatch.setattr("lmchat.store.copies.sqlite3.connect", tiny)
    copy = tmp_path / "backup.db"
    with pytest.raises(StoreError, match="disk is full"):
        store.backup(copy)
    assert not copy.exists()
    monkeypatch.undo()
    store.backup(copy)
    with closing(connect(copy)) as db:
        assert db.execute("SELECT title FROM conversations").fetchall() == [("Talk",)]
