"""LM Studio's conversation files."""

from __future__ import annotations

from typing import Any

import pytest

from lmchat.exchange.foreign.lmstudio import read_lmstudio
from lmchat.exchange.formats import Imported
from lmchat.exchange.tree import mended, shown_branch
from lmchat.values.chat import FileHandle, TextData, ToolCallRequest, ToolCallRequestData, ToolCallResultData
from lmchat.values.errors import LMStudioValueError
from lmchat.values.history import ReasoningData, chat_of
from tests.exchange.foreign_files import LMSTUDIO, LMSTUDIO_BARE, LMSTUDIO_EARLY, LMSTUDIO_TOOLS, as_json


def imported(file: Any) -> Imported:
    return read_lmstudio(as_json(file), written_at=5.0)


def test_selected_versions_are_the_branch_and_the_others_stand_beside_them() -> None:
    (some,) = imported(LMSTUDIO).documents
    assert [each.text for each in shown_branch(some)] == [
        "Be kind.", "Where to go?", "To the mountains.", "Which?", "The Alps.",
    ]  # fmt: skip
    by_text = {each.text: each for each in some.messages}
    assert by_text["Where to?"].parent_id == by_text["Where to go?"].parent_id == by_text["Be kind."].id
    assert by_text["To the sea."].parent_id == by_text["To the mountains."].parent_id == by_text["Where to go?"].id
    assert mended(some) == (some, ())


def test_title_times_and_pin_are_kept() -> None:
    (some,) = imported(LMSTUDIO).documents
    assert (some.title, some.pinned, some.archived) == ("Trip", True, False)
    assert (some.created_at, some.updated_at) == (1_733_000_000.0, 1_733_000_030.0)
    assert [each.created_at for each in shown_branch(some)][-1] == 1_733_000_030.0


def test_thoughts_are_apart_with_their_tokens_and_seconds() -> None:
    (some,) = imported(LMSTUDIO).documents
    answer = shown_branch(some)[2]
    assert answer.parts == (
        ReasoningData(text="Mountains or sea?", tokens=7, seconds=62.5),
        TextData("To the mountains."),
    )


def test_model_configuration_and_stats_are_kept() -> None:
    (some,) = imported(LMSTUDIO).documents
    answer = shown_branch(some)[2]
    assert answer.stats and answer.provenance and answer.provenance.model
    assert (answer.stats.stop_reason, answer.stats.tokens_per_second) == ("eosFound", 41.5)
    assert answer.stats.predicted_tokens_count == 12
    assert answer.provenance.server == "LM Studio"
    assert answer.provenance.model.identifier == "qwen3-8b"
    assert answer.provenance.model.context_length == 8192
    assert answer.provenance.load_config.context_length == 8192
    assert answer.provenance.prediction_config.temperature == 0.6
    assert answer.provenance.prediction_config.top_p_sampling == 0.9


def test_what_is_left_out_is_told() -> None:
    assert imported(LMSTUDIO).notes == ("Left out: citations (1).",)
    assert set(imported(LMSTUDIO_TOOLS).notes) == {
        "Left out: contents of files, which stay with LM Studio (1).",
        "Left out: pieces of an unknown kind (1).",
        "Left out: steps of an unknown kind (1).",
    }


def test_tools_and_files_are_parts_in_order() -> None:
    (some,) = imported(LMSTUDIO_TOOLS).documents
    prompt, question, answer = shown_branch(some)
    assert prompt.text == "Old prompt"
    assert question.parts[0] == FileHandle(name="1733.png", identifier="1733.png", size_bytes=77, file_type="image")
    request = ToolCallRequest(name="read", id="call-7", arguments={"path": "a.txt"})
    result = ToolCallResultData(content='[{"type":"text","text":"hello"}]', tool_call_id="call-7", name="read")
    assert ToolCallRequestData(request) in answer.parts
    assert answer.parts[-2:] == (result, TextData("It says hello."))
    assert answer.stats and answer.stats.stop_reason == "eosFound"


def test_early_files_have_thoughts_in_the_text() -> None:
    (some,) = imported(LMSTUDIO_EARLY).documents
    answer = some.messages[-1]
    assert answer.parts == (ReasoningData(text="Because."), TextData("So."))
    assert answer.stats and answer.stats.tokens_per_second is None
    assert answer.provenance and answer.provenance.model and answer.provenance.model.identifier == "deepseek-r1"


def test_messages_without_versions_are_read() -> None:
    (some,) = imported(LMSTUDIO_BARE).documents
    assert [(each.role, each.text) for each in some.messages] == [("user", "Hi"), ("assistant", "Hello")]
    assert some.created_at == 5.0


@pytest.mark.parametrize("file", [LMSTUDIO, LMSTUDIO_TOOLS, LMSTUDIO_EARLY, LMSTUDIO_BARE])
def test_what_was_imported_can_be_continued(file: Any) -> None:
    (some,) = imported(file).documents
    assert chat_of(shown_branch(some)).messages


@pytest.mark.parametrize("file", [[], {}, {"messages": None}, "text", 1, None])
def test_what_is_no_conversation_is_refused(file: Any) -> None:
    with pytest.raises(LMStudioValueError, match="no list of messages"):
        imported(file)
