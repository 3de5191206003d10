"""ChatGPT's conversations.json."""

from __future__ import annotations

from typing import Any

import pytest

from lmchat.exchange.foreign.chatgpt import read_chatgpt
from lmchat.exchange.formats import Imported
from lmchat.exchange.tree import mended, shown_branch
from lmchat.values.chat import TextData, ToolCallRequest, ToolCallRequestData, ToolCallResultData
from lmchat.values.errors import LMStudioValueError
from lmchat.values.history import ReasoningData, chat_of
from tests.exchange.foreign_files import CHATGPT, CHATGPT_TOOLS, as_json, conversation, node, spoken


def imported(file: Any) -> Imported:
    return read_chatgpt(as_json(file), written_at=5.0)


def test_the_branch_ends_in_the_current_node_and_the_others_stand_beside_it() -> None:
    (some,) = imported([CHATGPT]).documents
    assert [(each.role, each.text) for each in shown_branch(some)] == [("user", "Why?"), ("assistant", "Therefore.")]
    by_text = {each.text: each for each in some.messages}
    assert by_text["Because."].parent_id == by_text["Therefore."].parent_id == by_text["Why?"].id
    assert by_text["Why not?"].parent_id is by_text["Why?"].parent_id is None
    assert mended(some) == (some, ())


def test_title_times_and_flags_are_kept() -> None:
    first, second = imported([CHATGPT, CHATGPT_TOOLS]).documents
    assert (first.title, first.created_at, first.updated_at) == ("Talk", 1_700_000_000.5, 1_700_000_100.5)
    assert (first.archived, first.pinned) == (True, False)
    assert (second.archived, second.pinned) == (False, True)


def test_the_model_and_how_it_ended_are_kept() -> None:
    (some,) = imported([CHATGPT]).documents
    answer = shown_branch(some)[-1]
    assert answer.stats and answer.stats.stop_reason == "maxPredictedTokensReached"
    assert answer.provenance and answer.provenance.model
    assert (answer.provenance.server, answer.provenance.model.identifier) == ("ChatGPT", "gpt-4")
    assert shown_branch(some)[0].provenance is None


def test_hidden_messages_are_left_out_and_told() -> None:
    assert imported([CHATGPT]).notes == ("Left out: hidden messages (2).",)


def test_steps_of_an_answer_are_one_message() -> None:
    (some,) = imported([CHATGPT_TOOLS]).documents
    question, answer = shown_branch(some)
    assert question.text == ("[image, file-service://file-1, 640 × 480]\n\nspoken words\n\n[voice]\n\nPlot it")
    assert answer.parts == (
        ReasoningData(text="Plan\n\nUse code.", seconds=8.0),
        ToolCallRequestData(ToolCallRequest(name="python", id="call", arguments={"code": "plot()"})),
        ToolCallResultData(content="<Figure>", tool_call_id="call", name="python"),
        TextData("Here."),
    )
    assert chat_of(shown_branch(some)).messages


def test_a_single_conversation_is_read_as_well() -> None:
    assert len(imported(CHATGPT).documents) == 1


def test_entries_that_are_none_are_told() -> None:
    result = imported([CHATGPT, None, {"title": "empty"}])
    assert len(result.documents) == 1
    assert "Left out: entries that are no conversations (2)." in result.notes


def test_a_ring_of_nodes_is_read_once() -> None:
    ring = conversation(
        node("a", "b", ["b"], spoken("user", "one")),
        node("b", "a", ["a"], spoken("assistant", "two")),
        node("c", "c", ["c"], spoken("user", "three")),
        current="b",
    )
    (some,) = imported([ring]).documents
    assert sorted(each.text for each in some.messages) == ["one", "three", "two"]
    assert mended(some) == (some, ())


def test_a_long_chain_is_read_without_recursion() -> None:
    nodes = [
        node(str(number), str(number - 1), [str(number + 1)], spoken(("user", "assistant")[number % 2], str(number)))
        for number in range(20_000)
    ]
    (some,) = imported([conversation(*nodes, current="19999")]).documents
    assert len(shown_branch(some)) == 20_000


@pytest.mark.parametrize("file", [[], {}, [{}], "text", 1, None, [[CHATGPT]]])
def test_what_holds_no_conversation_is_refused(file: Any) -> None:
    with pytest.raises(LMStudioValueError, match="no conversations of ChatGPT"):
        imported(file)
