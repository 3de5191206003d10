"""What a tool is: a function that a model may have called, what the model is told of it, how its arguments are read.

The JSON schema of the parameters is the one that LM Studio's Python SDK makes of the same type hints, as both leave it
to msgspec. Definitions that a schema refers to go along; without them the model could not know what is meant.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, NotRequired, Self, TypeAlias, TypedDict, get_type_hints

import msgspec

from lmchat.values.errors import LMStudioValueError

_NONE_GIVEN: Final = object()
_SKIPPED: Final = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


class ToolParamDefDict(TypedDict):
    """A parameter that may be left out."""

    type: Any
    default: NotRequired[Any]


class ToolFunctionDefDict(TypedDict):
    """A tool and its implementation, as a mapping with the members of `ToolFunctionDef`."""

    name: str
    description: str
    parameters: Mapping[str, Any]
    implementation: Callable[..., Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolFunctionDef:
    """A tool and its implementation. All but the implementation is told to the model."""

    name: str
    description: str
    parameters: Mapping[str, Any]
    """Each parameter's type, or `{"type": ..., "default": ...}` for one that may be left out."""
    implementation: Callable[..., Any]
    """Called with its arguments by name, converted to their types."""

    @classmethod
    def from_callable(cls, f: Callable[..., Any], *, name: str | None = None, description: str | None = None) -> Self:
        """Describe a function by its own name, docstring and type hints.

        Args:
            f: the function; each of its parameters needs a type hint.
            name: what the model is to call it instead.
            description: what the model is to read in place of the docstring.

        Raises:
            LMStudioValueError: the function does not tell enough.
        """
        if name is None and not isinstance(name := getattr(f, "__name__", None), str):
            raise LMStudioValueError(f"Could not extract tool name from {f!r}. Give it one with ToolFunctionDef.")
        if description is None and not (description := getattr(f, "__doc__", None)):
            raise LMStudioValueError(
                f"Could not extract tool description from {f!r} (no docstring set). "
                "Write one, or give a description to ToolFunctionDef.from_callable()."
            )
        return cls(name=name, description=description, parameters=dict(_parameters(f)), implementation=f)


ToolDefinition: TypeAlias = "ToolFunctionDef | ToolFunctionDefDict | Callable[..., Any]"


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool that is ready to be offered and called."""

    definition: ToolFunctionDef
    schema: dict[str, Any]
    """What the model is told, as the protocol carries it."""
    is_async: bool
    """Whether the implementation is a coroutine function."""
    _arguments: type[msgspec.Struct]

    @classmethod
    def of(cls, definition: ToolFunctionDef) -> Self:
        """Make a tool of its definition.

        Raises:
            LMStudioValueError: a parameter's type has no JSON schema, or it has none at all.
        """
        try:
            arguments, parameters = _arguments_and_schema(definition.parameters)
        except TypeError as wrong:
            raise LMStudioValueError(
                f"The parameters of the tool {definition.name!r} cannot be described to a model: {wrong}"
            ) from wrong
        function = {"name": definition.name, "description": definition.description, "parameters": parameters}
        is_async = inspect.iscoroutinefunction(definition.implementation)
        return cls(definition, {"type": "function", "function": function}, is_async, arguments)

    def read_arguments(self, given: Mapping[str, Any] | None) -> dict[str, Any]:
        """The arguments of a call, each of the type its parameter says.

        Raises:
            msgspec.ValidationError: one is missing, or of a wrong type.
        """
        return msgspec.structs.asdict(msgspec.convert(given or {}, self._arguments))


def read_tools(definitions: Iterable[ToolDefinition], *, allow_async: bool) -> dict[str, Tool]:
    """The tools by their names.

    Raises:
        LMStudioValueError: there are none, two have one name, one is no tool, or it must be awaited and cannot be.
    """
    tools: dict[str, Tool] = {}
    for definition in definitions:
        tool = Tool.of(_definition(definition))
        name = tool.definition.name
        if name in tools:
            raise LMStudioValueError(f"Two tools have the name {name!r}. Give one of them another.")
        if tool.is_async and not allow_async:
            raise LMStudioValueError(
                f"The tool {name!r} is a coroutine function, which a synchronous call cannot await. Use AsyncClient."
            )
        tools[name] = tool
    if not tools:
        raise LMStudioValueError("Tool using actions require at least one tool. Use respond() to do without.")
    return tools


def tool_array(tools: Iterable[Tool]) -> dict[str, Any]:
    """What the option `raw_tools` of a prediction takes to offer tools."""
    return {"type": "toolArray", "tools": [tool.schema for tool in tools]}


def _definition(given: object) -> ToolFunctionDef:
    if isinstance(given, ToolFunctionDef):
        return given
    if callable(given):
        return ToolFunctionDef.from_callable(given)
    if not isinstance(given, Mapping):
        raise LMStudioValueError(f"A tool is a function, a ToolFunctionDef or a mapping, not a {type(given).__name__}.")
    try:
        return ToolFunctionDef(**given)
    except TypeError as wrong:
        raise LMStudioValueError(
            f"A tool has name, description, parameters and implementation; this one does not fit: {wrong}."
        ) from wrong


def _parameters(f: Callable[..., Any]) -> Iterator[tuple[str, Any]]:
    failure = f"Could not extract tool parameter info from {f!r}"
    try:
        hints = get_type_hints(f, include_extras=True)
        signature = inspect.signature(f)
    # Hints are code of the caller's: looking at them may raise anything.
    except Exception as wrong:
        raise LMStudioValueError(f"{failure}: {wrong}. Describe it with ToolFunctionDef.") from wrong
    for name, parameter in signature.parameters.items():
        if parameter.kind in _SKIPPED:
            continue
        if name not in hints:
            raise LMStudioValueError(f"{failure}: {name!r} has no type hint. Add one, or use ToolFunctionDef.")
        if parameter.kind is inspect.Parameter.POSITIONAL_ONLY:
            raise LMStudioValueError(f"{failure}: {name!r} cannot be given by name. Drop the '/' after it.")
        if parameter.default is inspect.Parameter.empty:
            yield name, hints[name]
        else:
            yield name, ToolParamDefDict(type=hints[name], default=parameter.default)


def _arguments_and_schema(parameters: Mapping[str, Any]) -> tuple[type[msgspec.Struct], dict[str, Any]]:
    fields: list[tuple[str, Any] | tuple[str, Any, Any]] = []
    defaults: dict[str, Any] = {}
    for name, parameter in parameters.items():
        kind, default = _type_and_default(name, parameter)
        if default is _NONE_GIVEN:
            fields.append((name, kind))
        else:
            defaults[name] = default
            # A factory, so that a list may be a default as it may in Python.
            fields.append((name, kind, msgspec.field(default_factory=_giver(default))))
    arguments = msgspec.defstruct("Parameters", fields, kw_only=True)
    return arguments, _schema(arguments, defaults)


def _giver(value: Any) -> Callable[[], Any]:
    return lambda: value


def _type_and_default(name: str, parameter: Any) -> tuple[Any, Any]:
    if not isinstance(parameter, Mapping):
        return parameter, _NONE_GIVEN
    if "type" not in parameter:
        raise TypeError(f"the parameter {name!r} has no 'type'.")
    return parameter["type"], parameter.get("default", _NONE_GIVEN)


def _schema(arguments: type[msgspec.Struct], defaults: Mapping[str, Any]) -> dict[str, Any]:
    (root,), definitions = msgspec.json.schema_components((arguments,), ref_template="#/$defs/{name}")
    schema: dict[str, Any] = definitions.pop(root["$ref"].removeprefix("#/$defs/"))
    del schema["title"]
    for name, default in defaults.items():
        try:
            schema["properties"][name]["default"] = msgspec.to_builtins(default)
        except TypeError:
            # One that JSON has no form for: the model learns only that it may leave the argument out.
            continue
    return schema | {"$defs": definitions} if definitions else schema
