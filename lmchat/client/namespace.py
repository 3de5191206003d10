"""One websocket to one namespace of a server: it connects on first use, and again on the next use after a loss."""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from functools import partial
from typing import Any, Final, TypeVar

import msgspec
from msgspec import UNSET, Raw
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI
from websockets.protocol import State

from lmchat.client.address import ServerAddress
from lmchat.client.channel import CANCEL, Channel, PacketT
from lmchat.protocol import auth
from lmchat.protocol.errors import UNREADABLE, exception
from lmchat.protocol.multiplex import (
    CallFailed,
    CallReturned,
    ChannelClosed,
    ChannelFailed,
    ChannelMessage,
    ClientEvent,
    ClientProtocol,
    Warned,
)
from lmchat.values.errors import (
    LMStudioServerError,
    LMStudioTimeoutError,
    LMStudioWebsocketError,
)

CONNECT_TIMEOUT: Final = 10.0
"""Seconds for the connection and the handshake."""
CALL_TIMEOUT: Final = 60.0
"""Seconds that a call may take. The protocol answers a call to an unknown endpoint with silence."""
SEND_TIMEOUT: Final = 60.0
"""Seconds that a server may take to accept a message, more for a large one: `_SLOWEST` bytes a second."""
MAX_MESSAGE: Final = 128 * 2**20
"""Bytes of one message from a server; none that the protocol knows comes near it."""
_SLOWEST: Final = 100_000
_TURN: Final = 0.004
"""Seconds of ready messages after which the event loop gets a turn: a flood must not starve the screen."""

ResultT = TypeVar("ResultT")

_log = logging.getLogger(__name__)


class Namespace:
    """Calls and channels of one namespace, over one websocket."""

    def __init__(self, address: ServerAddress, name: str, credentials: auth.Credentials) -> None:
        self._address = address
        self._name = name
        self._credentials = credentials
        self._protocol = ClientProtocol()
        self._connection: ClientConnection | None = None
        self._connecting = asyncio.Lock()
        self._reader: asyncio.Task[None] | None = None
        self._calls: dict[int, asyncio.Future[Raw | msgspec.UnsetType]] = {}
        self._channels: dict[int, Channel[Any]] = {}

    async def call(
        self, endpoint: str, parameter: Any = UNSET, *, result: type[ResultT], timeout: float | None = None
    ) -> ResultT:
        """Call an endpoint and wait for its result; a void result reads as null.

        Raises:
            LMStudioServerError: the server reports an error, or answers something that does not fit.
            LMStudioWebsocketError: the server is not reachable, or the connection was lost meanwhile.
            LMStudioTimeoutError: no answer came in time.
        """
        timeout = CALL_TIMEOUT if timeout is None else timeout
        connection = await self._connected()
        call_id, message = self._protocol.call(endpoint, parameter)
        waiting = self._calls[call_id] = asyncio.get_running_loop().create_future()
        try:
            await self._transmit(connection, message)
            async with asyncio.timeout(timeout):
                answer = await waiting
        except TimeoutError:
            raise LMStudioTimeoutError(
                f"{self._address} gave no answer to {endpoint} within {timeout:.0f} seconds. "
                "It may be busy, or too old to know the request."
            ) from None
        finally:
            self._calls.pop(call_id, None)
        try:
            return msgspec.json.decode(b"null" if answer is UNSET else answer, type=result)
        except UNREADABLE as wrong:
            raise LMStudioServerError(f"{self._address} answered {endpoint} with something else: {wrong}.") from None

    async def open_channel(
        self,
        endpoint: str,
        parameter: Any,
        decoder: msgspec.json.Decoder[PacketT],
        *,
        origin: str,
        stop: Any = CANCEL,
        patient: bool = False,
    ) -> Channel[PacketT]:
        """Open a channel; the last three arguments as in `Channel`."""
        connection = await self._connected()
        channel_id, message = self._protocol.open_channel(endpoint, parameter)
        channel = self._channels[channel_id] = Channel(
            partial(self.send, channel_id),
            partial(self.forget, channel_id),
            decoder,
            origin=origin,
            stop=stop,
            patient=patient,
        )
        try:
            await self._transmit(connection, message)
        except BaseException:
            self.forget(channel_id)
            raise
        return channel

    async def send(self, channel_id: int, message: Any) -> None:
        """Send a packet on an open channel; the socket that it belonged to may be gone."""
        if self._connection is not None:
            await self._transmit(self._connection, self._protocol.send(channel_id, message))

    def forget(self, channel_id: int) -> None:
        """Drop what may still come on a channel."""
        self._channels.pop(channel_id, None)

    async def close(self) -> None:
        """Close the socket, if there is one."""
        if self._connection is not None:
            await self._connection.close()
        if self._reader is not None:
            await self._reader

    async def _connected(self) -> ClientConnection:
        async with self._connecting:
            if self._connection is not None and self._connection.state is not State.OPEN and self._reader is not None:
                # It was lost a moment ago, and whoever waits on it has not been told yet.
                await asyncio.wait([self._reader])
            if self._connection is None:
                self._connection = await self._connect()
                self._protocol = ClientProtocol()
                self._reader = asyncio.create_task(self._read(self._connection), name=f"lmchat-{self._name}")
            return self._connection

    async def _connect(self) -> ClientConnection:
        try:
            connection = await connect(
                self._address.websocket_url(self._name),
                compression=None,
                max_size=MAX_MESSAGE,
                open_timeout=CONNECT_TIMEOUT,
                close_timeout=1,
                proxy=None if self._address.is_loopback else True,
            )
        except (OSError, InvalidHandshake, InvalidURI, ssl.SSLError) as wrong:
            raise LMStudioWebsocketError(
                f"LM Studio is not reachable at {self._address} ({_reason(wrong)}). Is LM Studio running?"
            ) from wrong
        try:
            await self._authenticate(connection)
        except BaseException:
            await connection.close()
            raise
        return connection

    async def _authenticate(self, connection: ClientConnection) -> None:
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT):
                await connection.send(auth.request(self._credentials))
                reply = auth.read_reply(await connection.recv())
        except TimeoutError:
            raise LMStudioWebsocketError(f"{self._address} did not finish the handshake. Is it LM Studio?") from None
        except ConnectionClosed as lost:
            raise LMStudioWebsocketError(f"{self._address} hung up during the handshake. Is it LM Studio?") from lost
        if not reply.success:
            raise LMStudioServerError(
                f"Authentication failed: {self._address} says: {reply.error or 'no reason given'}. "
                "Set LM_API_TOKEN to a token made in LM Studio's settings."
            )

    async def _transmit(self, connection: ClientConnection, message: str) -> None:
        try:
            async with asyncio.timeout(SEND_TIMEOUT + len(message) / _SLOWEST):
                await connection.send(message)
        except ConnectionClosed as lost:
            raise self._lost() from lost
        except TimeoutError:
            # Half a message may be on its way; nothing can follow it.
            connection.transport.abort()
            raise LMStudioTimeoutError(
                f"{self._address} did not take a message within {SEND_TIMEOUT:.0f} seconds. It may hang: try again."
            ) from None

    async def _read(self, connection: ClientConnection) -> None:
        turn_ends = time.monotonic() + _TURN
        try:
            async for message in connection:
                if (event := self._protocol.receive(message)) is not None:
                    self._route(event)
                if time.monotonic() > turn_ends:
                    await asyncio.sleep(0)
                    turn_ends = time.monotonic() + _TURN
        except ConnectionClosed:
            pass
        finally:
            self._connection = None
            self._end_all(self._lost())

    def _route(self, event: ClientEvent) -> None:
        match event:
            case ChannelMessage(channel_id, packet):
                if (channel := self._channels.get(channel_id)) is not None:
                    channel.deliver(packet)
            case ChannelClosed(channel_id):
                if (channel := self._channels.pop(channel_id, None)) is not None:
                    channel.end(None)
            case ChannelFailed(channel_id):
                if (channel := self._channels.pop(channel_id, None)) is not None:
                    channel.fail(event)
            case CallReturned(call_id, result):
                if (waiting := self._calls.get(call_id)) is not None and not waiting.done():
                    waiting.set_result(result)
            case CallFailed(call_id, error):
                if (waiting := self._calls.get(call_id)) is not None and not waiting.done():
                    waiting.set_exception(exception(error, "RPC error"))
            case Warned(text):
                _log.warning("%s: %s", self._address, text)

    def _lost(self) -> LMStudioWebsocketError:
        return LMStudioWebsocketError(
            f"The connection to {self._address} was lost. Check that the server still runs, then try again."
        )

    def _end_all(self, error: LMStudioWebsocketError) -> None:
        for waiting in self._calls.values():
            if not waiting.done():
                waiting.set_exception(error)
        channels, self._channels = self._channels, {}
        for channel in channels.values():
            channel.end(error)


def _reason(wrong: Exception) -> str:
    if isinstance(wrong, TimeoutError):
        return "no answer in time"
    if isinstance(wrong, OSError) and wrong.strerror:
        return wrong.strerror.lower()
    return str(wrong) or type(wrong).__name__
