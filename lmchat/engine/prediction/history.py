"""A client's history as the messages that a model's chat template takes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from lmchat.engine.prediction.overflow import LlamaMessage
from lmchat.values.chat import (
    AnyChatMessage,
    AssistantResponse,
    ChatHistoryData,
    FileHandle,
    ToolCallRequest,
    ToolCallRequestData,
    ToolResultMessage,
    message_text,
)


def llama_messages(history: ChatHistoryData, system_prompt: str = "") -> list[LlamaMessage]:
    """The messages, files left out. The system prompt is used when the history has none."""
    messages = [message for entry in history.messages for message in _messages(entry)]
    if system_prompt and not any(message["role"] == "system" for message in messages):
        messages.insert(0, {"role": "system", "content": system_prompt})
    return messages


def has_files(history: ChatHistoryData) -> bool:
    """Whether any message holds a file."""
    return any(isinstance(part, FileHandle) for message in history.messages for part in message.content)


def raw_prompt(history: ChatHistoryData) -> str:
    """The text of a history that stands for a bare prompt."""
    return "".join(message_text(message) for message in history.messages)


def _messages(entry: AnyChatMessage) -> Iterator[LlamaMessage]:
    if isinstance(entry, ToolResultMessage):
        for result in entry.content:
            yield {"role": "tool", "content": result.content, "tool_call_id": result.tool_call_id or ""}
        return
    message: LlamaMessage = {"role": entry.__struct_config__.tag, "content": message_text(entry)}
    if isinstance(entry, AssistantResponse):
        calls = [_call(part.tool_call_request) for part in entry.content if isinstance(part, ToolCallRequestData)]
        if calls:
            message["tool_calls"] = calls
    yield message


def _call(request: ToolCallRequest) -> dict[str, Any]:
    arguments = msgspec.json.encode(request.arguments or {}).decode()
    return {"type": "function", "id": request.id or "", "function": {"name": request.name, "arguments": arguments}}
