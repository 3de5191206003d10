"""Exporting to files: which format and where, names that every system takes, and files that are whole or not there."""

from __future__ import annotations

import json
import os
import stat
import sys
from pathlib import Path

import pytest
from hypothesis import given

from lmchat.app.files import file_name
from lmchat.exchange import Format, read
from lmchat.values.history import ConversationDocument, ConversationSummary
from tests.console.conftest import HOSTILE, Run, put
from tests.exchange.documents import FULL, TEXT, document, message

_DEVICES = {"con", "prn", "aux", "nul", *(f"{name}{number}" for name in ("com", "lpt") for number in range(1, 10))}


def summary(title: str, number: int = 7, created_at: float = 1.7e9) -> ConversationSummary:
    return ConversationSummary(id=number, title=title, created_at=created_at, updated_at=0.0, message_count=1)


def without_ids(document: ConversationDocument) -> tuple[object, ...]:
    """A document with messages known by their places in it."""
    places = {each.id: place for place, each in enumerate(document.messages)}
    messages = [
        (each.parent_id if each.parent_id is None else places[each.parent_id], each.role, each.parts, each.stats)
        for each in document.messages
    ]
    leaf = len(messages) - 1 if document.leaf_id is None else places[document.leaf_id]
    return document.title, document.created_at, document.updated_at, document.tags, leaf, messages


def small(title: str) -> ConversationDocument:
    return document(message(1, "user", title), title=title)


# Names


@given(TEXT)
def test_a_name_is_one_that_every_system_takes(title: str) -> None:
    name = file_name(summary(title), ".html")
    stem = name.removesuffix(".html")
    assert len(name.encode()) <= 143
    assert name.isprintable()
    assert not set('<>:"/\\|?*') & set(name)
    assert name.endswith("(7).html")
    assert name[0].isalnum()
    assert stem.split(".")[0].strip().lower() not in _DEVICES


def test_a_name_has_the_day_and_the_title() -> None:
    name = file_name(summary("Why is the sky blue?"), ".md")
    assert name.startswith("2023-11-1")
    assert name.endswith(" Why is the sky blue (7).md")
    assert file_name(summary("con", created_at=1e300), ".md") == "undated con (7).md"
    assert file_name(summary(""), ".md").endswith(" (7).md")
    assert file_name(summary("../../etc/passwd"), ".md").endswith(" etc passwd (7).md")


# Where to


@pytest.mark.parametrize(
    ("name", "options", "format"),
    [
        ("a.md", (), Format.MARKDOWN),
        ("a.JSON", (), Format.JSON),
        ("a.txt", (), Format.MARKDOWN),
        ("a.md", ("--format", "json"), Format.JSON),
    ],
)
def test_a_file_is_in_the_format_of_its_suffix(
    name: str, options: tuple[str, ...], format: Format, chats: Run, tmp_path: Path
) -> None:
    (full,) = put(FULL)
    path = tmp_path / name
    done = chats("export", full.id, "-o", path, *options)
    assert (done.code, done.data) == (0, b"")
    assert str(path) in done.err
    imported = read(path)
    assert imported.format is format
    assert imported.documents == (FULL,)
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_several_as_json_are_one_file_or_standard_output(chats: Run, tmp_path: Path) -> None:
    put(FULL, small("two"))
    done = chats("export", "--all", "--format", "json")
    assert len(json.loads(done.data)["conversations"]) == 2
    assert chats("export", "--all", "-o", tmp_path / "a.json").code == 0
    assert (tmp_path / "a.json").read_bytes() == done.data
    assert chats("export", 1, 2, 1, "--format", "json").data.count(b'"title"') == 2


def test_several_in_html_are_one_page_where_one_is_named(chats: Run, tmp_path: Path) -> None:
    put(small("Number one"), small("Number two"))
    assert chats("export", "--all", "-o", tmp_path / "all.html").code == 0
    page = (tmp_path / "all.html").read_text(encoding="utf-8")
    assert "Number one" in page
    assert "Number two" in page


@pytest.mark.parametrize(("format", "suffix"), [("markdown", ".md"), ("html", ".html")])
def test_several_go_to_a_folder_one_file_each(format: str, suffix: str, chats: Run, tmp_path: Path) -> None:
    put(small("same"), small("same"), small("Same"), small(HOSTILE), small("x" * 1000), small(""))
    folder = tmp_path / "new" / "folder"
    done = chats("export", "--all", "--format", format, "-o", folder)
    files = list(folder.iterdir())
    assert done.code == 0
    assert len({file.name.lower() for file in files}) == 6
    assert {file.suffix for file in files} == {suffix}
    if os.name == "posix":
        assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


def test_a_folder_that_is_there_takes_json_too(chats: Run, tmp_path: Path) -> None:
    put(small("one"), small("two"))
    folder = tmp_path / "folder"
    folder.mkdir()
    assert chats("export", "--all", "--format", "json", "-o", folder).code == 0
    assert {read(file).documents[0].title for file in folder.iterdir()} == {"one", "two"}


# Whole or not at all


def test_nothing_is_overwritten_without_force(chats: Run, tmp_path: Path) -> None:
    put(small("one"), small("two"))
    path = tmp_path / "chat.md"
    path.write_text("mine")
    refused = chats("export", 1, "-o", path)
    assert (refused.code, path.read_text()) == (1, "mine")
    assert "--force" in refused.err
    assert chats("export", 1, "-o", path, "--force").code == 0
    assert read(path).documents[0].title == "one"
    assert chats("export", 1, "-o", tmp_path / "folder" / "..").code == 1
    folder = tmp_path / "new"
    assert chats("export", 1, 2, "-o", folder).code == 0
    before = {file: file.stat().st_ino for file in folder.iterdir()}
    again = chats("export", 1, 2, "-o", folder)
    assert again.code == 1
    assert "2 are there already" in again.err
    assert {file: file.stat().st_ino for file in folder.iterdir()} == before
    assert chats("export", 1, 2, "-o", folder, "--force").code == 0


def test_what_is_no_file_is_never_replaced(chats: Run, tmp_path: Path) -> None:
    put(small("one"))
    if sys.platform != "win32":
        os.mkfifo(tmp_path / "pipe.md")
        done = chats("export", 1, "-o", tmp_path / "pipe.md", "--force")
        assert done.code == 1
        assert "not a file" in done.err
        assert (tmp_path / "pipe.md").is_fifo()
    (tmp_path / "dangling.md").symlink_to(tmp_path / "nowhere")
    assert chats("export", 1, "-o", tmp_path / "dangling.md").code == 1
    assert not (tmp_path / "nowhere").exists()


def test_a_place_that_cannot_be_written(chats: Run, tmp_path: Path) -> None:
    put(small("one"), small("two"))
    (tmp_path / "file").touch()
    for arguments in ((1, "-o", tmp_path / "none" / "a.md"), ("--all", "-o", tmp_path / "file" / "folder")):
        done = chats("export", *arguments)
        assert done.code == 1
        assert len(done.err.splitlines()) == 1
    assert [each.name for each in tmp_path.iterdir() if each.is_file()] == ["file"]


def test_an_export_that_fails_leaves_no_file(chats: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(small("one"))
    folder = tmp_path / "out"
    folder.mkdir()

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    done = chats("export", 1, "-o", folder / "a.md")
    assert done.code == 1
    assert "No space left" in done.err
    assert list(folder.iterdir()) == []


# There and back


@pytest.mark.parametrize("format", ["json", "markdown"])
def test_what_was_exported_and_imported_is_exported_as_it_was(
    format: str, chats: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (full,) = put(FULL)
    first, second = tmp_path / "first", tmp_path / "second"
    chats("export", full.id, "--format", format, "-o", first)
    monkeypatch.setenv("LMCHAT_DATA_DIR", str(tmp_path / "elsewhere"))
    assert chats("import", first).code == 0
    chats("export", 1, "--format", format, "-o", second)
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize("format", ["json", "markdown"])
def test_a_whole_library_goes_there_and_back(
    format: str, chats: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    documents = [FULL, small(HOSTILE), small("x\r\ny"), document(message(1, "user", "\ud83d \x00\x1b[31m"), title="s")]
    put(*documents)
    (tmp_path / "out").mkdir()
    assert chats("export", "--all", "--format", format, "-o", tmp_path / "out").code == 0
    monkeypatch.setenv("LMCHAT_DATA_DIR", str(tmp_path / "elsewhere"))
    assert chats("import", *(tmp_path / "out").iterdir()).code == 0
    assert chats("export", "--all", "-o", tmp_path / "again.json").code == 0
    came_back = sorted(map(repr, map(without_ids, read(tmp_path / "again.json").documents)))
    assert came_back == sorted(map(repr, map(without_ids, documents)))
