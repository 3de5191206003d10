"""Acting in asynchronous programs, against a server whose model calls tools by a script."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any

import pytest

import lmchat as lms
from lmchat.protocol.errors import failure
from tests.scripted_server import Scene, fragment, progress, scripted_server, success

Script = Callable[[Scene], Awaitable[None]]


def call(name: str, arguments: dict[str, Any] | None = None, id: str = "1") -> list[dict[str, Any]]:
    request = {"type": "function", "id": id, "name": name, "arguments": arguments}
    return [
        {"type": "toolCallGenerationStart", "toolCallId": id},
        {"type": "toolCallGenerationNameReceived", "name": name},
        {"type": "toolCallGenerationArgumentFragmentGenerated", "content": "{"},
        {
            "type": "toolCallGenerationEnd",
            "toolCallRequest": {key: value for key, value in request.items() if value is not None},
        },
    ]


def rounds(*packets: list[dict[str, Any]]) -> Script:
    """A model that sends these, a round at a time, and then answers."""
    left = list(packets)

    async def script(scene: Scene) -> None:
        if not left:
            await scene.say("All done")
            return
        await scene.send(progress(1.0), fragment("Hm."), *left.pop(0), success("toolCalls"))
        await scene.close()

    return script


def history(scene: Scene) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = scene.parameter["history"]["messages"]
    return messages


def settings(scene: Scene) -> dict[str, Any]:
    (layer,) = scene.parameter["predictionConfigStack"]["layers"]
    return {field["key"]: field["value"] for field in layer["config"]["fields"]}


def results(scene: Scene) -> list[tuple[str | None, str]]:
    """What the model was told of the calls of the round before."""
    last = history(scene)[-1]
    assert last["role"] == "tool"
    return [(part.get("toolCallId"), part["content"]) for part in last["content"]]


def add(a: int, b: int = 10) -> int:
    """Add two numbers."""
    return a + b


def look_up(key: str) -> str:
    """Look up."""
    return {"known": "value"}[key]


async def later(seconds: float) -> str:
    """Wait, then say so."""
    await asyncio.sleep(seconds)
    return f"waited {seconds}"


async def test_tools_are_called_until_the_model_answers() -> None:
    chat = lms.Chat("Be exact.")
    chat.add_user_message("What is 1 + 2, and 3 more?")
    script = rounds(call("add", {"a": 1, "b": 2}, "x"), call("add", {"a": 3, "b": 3}, "y"))
    async with scripted_server(script) as server, lms.AsyncClient(server.host) as client:
        model = await client.llm.model()
        done = await model.act(chat, [add], config={"temperature": 0}, on_message=chat.append)
    assert done.rounds == 3
    assert done.total_time_seconds > 0
    assert (tool_tasks(), tool_threads()) == ([], [])
    assert [message["role"] for message in history(server.scenes[2])] == [
        *("system", "user"),
        *("assistant", "tool") * 2,
    ]
    assert history(server.scenes[1])[2]["content"] == [
        {"type": "text", "text": "Hm."},
        {
            "type": "toolCallRequest",
            "toolCallRequest": {"type": "function", "name": "add", "id": "x", "arguments": {"a": 1, "b": 2}},
        },
    ]
    assert [results(scene) for scene in server.scenes[1:]] == [[("x", "3")], [("y", "6")]]
    assert [type(message) for message in chat.messages[2:]] == [lms.AssistantResponse, lms.ToolResultMessage] * 2 + [
        lms.AssistantResponse
    ]
    again = lms.Chat.from_history({"messages": history(server.scenes[2])})
    assert again.messages == chat.messages[:-1]


async def test_the_callers_chat_stays_as_it_is() -> None:
    chat = lms.Chat()
    chat.add_user_message("hi")
    async with scripted_server(rounds(call("add", {"a": 1}))) as server, lms.AsyncClient(server.host) as client:
        await (await client.llm.model()).act(chat, [add])
    assert len(chat) == 1


async def test_every_callback_comes_in_its_turn_with_its_round() -> None:
    heard: list[Any] = []

    def hear(name: str) -> Callable[..., None]:
        return lambda *arguments: heard.append((name, *arguments))

    async with scripted_server(rounds(call("add", {"a": 1}))) as server, lms.AsyncClient(server.host) as client:
        await (await client.llm.model()).act(
            "hi",
            [add],
            on_message=lambda message: heard.append(type(message)),
            on_first_token=hear("first"),
            on_prediction_fragment=lambda piece, index: heard.append((piece.content, index)),
            on_round_start=hear("start"),
            on_round_end=hear("end"),
            on_prediction_completed=lambda result: heard.append((result.content, result.round_index)),
            on_prompt_processing_progress=hear("progress"),
        )
    assert heard == [
        ("start", 0),
        *(("progress", 0.0, 0), ("progress", 1.0, 0), ("first", 0), ("Hm.", 0)),
        ("Hm.", 0),
        *(lms.AssistantResponse, lms.ToolResultMessage),
        ("end", 0),
        ("start", 1),
        *(("progress", 0.0, 1), ("progress", 1.0, 1), ("first", 1), ("All ", 1), ("done", 1)),
        ("All done", 1),
        lms.AssistantResponse,
        ("end", 1),
    ]


async def test_a_failing_callback_ends_nothing() -> None:
    def fail(*arguments: Any) -> None:
        raise RuntimeError("my own fault")

    async with scripted_server(rounds(call("add", {"a": 1}))) as server, lms.AsyncClient(server.host) as client:
        done = await (await client.llm.model()).act(
            "hi",
            [add],
            on_message=fail,
            on_first_token=fail,
            on_prediction_fragment=fail,
            on_round_start=fail,
            on_round_end=fail,
            on_prediction_completed=fail,
            on_prompt_processing_progress=fail,
        )
    assert done.rounds == 2


@pytest.mark.parametrize(
    ("packets", "told"),
    [
        (call("nothing"), "Cannot find tool with name nothing."),
        (call("add", {"a": "one"}), "Failed to parse arguments for tool add: Expected `int`, got `str` - at `$.a`"),
        (call("add"), "Failed to parse arguments for tool add: Object missing required field `a`"),
        (call("look_up", {"key": "x"}), "\"Unhandled Python exception: KeyError('x')\""),
    ],
)
async def test_a_call_that_comes_to_nothing_is_told_to_the_model(packets: list[dict[str, Any]], told: str) -> None:
    asked: list[Any] = []

    def handle(error: lms.LMStudioPredictionError, request: lms.ToolCallRequest | None) -> None:
        asked.append((error, request))

    for handler in (None, handle):
        async with scripted_server(rounds(packets)) as server, lms.AsyncClient(server.host) as client:
            await (await client.llm.model()).act("hi", [add, look_up], handle_invalid_tool_request=handler)
        assert results(server.scenes[1]) == [("1", told)]
    ((error, request),) = asked
    assert isinstance(error, lms.LMStudioPredictionError)
    assert str(error) == told.strip('"')
    assert request.id == "1"


async def test_the_handler_may_tell_the_model_something_else() -> None:
    packets = call("nothing", id="1") + call("look_up", {"key": "x"}, "2")
    async with scripted_server(rounds(packets)) as server, lms.AsyncClient(server.host) as client:
        await (await client.llm.model()).act(
            "hi", [look_up], handle_invalid_tool_request=lambda error, request: "No é."
        )
    assert results(server.scenes[1]) == [("1", "No é."), ("2", '"No é."')]


@pytest.mark.parametrize("packets", [call("nothing"), call("look_up", {"key": "x"}), call("add", {"a": []})])
async def test_what_the_handler_raises_ends_the_act(packets: list[dict[str, Any]]) -> None:
    def handle(error: lms.LMStudioPredictionError, request: lms.ToolCallRequest | None) -> None:
        raise error

    async with scripted_server(rounds(packets)) as server, lms.AsyncClient(server.host) as client:
        model = await client.llm.model()
        with pytest.raises(lms.LMStudioPredictionError) as raised:
            await model.act("hi", [add, look_up], handle_invalid_tool_request=handle)
        if "look_up" in str(packets):
            assert isinstance(raised.value.__cause__, KeyError)
        assert str(await model.respond("hi")) == "All done"


async def test_the_last_round_has_no_tools() -> None:
    packets = call("add", {"a": 1})
    async with scripted_server(rounds(packets, packets)) as server, lms.AsyncClient(server.host) as client:
        done = await (await client.llm.model()).act(
            "hi", [add], max_prediction_rounds=3, config={"toolChoice": {"type": "generic", "mode": "auto"}}
        )
    assert done.rounds == 3
    offered = [
        ("llm.prediction.tools" in settings(scene), "llm.prediction.toolChoice" in settings(scene))
        for scene in server.scenes
    ]
    assert offered == [(True, True), (True, True), (False, False)]


@pytest.mark.parametrize("handled", [True, False])
async def test_a_call_on_the_last_round_is_an_error(handled: bool) -> None:
    asked: list[lms.ToolCallRequest | None] = []
    chat = lms.Chat.from_history("hi")

    def handle(error: lms.LMStudioPredictionError, request: lms.ToolCallRequest | None) -> str:
        asked.append(request)
        return "told to nobody"

    script = rounds(call("add", {"a": 1}))
    async with scripted_server(script) as server, lms.AsyncClient(server.host) as client:
        with pytest.raises(lms.LMStudioPredictionError, match="final prediction round"):
            await (await client.llm.model()).act(
                chat,
                [add],
                max_prediction_rounds=1,
                on_message=chat.append,
                handle_invalid_tool_request=handle if handled else None,
            )
    assert [request and request.name for request in asked] == (["add", None] if handled else [])
    assert [type(message) for message in chat.messages[1:]] == [lms.AssistantResponse, lms.ToolResultMessage]


async def test_a_demanded_call_is_demanded_once() -> None:
    required = {"type": "generic", "mode": "required"}
    script = rounds(call("add", {"a": 1}), call("add", {"a": 1}))
    async with scripted_server(script) as server, lms.AsyncClient(server.host) as client:
        await (await client.llm.model()).act("hi", [add], config={"toolChoice": required})
    assert [settings(scene).get("llm.prediction.toolChoice") for scene in server.scenes] == [required, None, None]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_prediction_rounds": 0}, "max_prediction_rounds"),
        ({"max_parallel_tool_calls": 0}, "max_parallel_tool_calls"),
        ({"config": {"temprature": 1}}, "temperature"),
        ({"tools": []}, "at least one tool"),
    ],
)
async def test_wrong_options_are_refused_before_anything_is_asked(options: dict[str, Any], message: str) -> None:
    async with scripted_server(rounds()) as server, lms.AsyncClient(server.host) as client:
        model = await client.llm.model()
        with pytest.raises(lms.LMStudioValueError, match=message):
            await model.act("hi", **{"tools": [add]} | options)
        assert not server.scenes


async def test_a_preset_goes_along() -> None:
    async with scripted_server(rounds()) as server, lms.AsyncClient(server.host) as client:
        await (await client.llm.model()).act("hi", [add], preset="mine")
    assert server.scenes[0].parameter["fuzzyPresetIdentifier"] == "mine"


async def test_a_call_begins_while_the_model_still_writes() -> None:
    called = asyncio.Event()

    async def touch() -> str:
        """Touch it."""
        called.set()
        return "touched"

    async def script(scene: Scene) -> None:
        if len(history(scene)) > 1:
            await scene.say("Done")
            return
        await scene.send(*call("touch"))
        await asyncio.wait_for(called.wait(), 5)
        await scene.send(success("toolCalls"))
        await scene.close()

    async with scripted_server(script) as server, lms.AsyncClient(server.host) as client:
        await (await client.llm.model()).act("hi", [touch])
    assert results(server.scenes[1]) == [("1", '"touched"')]


async def test_results_come_in_the_order_in_which_the_calls_finished() -> None:
    first_may_end = asyncio.Event()

    async def first() -> str:
        """Be slow."""
        await first_may_end.wait()
        return "first"

    async def second() -> str:
        """Be quick."""
        asyncio.get_running_loop().call_soon(first_may_end.set)
        return "second"

    packets = call("first", id="a") + call("second", id="b")
    async with scripted_server(rounds(packets)) as server, lms.AsyncClient(server.host) as client:
        await (await client.llm.model()).act("hi", [first, second], max_parallel_tool_calls=2)
    assert results(server.scenes[1]) == [("b", '"second"'), ("a", '"first"')]


@pytest.mark.parametrize(("limit", "expected"), [(1, 1), (3, 3), (None, 10)])
@pytest.mark.parametrize("on_threads", [True, False])
async def test_no_more_calls_run_at_once_than_allowed(limit: int | None, expected: int, on_threads: bool) -> None:
    running = most = 0
    lock = threading.Lock()
    full = threading.Event()

    def enter() -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
            if running == expected:
                full.set()

    def leave() -> None:
        nonlocal running
        with lock:
            running -= 1

    def thread() -> None:
        """Wait for the others."""
        enter()
        assert full.wait(5)
        leave()

    async def task() -> None:
        """Wait for the others."""
        enter()
        await asyncio.wait_for(asyncio.to_thread(full.wait), 5)
        leave()

    tool = thread if on_threads else task
    packets = [packet for index in range(10) for packet in call(tool.__name__, id=str(index))]
    async with scripted_server(rounds(packets)) as server, lms.AsyncClient(server.host) as client:
        await (await client.llm.model()).act("hi", [tool], max_parallel_tool_calls=limit)
    assert most == expected
    assert sorted(results(server.scenes[1])) == [(str(index), "null") for index in range(10)]
    if limit == 1:
        assert [id for id, _ in results(server.scenes[1])] == [str(index) for index in range(10)]


async def test_calls_without_an_id_and_without_arguments_are_made() -> None:
    def now() -> str:
        """The time."""
        return "noon"

    packets = [{"type": "toolCallGenerationEnd", "toolCallRequest": {"type": "function", "name": "now"}}]
    async with scripted_server(rounds(packets)) as server, lms.AsyncClient(server.host) as client:
        await (await client.llm.model()).act("hi", [now])
    assert results(server.scenes[1]) == [(None, '"noon"')]


async def test_a_call_that_the_server_could_not_read_ends_the_act() -> None:
    asked: list[Any] = []

    async def script(scene: Scene) -> None:
        broken = {"type": "toolCallGenerationFailed", "error": failure("Not JSON")}
        await scene.send(*call("add", {"a": 1}), broken, success())

    async with scripted_server(script) as server, lms.AsyncClient(server.host) as client:
        model = await client.llm.model()
        with pytest.raises(lms.LMStudioPredictionError, match="Not JSON"):
            await model.act("hi", [add], handle_invalid_tool_request=lambda *told: asked.append(told))
        assert [request for _, request in asked] == [None]
        await asyncio.wait_for(server.scenes[0].cancelled.wait(), 5)
        server.script = rounds()
        assert str(await model.respond("hi")) == "All done"


async def test_a_lost_connection_is_the_callers_error_and_the_next_act_works() -> None:
    async def script(scene: Scene) -> None:
        await scene.send(fragment("half"), *call("later", {"seconds": 60}))
        await scene.drop()

    async with scripted_server(script) as server, lms.AsyncClient(server.host) as client:
        model = await client.llm.model()
        with pytest.raises(lms.LMStudioWebsocketError):
            await model.act("hi", [later])
        assert not tool_tasks()
        server.script = rounds(call("add", {"a": 1}))
        assert (await model.act("hi", [add])).rounds == 2


def tool_tasks() -> list[asyncio.Task[Any]]:
    return [task for task in asyncio.all_tasks() if task.get_name().startswith("lmchat-tool")]


def tool_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("lmchat-tool")]


async def test_cancelling_in_the_middle_of_an_answer_stops_the_server() -> None:
    async def script(scene: Scene) -> None:
        await scene.say_until_cancelled("one two")

    begun = asyncio.Event()
    async with scripted_server(script) as server, lms.AsyncClient(server.host) as client:
        model = await client.llm.model()
        acting = asyncio.create_task(model.act("hi", [add], on_first_token=lambda index: begun.set()))
        await begun.wait()
        acting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await acting
        await asyncio.wait_for(server.scenes[0].cancelled.wait(), 5)
        server.script = rounds()
        assert str(await model.respond("hi")) == "All done"


async def test_cancelling_stops_tools_that_can_be_stopped_and_drops_those_that_wait() -> None:
    ended = asyncio.Event()
    waiting = asyncio.Event()
    made = 0

    async def hang() -> None:
        """Never end."""
        nonlocal made
        made += 1
        waiting.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    packets = call("hang", id="1") + call("hang", id="2")
    async with scripted_server(rounds(packets)) as server, lms.AsyncClient(server.host) as client:
        model = await client.llm.model()
        acting = asyncio.create_task(model.act("hi", [hang]))
        await waiting.wait()
        acting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await acting
        assert ended.is_set()
        assert (made, tool_tasks()) == (1, [])
        assert str(await model.respond("hi")) == "All done"


async def test_cancelling_does_not_wait_for_a_thread_inside_a_tool() -> None:
    begun, may_end = threading.Event(), threading.Event()
    made = 0

    def block() -> None:
        """Block."""
        nonlocal made
        made += 1
        begun.set()
        may_end.wait(10)

    packets = call("block", id="1") + call("block", id="2")
    async with scripted_server(rounds(packets)) as server, lms.AsyncClient(server.host) as client:
        acting = asyncio.create_task((await client.llm.model()).act("hi", [block]))
        await asyncio.to_thread(begun.wait)
        acting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await acting
        assert not may_end.is_set()
        may_end.set()
        for thread in tool_threads():
            await asyncio.to_thread(thread.join)
    assert made == 1


async def test_an_error_waits_for_the_thread_inside_a_tool() -> None:
    begun, may_end = threading.Event(), threading.Event()
    ended = False

    def slow() -> None:
        """Take a while."""
        nonlocal ended
        begun.set()
        may_end.wait(10)
        ended = True

    def handle(error: lms.LMStudioPredictionError, request: lms.ToolCallRequest | None) -> None:
        asyncio.get_running_loop().call_later(0.02, may_end.set)
        raise error

    async def script(scene: Scene) -> None:
        await scene.send(*call("slow", id="1"))
        await asyncio.to_thread(begun.wait)
        await scene.send(*call("nothing", id="2"))

    async with scripted_server(script) as server, lms.AsyncClient(server.host) as client:
        with pytest.raises(lms.LMStudioPredictionError, match="nothing"):
            await (await client.llm.model()).act("hi", [slow], handle_invalid_tool_request=handle)
    assert ended
    assert not tool_threads()


async def test_a_tool_that_is_cancelled_by_its_own_doing_has_failed() -> None:
    async def give_up() -> None:
        """Give up."""
        raise asyncio.CancelledError

    async with scripted_server(rounds(call("give_up"))) as server, lms.AsyncClient(server.host) as client:
        await (await client.llm.model()).act("hi", [give_up])
    assert results(server.scenes[1]) == [("1", '"Unhandled Python exception: CancelledError()"')]


SPEAKER: ContextVar[str] = ContextVar("SPEAKER", default="nobody")


async def test_tools_see_the_callers_context() -> None:
    def who() -> str:
        """Who asks?"""
        return SPEAKER.get()

    async def who_later() -> str:
        """Who asks?"""
        return SPEAKER.get()

    SPEAKER.set("me")
    packets = call("who", id="1") + call("who_later", id="2")
    async with scripted_server(rounds(packets)) as server, lms.AsyncClient(server.host) as client:
        await (await client.llm.model()).act("hi", [who, who_later])
    assert results(server.scenes[1]) == [("1", '"me"'), ("2", '"me"')]


async def test_many_acts_at_once_do_not_mix() -> None:
    async def script(scene: Scene) -> None:
        messages = history(scene)
        number = int(messages[0]["content"][0]["text"])
        if len(messages) == 1:
            await scene.send(*call("add", {"a": number}, str(number)), success("toolCalls"))
            await scene.close()
        else:
            await scene.say(messages[-1]["content"][0]["content"])

    async def answer(model: lms.AsyncLLM, number: int) -> str:
        said: list[str] = []
        await model.act(str(number), [add], on_prediction_completed=lambda result: said.append(result.content))
        return said[-1]

    async with scripted_server(script) as server, lms.AsyncClient(server.host) as client:
        model = await client.llm.model()
        answers = await asyncio.gather(*(answer(model, number) for number in range(20)))
    assert answers == [str(number + 10) for number in range(20)]
