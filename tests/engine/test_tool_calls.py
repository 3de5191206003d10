"""Tool calls in what models write, token by token."""

from __future__ import annotations

import pytest

from lmchat.engine.prediction.reasoning import Piece
from lmchat.engine.prediction.tool_calls import AnswerPart, CallBegun, CallUnreadable, CallWritten, ToolCallReader

CALL = '{"name": "add", "arguments": {"a": 1}}'


def read(text: str, step: int = 1) -> list[AnswerPart]:
    """What comes of a text that arrives in pieces of some length."""
    reader = ToolCallReader(["add", "look"])
    parts: list[AnswerPart] = []
    for at in range(0, len(text), step):
        parts += reader.feed(Piece("none", text[at : at + step], 1))
    return [*parts, *reader.flush()]


def text_of(parts: list[AnswerPart]) -> str:
    return "".join(part.text for part in parts if isinstance(part, Piece))


def calls_of(parts: list[AnswerPart]) -> list[tuple[str, object]]:
    return [(part.request.name, part.request.arguments) for part in parts if isinstance(part, CallWritten)]


@pytest.mark.parametrize("step", [1, 3, 1000])
@pytest.mark.parametrize(
    ("text", "said", "calls"),
    [
        (f"<tool_call>\n{CALL}\n</tool_call>", "", [("add", {"a": 1})]),
        (f"Let me see. <tool_call>{CALL}</tool_call>", "Let me see. ", [("add", {"a": 1})]),
        (f"<tool_call>{CALL}</tool_call><tool_call>{CALL}</tool_call>", "", [("add", {"a": 1})] * 2),
        (f"<tool_call>{CALL}", "", [("add", {"a": 1})]),
        (CALL, "", [("add", {"a": 1})]),
        (f"```json\n{CALL}\n```", "", [("add", {"a": 1})]),
        (f"[TOOL_CALLS] [{CALL}, {CALL}]", "", [("add", {"a": 1})] * 2),
        ('{"name": "look", "parameters": {}}', "", [("look", {})]),
        ('{"function": {"name": "look", "arguments": "{}"}}', "", [("look", {})]),
        ('{"name": "unheard of", "arguments": {}}', '{"name": "unheard of", "arguments": {}}', []),
        ('{"some": "JSON"} and more', '{"some": "JSON"} and more', []),
        ("a < b, and <tool is no tag", "a < b, and <tool is no tag", []),
        ("Nothing to call.", "Nothing to call.", []),
        ("", "", []),
    ],
)
def test_calls_are_told_from_text(text: str, said: str, calls: list[tuple[str, object]], step: int) -> None:
    parts = read(text, step)
    assert text_of(parts) == said
    assert calls_of(parts) == calls
    begun = [part.identifier for part in parts if isinstance(part, CallBegun)]
    assert begun == [part.request.id for part in parts if isinstance(part, CallWritten)]
    assert len(set(begun)) == len(begun)
    assert all(part.text for part in parts if isinstance(part, Piece))


@pytest.mark.parametrize(
    "inside", ["", "no JSON", '{"name": "unheard of", "arguments": {}}', '{"name": "add", "arguments": 3}']
)
def test_a_call_that_makes_no_sense_is_said_to_be_one(inside: str) -> None:
    parts = read(f"<tool_call>{inside}</tool_call>after")
    assert CallUnreadable(inside) in parts
    assert text_of(parts) == "after"
    assert calls_of(parts) == []


def test_an_ordinary_answer_is_not_held_back() -> None:
    reader = ToolCallReader(["add"])
    assert [*reader.feed(Piece("none", "Hello", 1))] == [Piece("none", "Hello", 1)]


def test_thoughts_about_calls_are_no_calls() -> None:
    reader = ToolCallReader(["add"])
    thought = Piece("reasoning", f"<tool_call>{CALL}</tool_call>", 9)
    assert [*reader.feed(thought), *reader.flush()] == [thought]
