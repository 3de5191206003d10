"""One websocket of one client: the handshake, then calls and channels, each of them a task of its own."""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import Any, Final

import msgspec
from msgspec import UNSET
from starlette.websockets import WebSocket, WebSocketDisconnect

from lmchat.engine.faults import serialize
from lmchat.engine.serving.channel import ServerChannel
from lmchat.engine.serving.endpoints import Endpoints, Work
from lmchat.protocol import auth
from lmchat.protocol.auth import Credentials, Gatekeeper
from lmchat.protocol.multiplex import (
    Answer,
    CallRequested,
    ChannelMessage,
    ChannelOpened,
    ServerEvent,
    ServerProtocol,
    Warned,
)
from lmchat.values.safe_text import safe_line

HANDSHAKE_TIMEOUT: Final = 10.0
"""Seconds that a client has to say who it is."""
_POLICY_VIOLATION: Final = 1008

_log = logging.getLogger(__name__)


class Session:
    """Serves one socket until either side closes it; then everything that was being done for it stops."""

    def __init__(self, websocket: WebSocket, endpoints: Endpoints, gatekeeper: Gatekeeper) -> None:
        self._websocket = websocket
        self._endpoints = endpoints
        self._gatekeeper = gatekeeper
        self._protocol = ServerProtocol()
        self._channels: dict[int, ServerChannel] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Serve the socket. Never raises for what a client does."""
        await self._websocket.accept()
        try:
            client = await self._admit()
        except WebSocketDisconnect:
            return
        if client is None:
            return
        try:
            while True:
                await self._receive(await self._read())
        except WebSocketDisconnect:
            pass
        finally:
            await self._stop_all()
            self._gatekeeper.leave(client)

    async def _admit(self) -> Credentials | None:
        """Who the client is, or None when it may not enter and the socket is closed."""
        try:
            async with asyncio.timeout(HANDSHAKE_TIMEOUT):
                # Whatever comes before a handshake is ignored, as LM Studio does.
                while (client := auth.read_request(await self._read())) is None:
                    pass
        except TimeoutError:
            await self._websocket.close(_POLICY_VIOLATION)
            return None
        refusal = self._gatekeeper.enter(client)
        try:
            await self._send(auth.reply(refusal))
        except WebSocketDisconnect:
            if refusal is None:
                self._gatekeeper.leave(client)
            raise
        if refusal is None:
            return client
        await self._websocket.close(_POLICY_VIOLATION)
        return None

    async def _read(self) -> str | bytes:
        message = await self._websocket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1005))
        text: str | None = message.get("text")
        return message["bytes"] if text is None else text

    async def _send(self, message: str) -> None:
        try:
            await self._websocket.send_text(message)
        except RuntimeError as closed:  # this side has begun to close, for want of a pong
            raise WebSocketDisconnect from closed

    async def _receive(self, message: str | bytes) -> None:
        event = self._protocol.receive(message)
        match event:
            case CallRequested():
                event = self._call(event)
            case ChannelOpened():
                event = self._open(event)
            case ChannelMessage(channel_id, packet):
                if (channel := self._channels.get(channel_id)) is not None:
                    channel.deliver(packet)
            case Warned(text):
                _log.warning("a client complains: %s", safe_line(text))
        if isinstance(event, Answer):
            await self._send(event.text)

    def _call(self, request: CallRequested) -> ServerEvent | None:
        if (endpoint := self._endpoints.calls.get(request.endpoint)) is None:
            return self._protocol.warn(f"There is no endpoint {request.endpoint} to call.", "rpcEndpointUnknown")
        try:
            work = endpoint.bind(request.parameter)
        except msgspec.DecodeError as wrong:
            return self._protocol.warn(
                f"The parameter of {request.endpoint} does not fit: {wrong}", "rpcParameterTypeError"
            )
        self._begin(partial(self._answer, request.call_id, work))
        return None

    def _open(self, request: ChannelOpened) -> ServerEvent | None:
        channel_id, name = request.channel_id, request.endpoint
        if (endpoint := self._endpoints.channels.get(name)) is None:
            return self._protocol.refuse_channel(
                channel_id, f"There is no endpoint {name} to open a channel to.", "channelEndpointUnknown"
            )

        async def transmit(packet: Any) -> None:
            await self._send(self._protocol.send(channel_id, packet))

        channel = ServerChannel(transmit)
        try:
            work = endpoint.bind(request.parameter, channel)
        except msgspec.DecodeError as wrong:
            return self._protocol.refuse_channel(
                channel_id, f"The parameter of {name} does not fit: {wrong}", "channelCreationParameterTypeError"
            )
        self._channels[channel_id] = channel
        self._begin(partial(self._serve, channel_id, work))
        return None

    async def _answer(self, call_id: int, work: Work) -> None:
        try:
            result = await work()
            message = self._protocol.return_result(call_id, UNSET if result is None else result)
        except WebSocketDisconnect:
            raise
        except Exception as error:
            message = self._protocol.fail_call(call_id, serialize(error))
        await self._send(message)

    async def _serve(self, channel_id: int, work: Work) -> None:
        try:
            await work()
            message = self._protocol.close_channel(channel_id)
        except WebSocketDisconnect:
            raise
        except Exception as error:
            message = self._protocol.fail_channel(channel_id, serialize(error))
        finally:
            del self._channels[channel_id]
        await self._send(message)

    def _begin(self, work: Work) -> None:
        task = asyncio.create_task(self._unless_gone(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _unless_gone(self, work: Work) -> None:
        try:
            await work()
        except WebSocketDisconnect:
            return  # the reader sees it too, and ends the session

    async def _stop_all(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
