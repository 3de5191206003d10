from __future__ import annotations

import copy
from typing import Any

import msgspec
import pytest

from lmchat.values.chat import (
    AssistantResponse,
    Chat,
    ChatHistoryData,
    FileHandle,
    TextData,
    ToolCallRequest,
    ToolCallRequestData,
    ToolCallResultData,
    message_text,
)
from lmchat.values.errors import LMStudioRuntimeError, LMStudioValueError

IMAGE = FileHandle(name="cat.png", identifier="abc", size_bytes=3, file_type="image")


def wire(chat: Chat) -> list[dict[str, Any]]:
    return list(msgspec.json.decode(msgspec.json.encode(chat.history()))["messages"])


def test_the_wire_form_is_the_protocols() -> None:
    chat = Chat("You are brief.")
    chat.add_user_message("Hi", images=[IMAGE])
    chat.add_assistant_response("Hello", [ToolCallRequest(name="add", id="1", arguments={"a": 1})])
    chat.add_tool_result({"content": "3", "tool_call_id": "1"})
    assert wire(chat) == [
        {"role": "system", "content": [{"type": "text", "text": "You are brief."}]},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Hi"},
                {"type": "file", "name": "cat.png", "identifier": "abc", "sizeBytes": 3, "fileType": "image"},
            ],
        },
        {
            "role": "assistant",
            "content": [
                {"type": "text", "text": "Hello"},
                {
                    "type": "toolCallRequest",
                    "toolCallRequest": {"type": "function", "name": "add", "id": "1", "arguments": {"a": 1}},
                },
            ],
        },
        {"role": "tool", "content": [{"type": "toolCallResult", "content": "3", "toolCallId": "1"}]},
    ]


def test_what_goes_over_the_wire_comes_back_the_same() -> None:
    chat = Chat("s")
    chat.add_user_message(["a", IMAGE])
    chat.add_assistant_response("b")
    assert msgspec.json.decode(msgspec.json.encode(chat.history()), type=ChatHistoryData) == chat.history()


def test_consecutive_user_messages_become_one() -> None:
    chat = Chat()
    chat.add_user_message("a")
    chat.add_user_message("b")
    assert [message_text(message) for message in chat.messages] == ["ab"]
    assert chat.messages[0].content == (TextData("a"), TextData("b"))


@pytest.mark.parametrize("role", ["system", "assistant"])
def test_other_roles_do_not_follow_themselves(role: str) -> None:
    chat = Chat()
    chat.add_entry(role, "a")
    with pytest.raises(LMStudioRuntimeError, match="cannot follow each other"):
        chat.add_entry(role, "b")


def test_a_history_may_be_a_string_a_chat_or_a_mapping() -> None:
    whole = {"messages": [{"role": "system", "content": "s"}, ("user", "u"), {"role": "assistant", "content": ["a"]}]}
    chat = Chat.from_history(whole)
    assert [message["role"] for message in wire(chat)] == ["system", "user", "assistant"]
    assert Chat.from_history(chat) == chat
    assert wire(Chat.from_history("u")) == [{"role": "user", "content": [{"type": "text", "text": "u"}]}]
    assert Chat.from_history({"messages": wire(chat)}) == chat


@pytest.mark.parametrize(
    "history", [3, {"message": []}, {"messages": 3}, {"messages": [{"role": "user"}]}, {"messages": [7]}]
)
def test_other_histories_are_refused_in_words(history: Any) -> None:
    with pytest.raises(LMStudioValueError):
        Chat.from_history(history)


@pytest.mark.parametrize("content", [[], 3, [3], {"type": "file", "name": "x"}, {"type": "text", "text": 3}])
def test_content_that_is_none_is_refused(content: Any) -> None:
    with pytest.raises(LMStudioValueError):
        Chat().add_user_message(content)


def test_an_unknown_role_is_refused() -> None:
    with pytest.raises(LMStudioValueError, match="'bot'"):
        Chat().add_entry("bot", "x")


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, Chat.copy])
def test_a_copy_goes_its_own_way(copied: Any) -> None:
    chat = Chat("s")
    twin = copied(chat)
    twin.add_user_message("u")
    assert (len(chat), len(twin)) == (1, 2)


def test_any_result_with_content_can_be_appended_as_an_answer() -> None:
    class Result:
        content = "said"

    chat = Chat()
    assert chat.add_assistant_response(Result()) == AssistantResponse((TextData("said"),))


def test_append_takes_messages_of_every_role() -> None:
    chat = Chat("s")
    chat.add_user_message("u")
    chat.add_assistant_response("a", [ToolCallRequestData(ToolCallRequest(name="f"))])
    chat.add_tool_result(ToolCallResultData(content="1"))
    twin = Chat()
    for message in chat.messages:
        twin.append(message)
    assert twin == chat


def test_str_can_be_read_back() -> None:
    chat = Chat("s")
    chat.add_user_message("ü")
    assert Chat.from_history(msgspec.json.decode(str(chat))) == chat
