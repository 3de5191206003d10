"""The tools that a client offers, and how a model hears of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Literal, TypeAlias

import msgspec

from lmchat.engine.prediction.tool_calls import CLOSE, OPEN

ToolMode: TypeAlias = Literal["none", "auto", "required"]

_NO_ARGUMENTS: Final[dict[str, Any]] = {"type": "object", "properties": {}}


class _Function(msgspec.Struct, frozen=True, omit_defaults=True):
    name: str
    description: str = ""
    parameters: dict[str, Any] | None = None


class Tool(msgspec.Struct, frozen=True):
    """A function that a model may ask to have called."""

    function: _Function
    type: str = "function"


class _ToolArray(msgspec.Struct, frozen=True):
    type: str = "none"
    tools: tuple[Tool, ...] = ()


class _Choice(msgspec.Struct, frozen=True):
    mode: ToolMode = "auto"


def offered(raw_tools: Any, choice: Any) -> tuple[tuple[Tool, ...], ToolMode]:
    """The tools of a request, and whether the model has to use one; none when what is given is no list of tools."""
    try:
        array = msgspec.convert(raw_tools or {}, _ToolArray)
        mode = msgspec.convert(choice or {}, _Choice).mode
    except msgspec.ValidationError:
        return (), "none"
    if array.type != "toolArray" or mode == "none":
        return (), "none"
    return array.tools, mode


def instructions(tools: Sequence[Tool]) -> str:
    """How to use tools, for a model whose template has no words for it."""
    listed = "\n".join(msgspec.json.encode(tool.function).decode() for tool in tools)
    return (
        f"You can call these functions:\n{listed}\n"
        f'To call one, answer with nothing but\n{OPEN}\n{{"name": "its name", "arguments": {{}}}}\n{CLOSE}'
    )


def call_schema(tools: Sequence[Tool]) -> dict[str, Any]:
    """The JSON schema of a call of any of the tools."""
    return {"anyOf": [_schema(tool.function) for tool in tools]}


def _schema(function: _Function) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {"name": {"const": function.name}, "arguments": function.parameters or _NO_ARGUMENTS},
        "required": ["name", "arguments"],
        "additionalProperties": False,
    }
