"""Whatever a file holds, there is a document or an error in words, and soon."""

from __future__ import annotations

import contextlib
import copy
import json
import sqlite3
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from lmchat.exchange import Format, Imported, read, write
from lmchat.exchange.json_file import write_json
from lmchat.exchange.markdown import write_markdown
from lmchat.exchange.tree import mended
from lmchat.values.errors import LMStudioError
from tests.exchange.documents import FULL
from tests.exchange.foreign_files import (
    CHATGPT,
    CHATGPT_TOOLS,
    LLM_OLDEST,
    LLM_RESPONSES,
    LLM_THREADS,
    LMSTUDIO,
    LMSTUDIO_EARLY,
    LMSTUDIO_TOOLS,
    as_json,
    database,
)  # fmt: skip

SHAPES: dict[str, Any] = {
    "ours": json.loads(write_json([FULL])),
    "lmstudio": LMSTUDIO,
    "lmstudio tools": LMSTUDIO_TOOLS,
    "lmstudio early": LMSTUDIO_EARLY,
    "chatgpt": [CHATGPT, CHATGPT_TOOLS],
}
MARKDOWN = write_markdown(FULL)
JUNK: st.SearchStrategy[Any] = st.sampled_from(
    [
        None, True, False, 0, 1, 2, -1, 10**400, -(10**20), 2**63, 0.5, 1e308, -1e308, "", "x", "1", "root", "call",
        "\x00", "\ud83d", [], {}, [[]], [None], ["q", "q"], {"": None}, {"type": []}, {"text": 1}, {"parts": {"a": 1}},
    ]
).map(copy.deepcopy)  # fmt: skip


def mutate(draw: st.DrawFn, value: Any) -> Any:
    """A value in one place of which something else stands, or nothing, or the same twice."""
    if isinstance(value, dict | list) and value and draw(st.integers(0, 9)):
        key = draw(st.sampled_from(list(value) if isinstance(value, dict) else range(len(value))))
        match draw(st.integers(0, 12)):
            case 0:
                del value[key]
            case 1 if isinstance(value, list):
                value.append(copy.deepcopy(value[key]))
            case 1 if isinstance(value, dict):
                other = draw(st.sampled_from(list(value)))
                value[key], value[other] = value[other], value[key]
            case _:
                value[key] = mutate(draw, value[key])
        return value
    return draw(JUNK)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A file of some shape with a few things wrong in it."""
    value = copy.deepcopy(SHAPES[draw(st.sampled_from(sorted(SHAPES)))])
    for _ in range(draw(st.integers(1, 6))):
        value = mutate(draw, value)
    return as_json(value)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A file that was cut, or has other bytes in places."""
    data = draw(st.sampled_from([MARKDOWN, *map(as_json, SHAPES.values())]))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(data)))
        data = data[:at] + draw(st.binary(max_size=3)) + data[at + draw(st.integers(0, 5)) :]
    return data[: draw(st.integers(0, len(data)))] if draw(st.booleans()) else data


def read_bytes(data: bytes) -> Imported | None:
    """What a file with these bytes holds; None if it is refused in words."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        path.write_bytes(data)
        try:
            return read(path)
        except LMStudioError as refused:
            assert str(refused).endswith((".", ")"))
            return None


def check(imported: Imported | None) -> None:
    """What came of a hostile file is as good as any other document."""
    for document in imported.documents if imported else ():
        assert mended(document) == (document, ())
        for format in (Format.JSON, Format.MARKDOWN):
            again = read_bytes(write([document], format))
            assert again is not None
            assert again.documents == (document,)
        assert write([document], Format.HTML)


@given(mutated())
@settings(deadline=None, max_examples=400)
def test_wrong_values_anywhere(data: bytes) -> None:
    check(read_bytes(data))


@given(damaged())
@settings(deadline=None, max_examples=200)
def test_cut_and_changed_bytes(data: bytes) -> None:
    check(read_bytes(data))


CELLS = st.sampled_from(
    [
        None, 0, -1, 2**62, 1e308, "", "x", "r1", "u", "a", "c1", "\x00", b"\xff", b"r1", "system", "user", "tool",
        "text", "tool_call", '{"a":', "[]", '{"text_ref": [{"fragment": "x"}]}', '{"arguments": 1, "name": []}',
        "9999-12-31T23:59:59-23:59",
    ]
)  # fmt: skip


@cache
def logs(script: str) -> bytes:
    """The content of a database made by these statements."""
    with tempfile.TemporaryDirectory() as folder:
        return database(Path(folder) / "logs.db", script).read_bytes()


@given(st.data())
@settings(deadline=None, max_examples=100)
def test_wrong_cells_in_a_database(data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "logs.db"
        path.write_bytes(logs(data.draw(st.sampled_from([LLM_OLDEST, LLM_RESPONSES, LLM_RESPONSES + LLM_THREADS]))))
        with contextlib.closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA synchronous = OFF")
            tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            tables = [name for name in tables if "_fts" not in name]
            for _ in range(data.draw(st.integers(1, 6))):
                table = data.draw(st.sampled_from(tables))
                columns = [row[1] for row in connection.execute(f"PRAGMA table_info([{table}])")]
                column = data.draw(st.sampled_from(columns))
                row = data.draw(st.integers(0, 5))
                with contextlib.suppress(sqlite3.Error):
                    one = f"(SELECT rowid FROM [{table}] LIMIT 1 OFFSET {row})"
                    connection.execute(f'UPDATE [{table}] SET "{column}" = ? WHERE rowid = {one}', (data.draw(CELLS),))
            connection.commit()
        try:
            imported = read(path)
        except LMStudioError:
            return
    check(imported)


@given(st.data())
@settings(deadline=None, max_examples=100)
def test_changed_bytes_in_a_database(data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "logs.db"
        content = bytearray(logs(LLM_RESPONSES + LLM_THREADS))
        for _ in range(data.draw(st.integers(1, 20))):
            content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
        path.write_bytes(content[: data.draw(st.integers(16, len(content)))])
        try:
            imported = read(path)
        except LMStudioError:
            return
    check(imported)


@pytest.mark.parametrize("opening", [b'{"messages": ' + b"[" * 200_000, b'[{"mapping": ' + b'{"a":' * 200_000])
def test_deep_nesting(opening: bytes) -> None:
    assert read_bytes(opening + b', "versions": 1') is None
    assert read_bytes(b'{"versions": 1, ' + opening[1:]) is None
