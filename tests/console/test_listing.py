"""Listing, searching and showing conversations in a pipe."""

from __future__ import annotations

import json
from datetime import datetime

import pytest

from lmchat.exchange import Format, write
from tests.console.conftest import HOSTILE, Run, opened_store, put
from tests.exchange.documents import FULL, document, message

BREAD = document(
    message(1, "user", "What is sourdough?"),
    message(2, "assistant", "A bread of flour,\nwater and wild yeast.", parent=1),
    title="Bread",
)


def test_no_conversations(chats: Run) -> None:
    for arguments in ((), ("list",), ("list", "--deleted"), ("search", "x")):
        done = chats(*arguments)
        assert (done.code, done.data) == (0, b"")
        assert len(done.err.splitlines()) == 1
    assert chats("list", "--json").err == ""


def test_a_pipe_gets_fields_between_tabs(chats: Run) -> None:
    (bread,) = put(BREAD)
    done = chats()
    (number, time, messages, title, tags) = done.lines[0]
    assert (done.code, done.err) == (0, "")
    assert (number, messages, title, tags) == (str(bread.id), "2", "Bread", "one,two")
    assert datetime.fromisoformat(time).timestamp() == bread.updated_at


def test_titles_cannot_forge_lines_and_are_otherwise_as_they_were(chats: Run) -> None:
    put(document(message(1, "user", "x"), title=HOSTILE))
    (line,) = chats("list").lines
    assert line[3] == HOSTILE.replace("\t", " ").replace("\n", " ").replace("\udc80", "?")
    assert json.loads(chats("list", "--json").data)["title"] == HOSTILE


def test_lists_of_all_kinds(chats: Run) -> None:
    numbers = [each.id for each in put(*[document(message(1, "user", str(i)), title=str(i)) for i in range(230)])]
    with opened_store() as store:
        store.archive(numbers[0])
        store.delete_conversation(numbers[1])
        store.pin(numbers[2])
        store.set_tags(numbers[3], ["rare"])
    everything = [int(line[0]) for line in chats("list").lines]
    assert everything == [numbers[2], *reversed(numbers[3:])]
    assert [int(line[0]) for line in chats("list", "--limit", 101).lines] == everything[:101]
    assert [line[3] for line in chats("list", "--archived").lines] == ["0"]
    assert [line[3] for line in chats("list", "--deleted").lines] == ["1"]
    assert [line[3] for line in chats("list", "--tag", "rare").lines] == ["3"]
    assert chats("list", "--deleted", "--tag", "rare").lines == []
    assert [line[3] for line in chats("list", "--deleted", "--tag", "one").lines] == ["1"]


def test_what_is_found(chats: Run) -> None:
    bread, _ = put(BREAD, document(message(1, "user", "something else"), title="Other"))
    (line,) = chats("search", "wild", "yea").lines
    assert line[0] == str(bread.id)
    assert line[2:] == ["Bread", "A bread of flour, water and wild yeast."]
    hit = json.loads(chats("search", "wild yeast", "--json").data)
    text, marks = hit["snippet"]["text"], hit["snippet"]["marks"]
    assert text == "A bread of flour,\nwater and wild yeast."
    assert [text[first:last] for first, last in marks] == ["wild", "yeast"]
    assert hit["conversation"]["id"] == bread.id
    assert len(chats("search", "role:user").lines) == 2
    assert len(chats("search", "role:user", "--limit", 1).lines) == 1
    assert chats("search", '"yeast wild"').lines == []
    assert chats("search", "sourdough", "role:assistant").lines == []


def test_show_in_a_pipe_is_the_export(chats: Run) -> None:
    (full,) = put(FULL)
    exported = chats("export", full.id)
    shown = chats("show", full.id)
    assert shown.code == 0
    assert shown.data == exported.data == write([FULL], Format.MARKDOWN)
    assert chats("show", full.id, "--json").data == write([FULL], Format.JSON)


def test_show_only_the_shown_branch(chats: Run) -> None:
    (full,) = put(FULL)
    shown = json.loads(chats("show", full.id, "--branch", "--json").data)["conversations"][0]["messages"]
    assert [each["id"] for each in shown] == [1, 2, 3, 5]
    assert "Other versions" not in chats("show", full.id, "--branch").out


def test_the_tree_has_every_message_with_its_parent(chats: Run) -> None:
    (full,) = put(FULL)
    lines = chats("show", full.id, "--tree").lines
    parents = {each.id: each.parent_id for each in FULL.messages}
    assert {int(line[0]): int(line[1]) if line[1] else None for line in lines} == parents
    assert [line[0] for line in lines if line[4] == "shown"] == ["1", "2", "3", "5"]
    as_json = [json.loads(line) for line in chats("show", full.id, "--tree", "--json").out.splitlines()]
    assert {each["id"]: each["parent_id"] for each in as_json} == parents


@pytest.mark.parametrize("number", ["99", "0", "99999999999999999999999"])
def test_a_conversation_that_is_not_there(number: str, chats: Run) -> None:
    for command in ("show", "export"):
        done = chats(command, number)
        assert (done.code, done.data) == (1, b"")
        assert done.err.startswith("lmchat: There is no")
        assert len(done.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("show", "first"), "'first' is not a valid integer"),
        (("show",), "Missing argument"),
        (("show", "1", "--tree", "--branch"), "Give one of them"),
        (("list", "--archived", "--deleted"), "Give one of them"),
        (("list", "--limit", "0"), "0 is not in the range"),
        (("search",), "Missing argument"),
        (("search", " "), "nothing to look for"),
        (("export",), "Name conversations"),
        (("export", "1", "--all"), "Name conversations"),
        (("export", "--all"), "need a folder"),
        (("export", "1", "2", "-o", "x.md"), "holds one conversation"),
        (("export", "1", "--format", "pdf"), "'pdf' is not one of"),
        (("import",), "Name the files"),
        (("delete",), "Name conversations"),
        (("delete", "1", "--undo", "--purge"), "Give one of them"),
        (("delete", "1"), "Add --yes"),
        (("delete", "--purge"), "Add --yes"),
        (("restore",), "Missing argument"),
        (("nonsense",), "No such command 'nonsense'"),
    ],
)
def test_wrong_usage(arguments: tuple[str, ...], said: str, chats: Run) -> None:
    done = chats(*arguments)
    assert (done.code, done.data) == (2, b"")
    assert said in done.err.splitlines()[-1]


@pytest.mark.parametrize(
    "command", ["list", "search", "show", "export", "import", "delete", "backup", "restore", "path"]
)
def test_every_command_has_help(command: str, chats: Run) -> None:
    done = chats(command, "--help")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"Usage: lmchat chats {command} ")
    (line,) = [line for line in chats("--help").out.splitlines() if line.split()[:1] == [command]]
    assert not line.endswith("...")


def test_the_path(chats: Run) -> None:
    from lmchat.app import paths

    assert chats("path").out == f"{paths.store_file()}\n"
    assert not paths.store_file().exists()
