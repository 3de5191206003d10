"""Messages as they are kept: their texts in order, their outline, and what a model is given of them."""

from __future__ import annotations

import pytest

from lmchat.values.chat import FileHandle, Role, TextData, ToolCallRequest, ToolCallRequestData, ToolCallResultData
from lmchat.values.history import MessageOutline, MessageRecord, Part, ReasoningData, chat_of
from lmchat.values.prediction import LlmPredictionStats


def message(
    *parts: Part, role: Role = "assistant", tokens: int | None = None, error: str | None = None
) -> MessageRecord:
    stats = LlmPredictionStats(stop_reason="eosFound", predicted_tokens_count=tokens)
    return MessageRecord(id=7, parent_id=None, role=role, parts=parts, created_at=0.0, stats=stats, error=error)


def test_the_texts_of_a_message_are_all_that_can_be_unfolded_in_order() -> None:
    record = message(
        ReasoningData(text="Hm."),
        FileHandle(name="a.png", identifier="hidden", size_bytes=1, file_type="image"),
        TextData("Said \udcff"),
        ToolCallRequestData(ToolCallRequest(name="add", id="hidden", arguments={"ä": [1, "\udcff"]})),
        ToolCallRequestData(ToolCallRequest(name="stop")),
        ToolCallResultData(content="2", tool_call_id="hidden"),
        TextData("more"),
        error="It broke.",
    )
    texts = ("Hm.", "a.png", "Said \udcff", "add", '{"ä": [1, "\udcff"]}', "stop", "2", "more", "It broke.")
    assert record.texts == texts
    assert record.outline.size == sum(map(len, texts))
    assert message().texts == ()


@pytest.mark.parametrize(("said", "tokens"), [(None, 0), (12, 12), (-3, 0), (10**30, 2**53)])
def test_an_outline_has_the_tokens_that_were_written_as_far_as_they_can_be_believed(
    said: int | None, tokens: int
) -> None:
    assert message(TextData("four"), tokens=said).outline == MessageOutline(7, "assistant", 4, tokens)


def test_an_outline_does_without_stats() -> None:
    record = MessageRecord(id=1, parent_id=None, role="user", parts=(TextData("Hi"),), created_at=0.0)
    assert record.outline == MessageOutline(1, "user", 2, 0)


def test_an_answer_that_never_began() -> None:
    assert message().is_empty_answer
    assert not message(ReasoningData(text="Hm.")).is_empty_answer
    assert not message(role="user").is_empty_answer


def test_a_model_is_given_every_text_and_no_thoughts() -> None:
    chat = chat_of(
        [
            message(TextData("Be brief."), role="system"),
            message(TextData("a"), TextData("b"), role="user"),
            message(ReasoningData(text="Hm.")),
            message(ReasoningData(text="Hm."), TextData("c"), error="It broke."),
            message(TextData("d"), role="user"),
        ]
    )
    assert [(said.__struct_config__.tag, said.content[0]) for said in chat.messages] == [
        ("system", TextData("Be brief.")),
        ("user", TextData("ab")),
        ("assistant", TextData("c")),
        ("user", TextData("d")),
    ]
