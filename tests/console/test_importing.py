"""Importing: of every format, file by file, what is here already, and LM Studio's own folder."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from lmchat.app import paths
from lmchat.exchange import Format, write
from tests.console.conftest import HOSTILE, Run, opened_store, put, titles
from tests.exchange.documents import FULL, document, message
from tests.exchange.foreign_files import CHATGPT, LLM_RESPONSES, LMSTUDIO, as_json, database


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """A file of every format."""
    contents = {
        "ours.json": write([FULL], Format.JSON),
        "ours.md": write([document(message(1, "user", "x"), title="Markdown")], Format.MARKDOWN),
        "studio": as_json(LMSTUDIO),
        "gpt": as_json([CHATGPT]),
    }
    for name, data in contents.items():
        (tmp_path / name).write_bytes(data)
    return [*(tmp_path / name for name in contents), database(tmp_path / "logs.db", LLM_RESPONSES)]


def test_files_of_all_formats_come_in(files: list[Path], chats: Run) -> None:
    before = [file.read_bytes() for file in files]
    done = chats("import", *files)
    assert (done.code, done.data) == (0, b"")
    assert all(str(file) in done.err for file in files)
    assert {"A title", "Markdown"} <= titles()
    assert len([*chats("list").lines, *chats("list", "--archived").lines]) == 5
    assert [file.read_bytes() for file in files] == before


def test_each_file_is_reported_on(files: list[Path], chats: Run) -> None:
    done = chats("import", "--json", *files)
    reports = [json.loads(line) for line in done.out.splitlines()]
    assert [each["file"] for each in reports] == [str(file) for file in files]
    assert [each["format"] for each in reports] == ["json", "markdown", "lmstudio", "chatgpt", "llm"]
    assert reports[0]["conversations"] == [{"id": 1, "title": "A title", "messages": 6}]
    assert all(each["error"] is None for each in reports)


def test_a_bad_file_does_not_stop_the_others(files: list[Path], chats: Run, tmp_path: Path) -> None:
    bad = [tmp_path / "empty", tmp_path / "broken", tmp_path / "none", tmp_path]
    bad[0].touch()
    bad[1].write_bytes(write([FULL], Format.JSON)[:400])
    done = chats("import", *bad, files[1])
    errors = [line for line in done.err.splitlines() if line.startswith("lmchat: ")]
    assert done.code == 1
    assert len(errors) == 4
    assert all(str(path) in error for path, error in zip(bad, errors, strict=True))
    assert titles() == {"Markdown"}
    as_json = chats("import", "--json", *bad)
    assert (as_json.code, as_json.err) == (1, "")
    assert all(json.loads(line)["error"] for line in as_json.out.splitlines())


def test_a_dry_run_changes_nothing(files: list[Path], chats: Run) -> None:
    done = chats("import", "--dry-run", *files)
    assert done.code == 0
    assert done.err.count("would be imported") == len(files)
    assert titles() == set()
    report = json.loads(chats("import", "--dry-run", "--json", files[0]).data)
    assert report["conversations"] == [{"id": None, "title": "A title", "messages": 6}]


def test_what_is_here_already_is_left_out_unless_it_is_wanted_again(files: list[Path], chats: Run) -> None:
    chats("import", *files)
    count = len(chats("list").lines)
    again = chats("import", "--json", *files)
    assert again.code == 0
    assert all(each["already"] and not each["conversations"] for each in map(json.loads, again.out.splitlines()))
    assert len(chats("list").lines) == count
    chats("import", "--again", *files)
    assert len(chats("list").lines) == 2 * count
    assert "; 1 here already" in chats("import", files[0]).err


def test_the_same_in_one_run_comes_in_once(files: list[Path], chats: Run) -> None:
    chats("import", files[0], files[0])
    assert len(chats("list").lines) == 1


def test_what_went_on_here_is_here_but_what_went_on_there_comes_in(chats: Run, tmp_path: Path) -> None:
    short = document(message(1, "user", "one"), title="talk")
    longer = document(*short.messages, message(2, "user", "two", parent=1), title="talk")
    path = tmp_path / "talk.json"
    put(longer)
    path.write_bytes(write([short], Format.JSON))
    assert json.loads(chats("import", "--json", path).data)["already"] == [1]
    chats("delete", "--purge", "--yes", 1)
    put(short)
    path.write_bytes(write([longer], Format.JSON))
    assert len(json.loads(chats("import", "--json", path).data)["conversations"]) == 1


def test_what_was_deleted_comes_in_again(files: list[Path], chats: Run) -> None:
    chats("import", files[0])
    chats("delete", "--yes", 1)
    assert json.loads(chats("import", "--json", files[0]).data)["already"] == []
    assert titles() == {"A title"}


def test_conversations_without_messages_are_left_out_and_said(chats: Run, tmp_path: Path) -> None:
    path = tmp_path / "empty.json"
    path.write_bytes(write([document(), FULL], Format.JSON))
    done = chats("import", path)
    assert "without messages (1)" in done.err
    assert len(chats("list").lines) == 1


def test_hostile_names_do_nothing(chats: Run, tmp_path: Path) -> None:
    path = tmp_path / "\x1b]0;evil\x07"
    try:
        path.write_bytes(write([document(message(1, "user", "x"), title=HOSTILE)], Format.JSON))
    except OSError:
        pytest.skip("this file system takes no such name")
    for _ in range(2):
        done = chats("import", path)
        assert "\x1b" not in done.err
        path.write_bytes(b"nonsense")


@pytest.mark.skipif(os.name != "posix", reason="names are text there")
def test_names_that_are_no_text(chats: Run, tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"caf\xe9.json")
    try:
        path.write_bytes(write([FULL], Format.JSON))
    except OSError:
        pytest.skip("this file system takes no such name")
    assert chats("import", path).code == 0
    assert chats("import", "--json", path).code == 0
    out = tmp_path / os.fsdecode(b"\xff")
    assert chats("export", 1, "-o", out).code == 0
    assert out.exists()


@pytest.mark.parametrize("pointer", [True, False])
def test_all_of_lm_studio(pointer: bool, chats: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    folder = (tmp_path / "elsewhere" if pointer else home / ".lmstudio") / "conversations"
    home.mkdir()
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(home))
    if pointer:
        (home / ".lmstudio-home-pointer").write_text(f"{tmp_path / 'elsewhere'}\n")
    nothing = chats("import", "--lm-studio")
    assert nothing.code == 1
    assert str(folder) in nothing.err
    (folder / "work").mkdir(parents=True)
    originals = {
        folder / "1700000000001.conversation.json": as_json({**LMSTUDIO, "name": "First"}),
        folder / "work" / "1700000000002.conversation.json": as_json({**LMSTUDIO, "name": "Second", "createdAt": 1}),
    }
    for path, data in originals.items():
        path.write_bytes(data)
    (folder / "other.json").write_text("{}")
    assert chats("import", "--lm-studio").code == 0
    assert titles() == {"First", "Second"}
    assert {path: path.read_bytes() for path in originals} == originals


def test_a_store_that_takes_nothing(files: list[Path], chats: Run) -> None:
    put(FULL)
    with opened_store(), closing(sqlite3.connect(paths.store_file(), isolation_level=None)) as db:
        db.execute("CREATE TRIGGER full BEFORE INSERT ON messages BEGIN SELECT RAISE(FAIL, 'full'); END")
    done = chats("import", files[1])
    assert done.code == 1
    assert "1 conversations could not be taken in" in done.err
    assert titles() == {"A title"}
