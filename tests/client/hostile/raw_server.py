"""A server that sends what a test wants, message by message: honest answers, or what a test makes of them."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from enum import Enum
from typing import Any, TypeAlias

from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from lmchat.protocol.discovery import GREETING_BODY
from tests.scripted_server import INSTANCE, MODEL, STATS, fragment, progress, success


class Act(Enum):
    """What a server does besides sending."""

    CUT = "cut the socket"
    CLOSE = "close the socket in order"


Step: TypeAlias = str | bytes | Act
Change: TypeAlias = Callable[[list[Step], dict[str, Any]], Sequence[Step]]
"""What a test makes of the messages with which a request, the second argument, would be answered honestly."""

RESULTS: dict[str, Any] = {
    "listLoaded": [INSTANCE],
    "listDownloadedModels": [MODEL],
    "getModelInfo": INSTANCE,
    "getLoadConfig": {"fields": [{"key": "llm.load.contextLength", "value": 4096}]},
    "tokenize": {"tokens": [1, 2, 3]},
    "countTokens": {"tokenCount": 3},
    "applyPromptTemplate": {"formatted": "hi"},
    "version": {"version": "1", "build": 1},
    "unloadModel": None,
}
DETAILS = {
    "cachedTokenCount": 1,
    "totalPromptTokenCount": 4,
    "processedPromptTokenCount": 2,
    "unprocessedPromptTokenCount": 1,
}
PACKETS: dict[str, list[Any]] = {
    "predict": [
        progress(0.0),
        {**progress(0.5), "details": DETAILS},
        progress(1.0),
        fragment("Hm.", "reasoning"),
        fragment("Hello "),
        fragment("there "),
        fragment("you"),
        success(**STATS),
    ],
    "getOrLoad": [
        {"type": "startLoading", "identifier": "scripted-model", "info": MODEL},
        {"type": "loadProgress", "progress": 0.5},
        {"type": "loadSuccess", "info": INSTANCE},
    ],
}


def honest(request: dict[str, Any]) -> list[Step]:
    """The messages that answer a request."""
    match request:
        case {"type": "rpcCall", "endpoint": endpoint, "callId": call_id}:
            result = RESULTS[endpoint]
            return [
                json.dumps({"type": "rpcResult", "callId": call_id} | ({} if result is None else {"result": result}))
            ]
        case {"type": "channelCreate", "endpoint": endpoint, "channelId": channel_id}:
            packets = [{"type": "channelSend", "channelId": channel_id, "message": one} for one in PACKETS[endpoint]]
            return [json.dumps(one) for one in (*packets, {"type": "channelClose", "channelId": channel_id})]
    return []


class RawServer:
    """The running server."""

    def __init__(self) -> None:
        self.change: Change | None = None
        """None: all is honest."""
        self.handshake: Sequence[Step] = ('{"success":true}',)
        self.told: list[dict[str, Any]] = []
        """Every message of the clients, but for handshakes."""
        self.port = 0
        self.open = 0
        """Sockets."""

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    async def serve(self, socket: ServerConnection) -> None:
        self.open += 1
        try:
            with contextlib.suppress(ConnectionClosed):
                await socket.recv()
                await self._play(socket, self.handshake)
                async for message in socket:
                    request = json.loads(message)
                    self.told.append(request)
                    steps = honest(request)
                    await self._play(socket, self.change(steps, request) if self.change and steps else steps)
        finally:
            self.open -= 1

    async def _play(self, socket: ServerConnection, steps: Sequence[Step]) -> None:
        for step in steps:
            match step:
                case Act.CUT:
                    # What was sent before is to arrive: the end of the stream, and not a reset, follows it.
                    socket.transport.close()
                    await socket.wait_closed()
                    return
                case Act.CLOSE:
                    await socket.close()
                    return
                case _:
                    await socket.send(step)

    @staticmethod
    def greet(connection: ServerConnection, request: Request) -> Response | None:
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return None
        return Response(200, "OK", Headers({"Content-Length": str(len(GREETING_BODY))}), GREETING_BODY)


@asynccontextmanager
async def raw_server() -> AsyncIterator[RawServer]:
    """A raw server on a free port of this machine."""
    server = RawServer()
    async with serve(
        server.serve, "127.0.0.1", 0, process_request=server.greet, compression=None, max_size=None, close_timeout=0.2
    ) as listening:
        server.port = next(iter(listening.sockets)).getsockname()[1]
        yield server
