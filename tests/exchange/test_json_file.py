"""JSON: what is written comes back as it was, and what is not ours is refused in words."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings, strategies as st

from lmchat.exchange.json_file import VERSION, read_json, write_json
from lmchat.values.errors import LMStudioValueError
from lmchat.values.history import ConversationDocument
from tests.exchange.documents import FULL, document, documents, message


@given(st.lists(documents(), max_size=2))
@settings(deadline=None, max_examples=60)
def test_what_is_written_is_read_back(some: list[ConversationDocument]) -> None:
    imported = read_json(write_json(some))
    assert imported.documents == tuple(some)
    assert imported.notes == ()


@pytest.mark.parametrize("text", ["\ud83d", "\ude00", "\ud83d\ude00", "\udcff\udcfe", "\ud83d\ud83d\ude00", "\ud83d😀"])
def test_halves_of_characters_come_back(text: str) -> None:
    some = document(message(1, "user", text), title=text)
    assert read_json(write_json([some])).documents == (some,)


def test_half_a_character_leaves_the_file_readable_for_others() -> None:
    written = write_json([document(message(1, "user", "cut \ud83d"))])
    assert json.loads(written.decode("utf-8"))["conversations"][0]["messages"][0]["parts"][0]["text"] == "cut \ud83d"


def test_the_file_is_indented_json_of_a_version() -> None:
    written = write_json([FULL]).decode()
    assert written.startswith('{\n  "format": "lmchat-conversations",\n  "version": 1,\n')
    assert json.loads(written)["conversations"][0]["title"] == FULL.title


def test_fields_that_are_not_known_are_passed_over() -> None:
    content = json.loads(write_json([FULL]))
    content["later"] = 1
    content["conversations"][0]["messages"][0]["colour"] = "red"
    assert read_json(json.dumps(content).encode()).documents == (FULL,)


def test_a_newer_version_is_refused_with_advice() -> None:
    content = json.loads(write_json([FULL]))
    content |= {"version": VERSION + 1, "conversations": "something else"}
    with pytest.raises(LMStudioValueError, match=r"newer lmchat.*Update lmchat"):
        read_json(json.dumps(content).encode())


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"[]",
        b'{"version": 1}',
        b'{"version": 1, "format": "lmchat-conversations", "conversations": [{"title": NaN}]}',
        b'{"version": 1, "format": "lmchat-conversations", "conversations": [' + b"[" * 100_000,
        b'{"version": "\\ud83d"}',
        b'{"version": 1e999}',
        b'{"version": ' + b"9" * 5000 + b', "x": "\\udcff"}',
        b"\xff\xfe",
    ],
)
def test_what_is_no_such_file_is_refused(data: bytes) -> None:
    with pytest.raises(LMStudioValueError):
        read_json(data)
