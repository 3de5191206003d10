"""A server of LM Studio's protocol that says what a script tells it: our own `ServerProtocol` behind a real socket.

For what the real engine cannot be made to do: to misbehave, to be slow, to have tools.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from lmchat.protocol import auth
from lmchat.protocol.discovery import GREETING_BODY, GREETING_PATH
from lmchat.protocol.errors import SerializedError, model_not_found
from lmchat.protocol.multiplex import Answer, CallRequested, ChannelMessage, ChannelOpened, ServerProtocol

INSTANCE: dict[str, Any] = {
    "type": "llm",
    "modelKey": "scripted-model",
    "format": "gguf",
    "displayName": "Scripted Model",
    "publisher": "tests",
    "path": "tests/scripted/model.gguf",
    "sizeBytes": 1_000_000,
    "indexedModelIdentifier": "tests/scripted/model.gguf",
    "deviceIdentifier": None,
    "paramsString": "1B",
    "architecture": "llama",
    "quantization": {"name": "Q4_K_M", "bits": 4},
    "vision": False,
    "trainedForToolUse": False,
    "maxContextLength": 8192,
    "identifier": "scripted-model",
    "instanceReference": "ref",
    "ttlMs": None,
    "lastUsedTime": None,
    "contextLength": 4096,
}
MODEL = {
    key: value
    for key, value in INSTANCE.items()
    if key not in {"identifier", "instanceReference", "ttlMs", "lastUsedTime", "contextLength"}
}


def fragment(content: str, reasoning: str = "none", tokens: int = 1) -> dict[str, Any]:
    return {
        "type": "fragment",
        "fragment": {
            "content": content,
            "tokensCount": tokens,
            "containsDrafted": False,
            "reasoningType": reasoning,
            "isStructural": False,
        },
    }


def progress(value: float) -> dict[str, Any]:
    return {"type": "promptProcessingProgress", "progress": value}


def success(stop_reason: str = "eosFound", **stats: Any) -> dict[str, Any]:
    return {
        "type": "success",
        "stats": {"stopReason": stop_reason, **stats},
        "modelInfo": INSTANCE,
        "loadModelConfig": {"fields": [{"key": "llm.load.contextLength", "value": 4096}]},
        "predictionConfig": {"fields": []},
    }


STATS: dict[str, Any] = {
    "tokensPerSecond": 42.0,
    "timeToFirstTokenSec": 0.5,
    "promptTokensCount": 10,
    "predictedTokensCount": 3,
    "totalTokensCount": 13,
}


class Scene:
    """One predict channel, as a script sees it."""

    def __init__(self, socket: ServerConnection, protocol: ServerProtocol, opened: ChannelOpened) -> None:
        self._socket = socket
        self._protocol = protocol
        self._id = opened.channel_id
        self.parameter: dict[str, Any] = decoded(opened.parameter)
        self.cancelled = asyncio.Event()

    async def send(self, *packets: Any) -> None:
        for packet in packets:
            await self._socket.send(self._protocol.send(self._id, packet))

    async def close(self) -> None:
        await self._socket.send(self._protocol.close_channel(self._id))

    async def fail(self, error: SerializedError) -> None:
        await self._socket.send(self._protocol.fail_channel(self._id, error))

    async def drop(self) -> None:
        """Cut the connection without a word."""
        self._socket.transport.abort()

    async def say(self, text: str) -> None:
        """An ordinary answer: a word at a time, then its figures."""
        await self.send(progress(0.0), progress(1.0))
        words = text.split(" ")
        for index, word in enumerate(words):
            await self.send(fragment(word + (" " if index < len(words) - 1 else "")))
        await self.send(success(**STATS | {"predictedTokensCount": len(words)}))
        await self.close()

    async def say_until_cancelled(self, text: str) -> None:
        """The beginning of an answer, which goes no further until it is stopped."""
        await self.send(progress(1.0), *(fragment(word + " ") for word in text.split()))
        await self.cancelled.wait()
        await self.send(success("userStopped", **STATS))
        await self.close()


Script = Callable[[Scene], Awaitable[None]]


class ScriptedServer:
    """The running server; `scenes` are the predictions that were asked for."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.scenes: list[Scene] = []
        self.handshakes: list[auth.Credentials] = []
        self.calls: list[tuple[str, Any]] = []
        self.loaded: list[dict[str, Any]] = [INSTANCE]
        self.silent: set[str] = set()
        self.answers: dict[str, Any] = {}
        """Results of further calls by endpoint: a value, a function of the parameter, or an error."""
        self.packets: dict[str, list[Any]] = {}
        """What further channels send, by endpoint, before they close; they wait for a word at a None."""
        self.opened: list[tuple[str, Any]] = []
        self.told: list[tuple[str, Any]] = []
        """What was sent on further channels, by endpoint."""
        self.prefix = ""
        self.greets = True
        self.refuses: str | None = None
        self.port = 0
        self._sockets: set[ServerConnection] = set()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def drop_all(self) -> None:
        for socket in self._sockets:
            socket.transport.abort()

    def answer_http(self, connection: ServerConnection, request: Request) -> Response | None:
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return None
        body = (
            GREETING_BODY
            if request.path == self.prefix + GREETING_PATH and self.greets
            else b'{"error":"unknown path"}'
        )
        return Response(
            200, "OK", Headers({"Content-Type": "application/json", "Content-Length": str(len(body))}), body
        )

    async def serve(self, socket: ServerConnection) -> None:
        self._sockets.add(socket)
        tasks: set[asyncio.Task[None]] = set()
        scenes: dict[int, Scene] = {}
        channels: dict[int, tuple[str, asyncio.Event]] = {}
        protocol = ServerProtocol()
        with contextlib.suppress(ConnectionClosed):
            credentials = auth.read_request(await socket.recv())
            assert credentials is not None
            self.handshakes.append(credentials)
            await socket.send(auth.reply(self.refuses))
            async for message in socket:
                match protocol.receive(message):
                    case CallRequested() as call:
                        await self._call(socket, protocol, call)
                    case ChannelOpened(endpoint="predict") as opened:
                        scene = scenes[opened.channel_id] = Scene(socket, protocol, opened)
                        self.scenes.append(scene)
                        tasks.add(asyncio.create_task(self._play(scene)))
                    case ChannelOpened(channel_id, endpoint) as opened if endpoint in self.packets:
                        self.opened.append((endpoint, decoded(opened.parameter)))
                        channels[channel_id] = endpoint, asyncio.Event()
                        tasks.add(
                            asyncio.create_task(self._send_packets(socket, protocol, opened, channels[channel_id][1]))
                        )
                    case ChannelOpened(endpoint="getOrLoad") as opened:
                        self.opened.append(("getOrLoad", decoded(opened.parameter)))
                        await self._load(socket, protocol, opened)
                    case ChannelMessage(channel_id=channel_id, message=packet) if channel_id in channels:
                        endpoint, heard = channels[channel_id]
                        self.told.append((endpoint, decoded(packet)))
                        heard.set()
                    case ChannelMessage(channel_id=channel_id):
                        scenes[channel_id].cancelled.set()
                    case Answer(text):
                        await socket.send(text)
        for task in tasks:
            task.cancel()
        self._sockets.discard(socket)

    async def _play(self, scene: Scene) -> None:
        with contextlib.suppress(ConnectionClosed):
            await self.script(scene)

    async def _call(self, socket: ServerConnection, protocol: ServerProtocol, call: CallRequested) -> None:
        self.calls.append((call.endpoint, decoded(call.parameter)))
        if call.endpoint in self.silent:
            return
        if call.endpoint in self.answers:
            await socket.send(self._answer(protocol, call))
            return
        match call.endpoint:
            case "listLoaded":
                assert socket.request is not None
                namespace = socket.request.path.rpartition("/")[2]
                reply = protocol.return_result(call.call_id, [one for one in self.loaded if one["type"] == namespace])
            case "listDownloadedModels":
                reply = protocol.return_result(call.call_id, [MODEL, {"type": "unheard-of"}])
            case "getModelInfo":
                reply = protocol.return_result(call.call_id, INSTANCE)
            case _:
                reply = protocol.fail_call(call.call_id, model_not_found({}, []))
        await socket.send(reply)

    def _answer(self, protocol: ServerProtocol, call: CallRequested) -> str:
        answer = self.answers[call.endpoint]
        if callable(answer):
            answer = answer(decoded(call.parameter))
        if isinstance(answer, SerializedError):
            return protocol.fail_call(call.call_id, answer)
        return protocol.return_result(call.call_id, answer)

    async def _send_packets(
        self, socket: ServerConnection, protocol: ServerProtocol, opened: ChannelOpened, heard: asyncio.Event
    ) -> None:
        with contextlib.suppress(ConnectionClosed):
            for packet in self.packets[opened.endpoint]:
                if packet is None:
                    await heard.wait()
                else:
                    await socket.send(protocol.send(opened.channel_id, packet))
            await socket.send(protocol.close_channel(opened.channel_id))

    async def _load(self, socket: ServerConnection, protocol: ServerProtocol, opened: ChannelOpened) -> None:
        identifier = decoded(opened.parameter)["identifier"]
        if identifier != INSTANCE["modelKey"]:
            await socket.send(protocol.fail_channel(opened.channel_id, model_not_found({"identifier": identifier}, [])))
            return
        for packet in (
            {"type": "startLoading", "identifier": identifier, "info": MODEL},
            {"type": "loadProgress", "progress": 0.5},
            {"type": "loadSuccess", "info": INSTANCE},
        ):
            await socket.send(protocol.send(opened.channel_id, packet))
        await socket.send(protocol.close_channel(opened.channel_id))


@asynccontextmanager
async def scripted_server(script: Script, port: int = 0) -> AsyncIterator[ScriptedServer]:
    """A scripted server on a free port of this machine, or on the one given."""
    server = ScriptedServer(script)
    async with serve(
        server.serve,
        "127.0.0.1",
        port,
        process_request=server.answer_http,
        compression=None,
        max_size=None,
        close_timeout=0.2,
    ) as listening:
        server.port = next(iter(listening.sockets)).getsockname()[1]
        yield server
        server.drop_all()


def decoded(payload: Any) -> Any:
    return None if payload is msgspec.UNSET else msgspec.json.decode(payload)
