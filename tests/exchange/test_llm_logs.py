"""The logs of llm: each of their forms, and a database that stays as it was."""

from __future__ import annotations

import hashlib
import sqlite3
from pathlib import Path

import pytest

from lmchat.exchange.foreign.llm_logs import read_llm
from lmchat.exchange.formats import Imported
from lmchat.exchange.tree import mended, shown_branch
from lmchat.values.chat import TextData, ToolCallRequest, ToolCallRequestData, ToolCallResultData
from lmchat.values.errors import LMStudioValueError
from lmchat.values.history import ReasoningData, chat_of
from tests.exchange.foreign_files import LLM_OLDEST, LLM_RESPONSES, LLM_THREADS, database

CALL = ToolCallRequestData(ToolCallRequest(name="clock", id="tc1", arguments={"zone": "UTC"}))


def imported(folder: Path, *scripts: str) -> Imported:
    return read_llm(database(folder / "logs.db", *scripts), written_at=5.0)


def test_questions_and_answers_take_turns_and_tools_are_in_the_answer(tmp_path: Path) -> None:
    (some,) = imported(tmp_path, LLM_RESPONSES).documents
    assert (some.title, some.created_at) == ("Asking", 1_746_093_600.0)
    system, question, answer, thanks, sure = shown_branch(some)
    assert system.text == "A rule\n\nBe brief"
    assert question.text == "A long file\nWhat time?"
    assert answer.parts == (
        ReasoningData(text="A tool knows."),
        CALL,
        ToolCallResultData(content="10:00", tool_call_id="tc1", name="clock"),
        TextData("Ten."),
    )
    assert thanks.text == "[attachment, image/png, /tmp/a.png]\n\nThanks"
    assert sure.text == "Sure"
    assert mended(some) == (some, ())
    assert chat_of(shown_branch(some)).messages


def test_model_options_and_usage_are_kept(tmp_path: Path) -> None:
    (some,) = imported(tmp_path, LLM_RESPONSES).documents
    answer = shown_branch(some)[2]
    assert answer.stats and answer.provenance and answer.provenance.model
    assert (answer.stats.total_time_sec, answer.stats.predicted_tokens_count) == (0.5, 2)
    assert answer.provenance.model.identifier == "qwen3:8b"


def test_threads_share_a_tree_of_which_each_takes_its_part(tmp_path: Path) -> None:
    result = imported(tmp_path, LLM_RESPONSES, LLM_THREADS)
    (some,) = result.documents
    assert some.title == "Time"
    assert [each.text for each in shown_branch(some)] == [
        "Be brief", "Read A long file[attachment, image/png, /tmp/a.png]", "Ten.", "And then?", "Twelve.",
    ]  # fmt: skip
    by_text = {each.text: each for each in some.messages}
    assert by_text["And now?"].parent_id == by_text["And then?"].parent_id == by_text["Ten."].id
    assert by_text["Ten."].parts[:3] == (
        ReasoningData(text="A tool knows."),
        ToolCallRequestData(ToolCallRequest(name="clock", id="k", arguments={"zone": "UTC"})),
        ToolCallResultData(content="10:00", tool_call_id="k", name="clock"),
    )
    assert "Left out: pieces of an unknown kind (1)." in result.notes


def test_the_oldest_logs_are_read(tmp_path: Path) -> None:
    first, second = imported(tmp_path, LLM_OLDEST).documents
    assert [each.text for each in first.messages] == ["Hi", "Hello", "More", "Again"]
    assert [each.text for each in second.messages] == ["Be brief", "Other", "Yes"]
    assert first.title == "Hi"


def test_the_database_is_not_touched_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    path = database(tmp_path / "a b#?%.db", LLM_RESPONSES)
    path.chmod(0o400)
    before = hashlib.sha256(path.read_bytes()).digest(), path.stat().st_mtime_ns
    read_llm(path, written_at=5.0)
    assert (hashlib.sha256(path.read_bytes()).digest(), path.stat().st_mtime_ns) == before
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


def test_what_another_program_has_not_merged_yet_is_read_and_left(tmp_path: Path) -> None:
    path = database(tmp_path / "logs.db", LLM_RESPONSES)
    writer = sqlite3.connect(path)
    try:
        writer.execute("PRAGMA journal_mode = WAL")
        writer.execute("INSERT INTO responses (id, prompt, response) VALUES ('r9', 'Late', 'Seen')")
        writer.commit()
        before = {each.name: each.read_bytes() for each in tmp_path.iterdir() if not each.name.endswith("-shm")}
        assert "logs.db-wal" in before
        result = read_llm(path, written_at=5.0)
        after = {each.name: each.read_bytes() for each in tmp_path.iterdir() if not each.name.endswith("-shm")}
    finally:
        writer.close()
    assert after == before
    assert any(each.text == "Seen" for some in result.documents for each in some.messages)


@pytest.mark.parametrize(
    "trap",
    [
        "CREATE VIEW responses AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM n) SELECT x AS id FROM n",
        "CREATE TABLE notes (id)",
    ],
)
def test_a_database_of_something_else_is_refused(tmp_path: Path, trap: str) -> None:
    with pytest.raises(LMStudioValueError, match="llm logs path"):
        imported(tmp_path, trap)


def test_a_damaged_database_is_refused(tmp_path: Path) -> None:
    path = database(tmp_path / "logs.db", LLM_RESPONSES)
    data = path.read_bytes()
    path.write_bytes(data[:100] + b"\xff" * (len(data) - 100))
    with pytest.raises(LMStudioValueError, match="cannot be read"):
        read_llm(path, written_at=5.0)
