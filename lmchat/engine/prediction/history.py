"""A client's history as the messages that a model's chat template takes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from lmchat.engine.prediction.overflow import LlamaMessage
from lmchat.engine.uploads import Uploads
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


def llama_messages(
    history: ChatHistoryData, uploads: Uploads, system_prompt: str = "", tool_instructions: str = ""
) -> list[LlamaMessage]:
    """The messages, with what text files say and without other files.

    The system prompt is used when the history has none; instructions for tools come after whichever is used.
    """
    messages = [message for entry in history.messages for message in _messages(entry, uploads)]
    if system_prompt and not any(message["role"] == "system" for message in messages):
        messages.insert(0, {"role": "system", "content": system_prompt})
    if tool_instructions:
        _instruct(messages, tool_instructions)
    return messages


def unreadable_file(history: ChatHistoryData, uploads: Uploads) -> FileHandle | None:
    """The first file whose text cannot be given to a model."""
    files = (part for message in history.messages for part in message.content if isinstance(part, FileHandle))
    return next((file for file in files if _file_text(file, uploads) is None), None)


def raw_prompt(history: ChatHistoryData) -> str:
    """The text of a history that stands for a bare prompt."""
    return "".join(message_text(message) for message in history.messages)


def _instruct(messages: list[LlamaMessage], instructions: str) -> None:
    if messages and messages[0]["role"] == "system":
        messages[0] = {**messages[0], "content": f"{messages[0]['content']}\n\n{instructions}"}
    else:
        messages.insert(0, {"role": "system", "content": instructions})


def _text(entry: AnyChatMessage, uploads: Uploads) -> str:
    files = [
        f"\n\nThe file {part.name}:\n{text}\n"
        for part in entry.content
        if isinstance(part, FileHandle) and (text := _file_text(part, uploads)) is not None
    ]
    return message_text(entry) + "".join(files)


def _file_text(file: FileHandle, uploads: Uploads) -> str | None:
    upload = uploads.find(file.identifier)
    return None if upload is None else upload.text


def _messages(entry: AnyChatMessage, uploads: Uploads) -> Iterator[LlamaMessage]:
    if isinstance(entry, ToolResultMessage):
        for result in entry.content:
            yield {"role": "tool", "content": result.content, "tool_call_id": result.tool_call_id or ""}
        return
    message: LlamaMessage = {"role": entry.__struct_config__.tag, "content": _text(entry, uploads)}
    if isinstance(entry, AssistantResponse):
        calls = [_call(part.tool_call_request) for part in entry.content if isinstance(part, ToolCallRequestData)]
        if calls:
            message["tool_calls"] = calls
    yield message


def _call(request: ToolCallRequest) -> dict[str, Any]:
    arguments = msgspec.json.encode(request.arguments or {}).decode()
    return {"type": "function", "id": request.id or "", "function": {"name": request.name, "arguments": arguments}}
