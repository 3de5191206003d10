"""A client that speaks in raw frames, to see what a server really sends."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from tests.engine.engines import ENDLESS, EngineProcess

HELLO = {"authVersion": 1, "clientIdentifier": "tester", "clientPasskey": "secret"}
ANY_MODEL = {"type": "query", "query": {}}


class Wire:
    """One socket, in JSON."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self._channels = itertools.count(100)

    def next_channel(self) -> int:
        """A channel that was not used."""
        return next(self._channels)

    async def send(self, **frame: Any) -> None:
        await self.socket.send(json.dumps(frame))

    async def receive(self) -> dict[str, Any]:
        async with asyncio.timeout(40):
            frame: dict[str, Any] = json.loads(await self.socket.recv(decode=True))
        return frame

    async def silent(self) -> bool:
        """Whether nothing was on its way: a keepalive is answered at once, and in order."""
        await self.send(type="keepAlive")
        return await self.receive() == {"type": "keepAliveAck"}

    async def call(self, endpoint: str, **parameter: Any) -> dict[str, Any]:
        await self.send(type="rpcCall", endpoint=endpoint, callId=1, **({"parameter": parameter} if parameter else {}))
        return await self.receive()

    async def predict(self, channel: int = 1, text: str = "Go on.", fields: list[Any] | None = None) -> None:
        if fields is None:
            fields = [{"key": "llm.prediction.structured", "value": ENDLESS}]
        layer = {"layerName": "apiOverride", "config": {"fields": fields}}
        parameter = {
            "modelSpecifier": ANY_MODEL,
            "history": {"messages": [{"role": "user", "content": [{"type": "text", "text": text}]}]},
            "predictionConfigStack": {"layers": [layer]},
        }
        await self.send(type="channelCreate", endpoint="predict", channelId=channel, creationParameter=parameter)

    async def packet(self, kind: str) -> dict[str, Any]:
        """The next packet of a kind."""
        while True:
            frame = await self.receive()
            if frame.get("message", {}).get("type") == kind:
                return frame


@asynccontextmanager
async def dial(engine: EngineProcess, namespace: str = "llm", **options: Any) -> AsyncIterator[Wire]:
    async with connect(engine.address.websocket_url(namespace), proxy=None, max_size=None, **options) as socket:
        yield Wire(socket)


@asynccontextmanager
async def session(engine: EngineProcess, namespace: str = "llm") -> AsyncIterator[Wire]:
    async with dial(engine, namespace) as wire:
        await wire.send(**HELLO)
        assert await wire.receive() == {"success": True}
        yield wire
