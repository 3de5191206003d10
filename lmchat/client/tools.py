"""Calls of tools: from a model's request to what can be run, and from a tool's answer to the text of its result."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import msgspec

from lmchat.values.chat import ToolCallRequest
from lmchat.values.errors import LMStudioPredictionError
from lmchat.values.tools import Tool


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call that can be made."""

    request: ToolCallRequest
    work: Callable[[], Any]
    """Gives the text of the result, or with `is_async` a coroutine that does."""
    is_async: bool = False


@dataclass(frozen=True, slots=True)
class FinishedCall:
    """A call that was made."""

    request: ToolCallRequest
    content: str = ""
    """The text of the result."""
    error: BaseException | None = None
    """What the tool raised instead."""


def read_call(request: ToolCallRequest, tools: Mapping[str, Tool]) -> ToolCall:
    """The call that a model asks for.

    Raises:
        LMStudioPredictionError: there is no such tool, or its arguments do not fit.
    """
    if (tool := tools.get(request.name)) is None:
        raise LMStudioPredictionError(f"Cannot find tool with name {request.name}.")
    try:
        arguments = tool.read_arguments(request.arguments)
    except msgspec.ValidationError as wrong:
        raise LMStudioPredictionError(f"Failed to parse arguments for tool {request.name}: {wrong}") from wrong
    implementation = tool.definition.implementation

    async def work_later() -> str:
        return to_json(await implementation(**arguments))

    return ToolCall(
        request, work_later if tool.is_async else lambda: to_json(implementation(**arguments)), tool.is_async
    )


def to_json(value: Any) -> str:
    """A tool's answer as the model reads it: JSON.

    Raises:
        TypeError: the value, or a part of it, has no form in JSON.
    """
    text = json.dumps(value, ensure_ascii=False, default=_plain)
    # Half of a surrogate pair, as in a damaged file name, cannot be sent but escaped.
    return text if _is_sendable(text) else json.dumps(value, default=_plain)


def _plain(value: Any) -> Any:
    # msgspec keeps defaults out of the dataclasses that it makes, and would not see them here.
    if is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    return msgspec.to_builtins(value)


def _is_sendable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
