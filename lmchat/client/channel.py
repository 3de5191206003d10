"""The client's end of one channel."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final, Generic, TypeVar

import msgspec
from msgspec import Raw

from lmchat.protocol.endpoints import Cancel
from lmchat.protocol.errors import UNREADABLE, exception
from lmchat.protocol.multiplex import ChannelFailed
from lmchat.values.errors import (
    LMStudioChannelClosedError,
    LMStudioClientError,
    LMStudioError,
    LMStudioTimeoutError,
    LMStudioWebsocketError,
)

CANCEL: Final = Cancel()
"""What ends most channels."""
PATIENCE: Final = 600.0
"""Seconds of silence after which a server is taken to have forgotten a channel; reading a long prompt may take minutes.
A server that is gone, or hangs as a whole, is found within a minute by the socket's own pings."""
BACKLOG: Final = 128 * 2**20
"""Bytes that may wait to be taken. The socket is shared, so a slow taker cannot be waited for."""

PacketT = TypeVar("PacketT")

_log = logging.getLogger(__name__)


class Channel(Generic[PacketT]):
    """The client's end of one channel. Packets wait here until they are taken, all that have come at once."""

    def __init__(
        self,
        send: Callable[[Any], Awaitable[None]],
        forget: Callable[[], None],
        decoder: msgspec.json.Decoder[PacketT],
        *,
        origin: str,
        stop: Any,
        patient: bool = False,
    ) -> None:
        """Prepare for packets.

        Args:
            send: sends a packet to the server.
            forget: drops what may still come.
            decoder: reads the packets.
            origin: how the text of its errors begins.
            stop: the packet that tells the server to end it.
            patient: wait however long it takes, where silence is nothing unusual.
        """
        self._send = send
        self._forget = forget
        self._decoder = decoder
        self._origin = origin
        self._stop = stop
        self._patient = patient
        self._backlog = 0
        self._arrived: deque[Raw] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._farewell: asyncio.Future[None] | None = None
        self._ended = False
        self._error: LMStudioError | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing more can come; what has come may still be taken."""
        return self._ended

    async def take(self) -> list[PacketT]:
        """All packets that have come, at least one; none when the channel has ended.

        Raises:
            LMStudioError: the channel ended by an error, and what came before it has been taken.
            LMStudioTimeoutError: the server was silent for too long; the channel is left.
        """
        while True:
            while not self._arrived and not self._ended:
                await self._sign()
            if packets := self._decode_arrived():
                return packets
            if not self._ended:
                continue
            if self._error is not None:
                raise self._error
            return []

    async def cancel(self) -> None:
        """Ask the server to stop. The channel still ends with its last packet."""
        await self._send(self._stop)

    async def abandon(self) -> None:
        """Leave the channel: the server is told to stop, and what it still sends is dropped."""
        if not self._ended:
            self._forget()
            self.end(None)
            await self._dismiss()

    def truncated(self) -> LMStudioChannelClosedError:
        """The error for a channel that ended without its last packet."""
        return LMStudioChannelClosedError(
            f"{self._origin}: the server closed the channel before the answer was complete. Ask again."
        )

    def deliver(self, packet: Raw) -> None:
        """Take in a packet that came. Where too much waits already, it is let go and the channel ends."""
        if self._ended:
            return
        self._backlog += memoryview(packet).nbytes
        if self._backlog > BACKLOG:
            self._forget()
            self.end(self._overrun())
            self._farewell = asyncio.ensure_future(self._dismiss())
            return
        self._arrived.append(packet)
        self._wake()

    def fail(self, event: ChannelFailed) -> None:
        """End the channel by the server's error."""
        self.end(exception(event.error, self._origin))

    def end(self, error: LMStudioError | None) -> None:
        """End the channel."""
        self._ended = True
        self._error = error
        self._wake()

    def _overrun(self) -> LMStudioClientError:
        return LMStudioClientError(
            f"{self._origin}: the answer came faster than it was read, and {BACKLOG >> 20} MB were waiting. "
            "Read the stream without pauses."
        )

    async def _dismiss(self) -> None:
        # On a lost connection there is nobody to tell.
        with suppress(LMStudioWebsocketError, LMStudioTimeoutError):
            await self.cancel()

    async def _sign(self) -> None:
        """Wait for a packet or the end."""
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(None if self._patient else PATIENCE):
                await self._waiter
        except TimeoutError:
            await self.abandon()
            raise LMStudioTimeoutError(
                f"{self._origin}: the server was silent for {PATIENCE:g} seconds. "
                "See whether it still works on the request, then ask again."
            ) from None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _decode_arrived(self) -> list[PacketT]:
        packets: list[PacketT] = []
        self._backlog = 0
        while self._arrived:
            raw = self._arrived.popleft()
            try:
                packets.append(self._decoder.decode(raw))
            except UNREADABLE as wrong:
                # A packet of a kind that this client does not know must not end the answer.
                _log.warning("a packet was left out: %s", wrong)
        return packets
