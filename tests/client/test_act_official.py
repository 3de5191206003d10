"""The same act by LM Studio's own SDK and by this library: what the server is asked, and what the caller hears."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from typing import Any

import lmstudio
import pytest

import lmchat as lms
from tests.client import test_tools_definition as tools
from tests.client.test_act import add, call, look_up, rounds
from tests.client.test_tools_definition import without_definitions
from tests.scripted_server import Scene, scripted_server

ODD_NAME = {"name": "sum-up", "description": "Add.", "parameters": {"a": int, "b": int}, "implementation": add}
ONE_MAY_BE_LEFT_OUT = {
    "name": "add",
    "description": "Adds.",
    "parameters": {"a": {"type": int, "default": 1}, "b": {"type": int}},
    "implementation": add,
}


async def add_later(a: int) -> int:
    """Add later."""
    return a + 1


SETS: dict[str, tuple[list[Any], list[dict[str, Any]], dict[str, Any]]] = {
    "one": ([add], call("add", {"a": 1, "b": 2}), {}),
    "two": ([add, look_up], call("add", {"a": 1}) + call("look_up", {"key": "known"}, "2"), {}),
    "no parameters": ([tools.no_parameters], call("no_parameters", {}), {}),
    "definitions": ([ODD_NAME], call("sum-up", {"a": 1, "b": 2}), {}),
    "defaults": ([ONE_MAY_BE_LEFT_OUT], call("add", {"b": 2}), {}),
    "collections": (
        [tools.lists, tools.mappings],
        call("lists", {"a": [1], "b": [], "c": [None]}) + call("mappings", {"a": {}, "b": {"x": [True]}, "c": {}}, "2"),
        {},
    ),
    "choices": (
        [tools.words, tools.either, tools.annotated],
        call("words", {"mode": "slow"}) + call("annotated", {"n": 4}, "2"),
        {},
    ),
    "classes": (
        [tools.color_by_default, tools.line, tools.options],
        call("color_by_default", {"color": "blue"}) + call("options", {"options": {"width": 1}}, "2"),
        {},
    ),
    "settings": (
        [add],
        call("add", {"a": 1}),
        {"config": {"temperature": 0.5, "maxTokens": 20, "stopStrings": ["x"]}, "preset": "mine"},
    ),
    "invalid": (
        [add, look_up],
        call("nothing", {"a": 1}) + call("add", {"a": "1"}, "2") + call("look_up", {"key": "x"}, "3"),
        {},
    ),
    "limit": ([add], call("add", {"a": 1}), {"max_prediction_rounds": 2}),
    "last round": ([add], call("add", {"a": 1}), {"max_prediction_rounds": 1}),
}
"""By name: tools, what the model calls, options of the act."""


def listen(heard: list[Any]) -> dict[str, Callable[..., Any]]:
    """Callbacks that write down in which order they come, with what both libraries give them alike."""

    def note(name: str, *arguments: Any) -> None:
        heard.append((name, *arguments))

    def handle(error: Exception, request: Any) -> None:
        note("invalid", type(error).__name__, str(error).split(". ")[0].rstrip("."), request and request.name)

    return {
        "on_message": lambda message: note("message", type(message).__name__),
        "on_first_token": lambda index: note("first", index),
        "on_prediction_fragment": lambda piece, index: note("fragment", piece.content, index),
        "on_round_start": lambda index: note("start", index),
        "on_round_end": lambda index: note("end", index),
        "on_prediction_completed": lambda result: note("completed", result.content, result.round_index),
        "on_prompt_processing_progress": lambda value, index: note("progress", value, index),
        "handle_invalid_tool_request": handle,
    }


def comparable(scene: Scene) -> dict[str, Any]:
    """What a server was asked, without the forms of a thing that are the same in JSON's eyes."""
    asked = dict(scene.parameter)
    (layer,) = asked["predictionConfigStack"]["layers"]
    assert layer["layerName"] == "apiOverride"
    settings = {field["key"]: field["value"] for field in layer["config"]["fields"]}
    assert len(settings) == len(layer["config"]["fields"])
    if "llm.prediction.tools" in settings:
        offered = settings["llm.prediction.tools"]
        settings["llm.prediction.tools"] = offered | {"tools": [without_definitions(t) for t in offered["tools"]]}
    messages = asked["history"]["messages"]
    for message in messages:
        # Calls that finish together have no order in the official SDK.
        if message["role"] == "tool":
            message["content"] = sorted(message["content"], key=lambda part: str(part["toolCallId"]))
    return asked | {"predictionConfigStack": settings}


def act(library: Any, host: str, given: list[Any], options: dict[str, Any]) -> list[Any]:
    heard: list[Any] = []
    with library.Client(host) as client:
        model = client.llm.model()
        try:
            heard.append(model.act("hi", given, **options, **listen(heard)).rounds)
        except library.LMStudioError as error:
            heard.append(type(error).__name__)
    return heard


async def act_later(library: Any, host: str, given: list[Any], options: dict[str, Any]) -> list[Any]:
    heard: list[Any] = []
    async with library.AsyncClient(host) as client:
        model = await client.llm.model()
        heard.append((await model.act("hi", given, **options, **listen(heard))).rounds)
    return heard


@pytest.mark.parametrize("name", SETS)
async def test_an_act_is_the_same(name: str) -> None:
    given, packets, options = SETS[name]
    asked, heard = [], []
    for library in (lmstudio, lms):
        async with scripted_server(rounds(packets)) as server:
            heard.append(await asyncio.to_thread(act, library, server.host, given, options))
            asked.append([comparable(scene) for scene in server.scenes])
    assert asked[0] == asked[1]
    assert len(asked[0]) == (1 if name == "last round" else 2)
    assert heard[0] == heard[1]


@pytest.mark.parametrize("name", ["two", "invalid", "coroutines"])
async def test_an_act_of_an_asynchronous_program_is_the_same(name: str) -> None:
    sets = SETS | {"coroutines": ([add_later, add], call("add_later", {"a": 1}) + call("add", {"a": 1}, "2"), {})}
    given, packets, options = sets[name]
    asked, heard = [], []
    for library in (lmstudio, lms):
        async with scripted_server(rounds(packets)) as server:
            heard.append(await act_later(library, server.host, given, options))
            asked.append([comparable(scene) for scene in server.scenes])
    assert asked[0] == asked[1]
    assert heard[0] == heard[1]


def test_the_names_and_arguments_are_those_of_the_official_sdk() -> None:
    pairs: list[tuple[Any, Any]] = [(lmstudio.LLM.act, lms.LLM.act), (lmstudio.AsyncLLM.act, lms.AsyncLLM.act)]
    for official, ours in pairs:
        theirs = inspect.signature(official).parameters
        assert {name: (p.kind, p.default) for name, p in theirs.items()} == {
            name: (p.kind, p.default) for name, p in inspect.signature(ours).parameters.items()
        }
    definition = inspect.signature(lmstudio.ToolFunctionDef).parameters
    assert list(definition) == list(inspect.signature(lms.ToolFunctionDef).parameters)
