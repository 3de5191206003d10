"""Files: told apart by how they begin, read whatever they are of, and written as one of ours."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from lmchat.exchange import Format, files, read, sniff, write
from lmchat.values.chat import ToolCallRequest, ToolCallRequestData
from lmchat.values.errors import LMStudioError, LMStudioOSError, LMStudioValueError
from tests.exchange.documents import FULL, document, message
from tests.exchange.foreign_files import (
    CHATGPT,
    CHATGPT_TOOLS,
    LLM_OLDEST,
    LLM_RESPONSES,
    LLM_THREADS,
    LMSTUDIO,
    LMSTUDIO_BARE,
    LMSTUDIO_EARLY,
    LMSTUDIO_TOOLS,
    as_json,
    conversation,
    database,
    node,
    spoken,
    user,
    versions,
)  # fmt: skip

FOREIGN = [
    (Format.LMSTUDIO, as_json(LMSTUDIO)),
    (Format.LMSTUDIO, as_json(LMSTUDIO_TOOLS)),
    (Format.LMSTUDIO, as_json(LMSTUDIO_EARLY)),
    (Format.LMSTUDIO, as_json(LMSTUDIO_BARE)),
    (Format.CHATGPT, as_json([CHATGPT, CHATGPT_TOOLS])),
    (Format.CHATGPT, as_json(CHATGPT)),
    (Format.CHATGPT, b"\xef\xbb\xbf\n " + json.dumps([CHATGPT], indent=4).encode()),
]


@pytest.mark.parametrize(("format", "data"), FOREIGN)
def test_other_programs_files_are_known_and_read(format: Format, data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "misleading.md"
    path.write_bytes(data)
    assert sniff(data) is sniff(path) is format
    imported = read(path)
    assert imported.format is format
    assert all(each.messages for each in imported.documents)


@pytest.mark.parametrize("script", [LLM_OLDEST, LLM_RESPONSES, LLM_RESPONSES + LLM_THREADS])
def test_logs_of_llm_are_known_and_read(script: str, tmp_path: Path) -> None:
    imported = read(database(tmp_path / "logs.db", script))
    assert imported.format is Format.LLM
    assert imported.documents


@pytest.mark.parametrize("format", [Format.JSON, Format.MARKDOWN])
def test_ours_are_known_and_come_back(format: Format, tmp_path: Path) -> None:
    path = tmp_path / "export"
    path.write_bytes(write([FULL], format))
    assert sniff(path) is format
    assert read(path).documents == (FULL,)


def test_what_was_imported_can_be_exported_and_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for _, data in FOREIGN:
        path.write_bytes(data)
        documents = read(path).documents
        path.write_bytes(write(documents, Format.JSON))
        assert read(path).documents == documents
        for each in documents:
            path.write_bytes(write([each], Format.MARKDOWN))
            assert read(path).documents == (each,)
            assert write([each], Format.HTML)


def test_a_message_that_quotes_another_format_misleads_nobody() -> None:
    quoting = {
        **LMSTUDIO,
        "name": '{"mapping": {}}',
        "messages": [versions(user('{"mapping": {}, "current_node": 1}'))],
    }
    assert sniff(as_json(quoting)) is Format.LMSTUDIO
    asked = conversation(node("q", None, [], spoken("user", '"versions": [], "lastUsedModel": {}')), current="q")
    assert sniff(as_json([asked])) is Format.CHATGPT


@pytest.mark.parametrize(
    ("data", "advice"),
    [
        (b"", "backup"),
        (b"\x00" * 4096, "backup"),
        (b"PK\x03\x04rest", "Unpack"),
        (b"<!DOCTYPE html>\n<html>", "JSON or Markdown"),
        (b"# Notes\n\ntext", "can be imported"),
        (b"---\ntitle: a blog\n---\n", "can be imported"),
        (b'{"openapi": "3.1"}', "can be imported"),
        (b"[1, 2, 3]", "can be imported"),
        (b"\xff\xfe\x00\x01", "can be imported"),
    ],
)
def test_a_file_that_is_none_of_them_is_refused_with_advice(data: bytes, advice: str, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(data)
    with pytest.raises(LMStudioValueError, match=advice):
        read(path)


def test_a_file_that_is_not_there_or_no_file_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(LMStudioOSError, match=r"none|file"):
            read(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(LMStudioOSError, match="not a file"):
        read(tmp_path / "pipe")


def test_a_file_that_is_too_large_is_refused_before_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "large.json"
    path.write_bytes(write([FULL], Format.JSON))
    monkeypatch.setattr(files, "LARGEST_FILE", 1 << 10)
    with pytest.raises(LMStudioValueError, match="most that is read"):
        read(path)


def test_formats_that_are_only_read_are_not_written() -> None:
    for format in (Format.LMSTUDIO, Format.CHATGPT, Format.LLM):
        with pytest.raises(LMStudioValueError, match="only read"):
            write([FULL], format)


def test_markdown_holds_one_conversation() -> None:
    for documents in ([], [FULL, FULL]):
        with pytest.raises(LMStudioValueError, match="holds one conversation"):
            write(documents, Format.MARKDOWN)


@pytest.mark.parametrize("format", [Format.JSON, Format.MARKDOWN, Format.HTML])
def test_what_is_nested_too_deeply_is_refused_in_words(format: Format) -> None:
    deep: dict[str, object] = {}
    for _ in range(100_000):
        deep = {"a": deep}
    call = ToolCallRequestData(ToolCallRequest(name="f", arguments=deep))
    with pytest.raises(LMStudioError, match="nested too deeply"):
        write([document(message(1, "assistant", call))], format)
