"""Acting in synchronous programs: the same course of events, with blocked waits and tools on threads."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

import lmchat as lms
from lmchat.client.portal import Portal
from tests.client.test_act import Script, add, call, look_up, results, rounds, tool_threads
from tests.scripted_server import Scene, ScriptedServer, fragment, scripted_server, success


@contextmanager
def serving(script: Script) -> Iterator[ScriptedServer]:
    """A scripted server on a thread of its own."""
    portal = Portal()
    server = scripted_server(script)
    try:
        yield portal.call(server.__aenter__())
    finally:
        portal.call(server.__aexit__(None, None, None))
        portal.close()


@contextmanager
def talking(script: Script) -> Iterator[tuple[ScriptedServer, lms.LLM]]:
    with serving(script) as server, lms.Client(server.host) as client:
        yield server, client.llm.model()


def test_tools_are_called_until_the_model_answers() -> None:
    chat = lms.Chat.from_history("What is 1 + 2?")
    with talking(rounds(call("add", {"a": 1, "b": 2}), call("add", {"a": 3}))) as (server, model):
        done = model.act(chat, [add], on_message=chat.append)
        assert done.rounds == 3
        assert [results(scene) for scene in server.scenes[1:]] == [[("1", "3")], [("1", "13")]]
    assert len(chat) == 6


def test_callbacks_run_on_the_calling_thread_and_tools_beside_it() -> None:
    heard: list[Any] = []
    called: list[int] = []

    def hear(*arguments: Any) -> None:
        heard.append(threading.get_ident())

    def tool() -> None:
        """Do it."""
        called.append(threading.get_ident())

    def handle(error: lms.LMStudioPredictionError, request: lms.ToolCallRequest | None) -> None:
        hear()

    with talking(rounds(call("tool") + call("nothing", id="2"))) as (_, model):
        model.act(
            "hi",
            [tool],
            on_message=hear,
            on_first_token=hear,
            on_prediction_fragment=hear,
            on_round_start=hear,
            on_round_end=hear,
            on_prediction_completed=hear,
            on_prompt_processing_progress=hear,
            handle_invalid_tool_request=handle,
        )
    assert set(heard) == {threading.get_ident()}
    assert len(heard) > 10
    assert not set(called) & {threading.get_ident()}


def test_a_tool_may_take_longer_than_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    answered = threading.Event()
    usual = Portal.timeout

    def slow() -> str:
        """Take a while."""
        assert answered.wait(10)
        time.sleep(0.05)
        monkeypatch.setattr(Portal, "timeout", usual)
        return "at last"

    def hurry(result: lms.PredictionRoundResult) -> None:
        if result.round_index == 0:
            monkeypatch.setattr(Portal, "timeout", 0.01)
            answered.set()

    with talking(rounds(call("slow"))) as (server, model):
        model.act("hi", [slow], on_prediction_completed=hurry)
        assert results(server.scenes[1]) == [("1", '"at last"')]


@pytest.mark.parametrize("limit", [4, None])
def test_calls_run_at_the_same_time(limit: int | None) -> None:
    together = threading.Barrier(4, timeout=5)

    def meet() -> int:
        """Meet the others."""
        return together.wait()

    packets = [packet for index in range(4) for packet in call("meet", id=str(index))]
    with talking(rounds(packets)) as (server, model):
        model.act("hi", [meet], max_parallel_tool_calls=limit)
        assert sorted(content for _, content in results(server.scenes[1])) == ["0", "1", "2", "3"]


def test_one_call_after_the_other_unless_asked_otherwise() -> None:
    running = threading.Lock()

    def alone() -> None:
        """Be alone."""
        assert running.acquire(blocking=False)
        time.sleep(0.001)
        running.release()

    packets = [packet for index in range(10) for packet in call("alone", id=str(index))]
    with talking(rounds(packets)) as (server, model):
        model.act("hi", [alone])
        assert results(server.scenes[1]) == [(str(index), "null") for index in range(10)]


def test_a_tool_may_ask_the_model_itself() -> None:
    with talking(rounds(call("ask"))) as (server, model):

        def ask() -> str:
            """Ask."""
            return str(model.respond("hi"))

        model.act("hi", [ask])
        assert results(server.scenes[2]) == [("1", '"All done"')]


def test_a_tool_that_must_be_awaited_is_refused() -> None:
    async def later() -> None:
        """Do it later."""

    with talking(rounds()) as (server, model):
        with pytest.raises(lms.LMStudioValueError, match="coroutine"):
            model.act("hi", [later])
        assert not server.scenes


def test_what_the_handler_raises_ends_the_act() -> None:
    def handle(error: lms.LMStudioPredictionError, request: lms.ToolCallRequest | None) -> None:
        raise error

    with talking(rounds(call("look_up", {"key": "x"}))) as (_, model):
        with pytest.raises(lms.LMStudioPredictionError, match=r"KeyError\('x'\)"):
            model.act("hi", [look_up], handle_invalid_tool_request=handle)
        assert not tool_threads()
        assert str(model.respond("hi")) == "All done"


def test_a_program_that_a_tool_ends_is_ended() -> None:
    def leave() -> None:
        """Leave."""
        sys.exit(3)

    with talking(rounds(call("leave"))) as (_, model):
        with pytest.raises(SystemExit):
            model.act("hi", [leave])
        assert str(model.respond("hi")) == "All done"


async def answer_until_cancelled(scene: Scene) -> None:
    await scene.say_until_cancelled("one two")


def test_an_interrupt_in_a_callback_stops_the_server() -> None:
    def interrupt(piece: lms.LlmPredictionFragment, index: int) -> None:
        raise KeyboardInterrupt

    with talking(answer_until_cancelled) as (server, model):
        with pytest.raises(KeyboardInterrupt):
            model.act("hi", [add], on_prediction_fragment=interrupt)
        assert stopped(server)
        server.script = rounds(call("add", {"a": 1}))
        assert model.act("hi", [add]).rounds == 2


def stopped(server: ScriptedServer) -> bool:
    """Whether the server is told to stop."""
    ends = time.monotonic() + 5
    while not server.scenes[0].cancelled.is_set() and time.monotonic() < ends:
        time.sleep(0.001)
    return server.scenes[0].cancelled.is_set()


def press_ctrl_c() -> None:
    os.kill(os.getpid(), signal.SIGINT)


@pytest.fixture
def interrupts() -> Iterator[None]:
    """Ctrl+C is an exception here, whatever the tests were started by."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


on_posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signal to send to oneself")


@on_posix
@pytest.mark.usefixtures("interrupts")
def test_ctrl_c_while_the_model_writes_stops_the_server() -> None:
    async def script(scene: Scene) -> None:
        asyncio.get_running_loop().call_later(0.05, press_ctrl_c)
        await scene.say_until_cancelled("one two")

    with talking(script) as (server, model):
        with pytest.raises(KeyboardInterrupt):
            model.act("hi", [add])
        assert stopped(server)
        server.script = rounds(call("add", {"a": 1}))
        assert model.act("hi", [add]).rounds == 2


@on_posix
@pytest.mark.usefixtures("interrupts")
def test_ctrl_c_while_a_tool_runs_drops_the_other_calls_and_does_not_wait() -> None:
    may_end = threading.Event()
    made: list[str] = []

    def block() -> None:
        """Block."""
        made.append("call")
        threading.Timer(0.05, press_ctrl_c).start()
        may_end.wait(10)

    with talking(rounds(call("block", id="1") + call("block", id="2"))) as (_, model):
        with pytest.raises(KeyboardInterrupt):
            model.act("hi", [block])
        assert not may_end.is_set()
        may_end.set()
        for thread in tool_threads():
            thread.join()
        assert made == ["call"]
        assert str(model.respond("hi")) == "All done"


def test_a_server_that_says_no_more_is_a_timeout_and_ends_the_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    async def script(scene: Scene) -> None:
        await scene.send(fragment("Hm."), *call("add", {"a": 1}))
        await asyncio.Event().wait()

    with talking(script) as (server, model):
        with pytest.raises(lms.LMStudioTimeoutError):
            model.act("hi", [add], on_first_token=lambda index: monkeypatch.setattr(Portal, "timeout", 0.5))
        assert stopped(server)
        assert not tool_threads()


def test_the_same_calls_are_made_by_both_kinds_of_programs() -> None:
    async def script(scene: Scene) -> None:
        await scene.send(success())
        await scene.close()

    def asked(act: Callable[[str], None]) -> dict[str, Any]:
        with serving(script) as server:
            act(server.host)
            return server.scenes[0].parameter

    def synchronous(host: str) -> None:
        with lms.Client(host) as client:
            client.llm.model().act("hi", [add, look_up], config={"maxTokens": 5})

    async def later(host: str) -> None:
        async with lms.AsyncClient(host) as client:
            await (await client.llm.model()).act("hi", [add, look_up], config={"maxTokens": 5})

    assert asked(synchronous) == asked(lambda host: asyncio.run(later(host)))
