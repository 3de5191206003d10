"""Servers that answer what was not asked, or nothing at all, and programs that do not listen."""

from __future__ import annotations

import asyncio
import concurrent.futures
import gc
import json
import signal
import subprocess
import sys
import threading
from typing import Any

import pytest

import lmchat as lms
from lmchat.client import channel, namespace
from lmchat.client.async_stream import AsyncPredictionStream
from tests.client.hostile.raw_server import RawServer, Step, raw_server
from tests.scripted_server import Scene, fragment, scripted_server, success
from tests.signals import hears_ctrl_c

WHOLE = "Hm.Hello there you"
NOISE: dict[str, Step] = {
    "not JSON": "{nothing",
    "empty": "",
    "bytes that are no text": b"\xff\xfe\x00",
    "a list": "[1,2]",
    "null": "null",
    "no type": "{}",
    "a type of no kind": '{"type":7}',
    "an unknown type": '{"type":"riddle","channelId":1}',
    "nested without end": "[" * 100_000,
    "a packet on no channel": '{"type":"channelSend","channelId":99,"message":{"type":"success"}}',
    "a packet on a channel below": '{"type":"channelSend","channelId":-1,"message":{}}',
    "a huge id": '{"type":"channelSend","channelId":1e300,"message":{}}',
    "the end of another channel": '{"type":"channelClose","channelId":99}',
    "the failure of another channel": '{"type":"channelError","channelId":99,"error":{}}',
    "a result nobody waits for": '{"type":"rpcResult","callId":99,"result":1}',
    "an error nobody waits for": '{"type":"rpcError","callId":99,"error":{"title":"x"}}',
    "a packet of an unknown kind": '{"type":"channelSend","channelId":1,"message":{"type":"riddle"}}',
    "a packet without a kind": '{"type":"channelSend","channelId":1,"message":{}}',
    "a packet that is null": '{"type":"channelSend","channelId":1,"message":null}',
    "a fragment without text": '{"type":"channelSend","channelId":1,"message":{"type":"fragment","fragment":{}}}',
    "a warning": '{"type":"communicationWarning","warning":"mind"}',
    "a warning of no kind": '{"type":"communicationWarning","warning":{}}',
    "an acknowledgement": '{"type":"channelAck","channelId":1,"ackId":1}',
    "a sign of life": '{"type":"keepAliveAck"}',
    "a signal": '{"type":"signalUpdate","subscribeId":1,"patches":[],"tags":[]}',
}


@pytest.mark.parametrize("name", NOISE)
async def test_noise_between_messages_is_left_out(name: str) -> None:
    async with raw_server() as server, asyncio.timeout(60), lms.AsyncClient(server.host) as client:
        server.change = lambda steps, request: [part for step in steps for part in (NOISE[name], step, NOISE[name])]
        assert [model.identifier for model in await client.llm.list_loaded()] == ["scripted-model"]
        model = await client.llm.model()
        assert (await model.respond("hi")).content == WHOLE
        assert await model.count_tokens("hi") == 3


NO_TOKENS: tuple[Any, ...] = (None, 7, "x", [], {}, {"tokens": None}, {"tokens": ["a"]}, {"tokens": {}})


@pytest.mark.parametrize(
    ("result", "said"),
    [
        *(
            (json.dumps({"type": "rpcResult", "callId": 0, "result": wrong}), "answered tokenize with something else")
            for wrong in NO_TOKENS
        ),
        ('{"type":"rpcResult","callId":0}', "answered tokenize with something else"),
        ('{"type":"rpcError","callId":0,"error":{}}', "Unknown error"),
        ('{"type":"rpcError","callId":0,"error":{"title":7,"displayData":[],"cause":{}}}', "Unknown error"),
        ('{"type":"rpcError","callId":0,"error":{"title":"No","suggestion":"Ask again"}}', "No\nAsk again"),
        ('{"type":"rpcError","callId":0,"error":{"displayData":{"code":{}}}}', "Unknown error"),
    ],
)
async def test_a_result_that_is_none_is_an_error_and_the_next_call_works(result: str, said: str) -> None:
    def wrong(steps: list[Step], request: dict[str, Any]) -> list[Step]:
        if request["endpoint"] != "tokenize":
            return steps
        return [json.dumps(json.loads(result) | {"callId": request["callId"]})]

    async with raw_server() as server, asyncio.timeout(60), lms.AsyncClient(server.host) as client:
        model = await client.llm.model()
        server.change = wrong
        with pytest.raises(lms.LMStudioServerError, match=said):
            await model.tokenize("a")
        server.change = None
        assert await model.tokenize("a") == [1, 2, 3]


async def test_packets_after_the_end_change_nothing() -> None:
    late = ['{"type":"channelSend","channelId":1,"message":{"type":"fragment","fragment":{"content":"late"}}}'] * 3

    async with raw_server() as server, asyncio.timeout(60), lms.AsyncClient(server.host) as client:
        model = await client.llm.model()
        server.change = lambda steps, request: [*steps, *late, *steps]
        for _ in range(3):
            assert (await model.respond("hi")).content == WHOLE
        assert await model.count_tokens("a") == 3


async def test_a_channel_that_closes_without_its_last_packet() -> None:
    def without(steps: list[Step], request: dict[str, Any]) -> list[Step]:
        return [step for step in steps if '"success"' not in str(step) and "loadSuccess" not in str(step)]

    async with raw_server() as server, asyncio.timeout(60), lms.AsyncClient(server.host) as client:
        model = await client.llm.model()
        server.change = without
        with pytest.raises(lms.LMStudioChannelClosedError, match="before the answer was complete"):
            await model.respond("hi")
        with pytest.raises(lms.LMStudioError):
            await client.llm.model("scripted-model")
        server.change = None
        assert (await model.respond("hi")).content == WHOLE


def silent(*endpoints: str, after: int = 0) -> Any:
    return lambda steps, request: steps[:after] if request["endpoint"] in endpoints else steps


@pytest.mark.parametrize("after", [0, 1, 5])
async def test_a_server_that_falls_silent_is_not_waited_for(monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    async with raw_server() as server, asyncio.timeout(60), lms.AsyncClient(server.host) as client:
        model = await client.llm.model()
        server.change = silent("predict", "tokenize", "getOrLoad", after=after)
        with monkeypatch.context() as hasty:
            hasty.setattr(channel, "PATIENCE", 0.3)
            hasty.setattr(namespace, "CALL_TIMEOUT", 0.3)
            with pytest.raises(lms.LMStudioTimeoutError, match="silent"):
                await model.respond("hi")
            if not after:
                with pytest.raises(lms.LMStudioTimeoutError, match="silent"):
                    await client.llm.model("scripted-model")
                with pytest.raises(lms.LMStudioTimeoutError, match="tokenize"):
                    await model.tokenize("a")
        await told(server, "cancel")
        server.change = None
        assert (await model.respond("hi")).content == WHOLE


async def told(server: RawServer, kind: str) -> None:
    """Wait until the server has been told so."""
    while not any(message.get("message", {}).get("type") == kind for message in server.told):  # noqa: ASYNC110
        await asyncio.sleep(0.01)


async def test_a_synchronous_program_waits_as_long_as_it_wants(monkeypatch: pytest.MonkeyPatch) -> None:
    def program(host: str) -> None:
        with lms.Client(host) as client:
            model = client.llm.model()
            server.change = silent("predict", after=4)
            lms.set_sync_api_timeout(0.3)
            with pytest.raises(lms.LMStudioTimeoutError, match=r"0\.3 seconds"):
                model.respond("hi")
            server.change = None
            lms.set_sync_api_timeout(30)
            assert model.respond("hi").content == WHOLE

    before = lms.get_sync_api_timeout()
    try:
        async with raw_server() as server, asyncio.timeout(60):
            await asyncio.to_thread(program, server.host)
            await told(server, "cancel")
    finally:
        lms.set_sync_api_timeout(before)


# Programs that do not listen


async def endless(scene: Scene) -> None:
    while not scene.cancelled.is_set():
        await scene.send(fragment("word "))
        await asyncio.sleep(0)
    await scene.send(success("userStopped"))
    await scene.close()


async def left(server: Any) -> None:
    """Wait until the server has been told that nobody listens any more."""
    async with asyncio.timeout(30):
        await server.scenes[-1].cancelled.wait()


async def test_a_stream_that_is_left_in_any_way_tells_the_server() -> None:
    async with scripted_server(endless) as server, lms.AsyncClient(server.host) as client:
        model = await client.llm.model()

        async for _ in model.respond_stream("leave by break"):
            break
        await left(server)

        with pytest.raises(ZeroDivisionError):
            async for _ in model.respond_stream("leave by an error"):
                raise ZeroDivisionError
        await left(server)

        async with model.respond_stream("leave the block"):
            pass
        await left(server)

        stream: AsyncPredictionStream | None = await model.respond_stream("start and forget")
        assert stream is not None
        stream = None
        gc.collect()
        await left(server)

        async def read() -> None:
            async for _ in model.respond_stream("be cancelled"):
                pass

        task = asyncio.create_task(read())
        while len(server.scenes) < 5:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.wait([task])
        await left(server)
    assert len(server.scenes) == 5


async def test_a_synchronous_stream_that_is_left_in_any_way_tells_the_server() -> None:
    def program(host: str, step: int) -> None:
        with lms.Client(host) as client:
            model = client.llm.model()
            match step:
                case 0:
                    for _ in model.respond_stream("leave by break"):
                        break
                case 1:
                    with pytest.raises(ZeroDivisionError):
                        for _ in model.respond_stream("leave by an error"):
                            raise ZeroDivisionError
                case 2:
                    with model.respond_stream("leave the block"):
                        pass
                case 3:
                    stream = model.respond_stream("start and forget")
                    stream.start()
                    del stream
                    gc.collect()
            heard.wait(30)

    async with scripted_server(endless) as server:
        for step in range(4):
            heard = threading.Event()
            running = asyncio.create_task(asyncio.to_thread(program, server.host, step))
            while len(server.scenes) <= step:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            await left(server)
            heard.set()
            await running


async def test_a_slow_reader_meets_a_limit_and_not_the_end_of_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel, "BACKLOG", 100_000)
    async with scripted_server(endless) as server, lms.AsyncClient(server.host) as client:
        model = await client.llm.model()
        seen = 0
        with pytest.raises(lms.LMStudioClientError, match="faster than it was read"):
            async for _ in model.respond_stream("hi"):
                if not seen:
                    # The reader sleeps while the server talks on, until the limit is met.
                    await left(server)
                seen += 1
        assert 100 < seen < 2_000
        assert [found.identifier for found in await client.llm.list_loaded()] == ["scripted-model"]


PROGRAM = """
import sys, lmchat as lms
with lms.Client(sys.argv[1]) as client:
    model = client.llm.model()
    try:
        for fragment in model.respond_stream("hi"):
            print(fragment.content, flush=True)
    except KeyboardInterrupt:
        print("interrupted", flush=True)
    print(client.llm.list_loaded()[0].identifier)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signal to send")
async def test_ctrl_c_ends_a_wait_at_once_and_the_client_lives_on() -> None:
    async def begun(scene: Scene) -> None:
        await scene.say_until_cancelled("one")

    async with scripted_server(begun) as server:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", PROGRAM, server.host),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            **hears_ctrl_c(),
        )
        assert process.stdout is not None
        async with asyncio.timeout(60):
            assert await process.stdout.readline() == b"one \n"
            process.send_signal(signal.SIGINT)
            rest, errors = await process.communicate()
            await left(server)
    assert (rest, errors) == (b"interrupted\nscripted-model\n", b"")


async def test_a_client_that_is_closed_by_another_thread_lets_nobody_wait() -> None:
    def program(host: str) -> None:
        client = lms.Client(host)
        model = client.llm.model()
        waiting.set_result(client)
        with pytest.raises(lms.LMStudioError, match=r"was closed|was lost"):
            model.respond("hi")

    waiting: concurrent.futures.Future[lms.Client] = concurrent.futures.Future()
    async with raw_server() as server, asyncio.timeout(60):
        server.change = silent("predict", after=2)
        running = asyncio.create_task(asyncio.to_thread(program, server.host))
        client = await asyncio.wrap_future(waiting)
        while not any(message["type"] == "channelCreate" for message in server.told):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        await asyncio.to_thread(client.close)
        await running
