"""The server's end of one channel, as its handler sees it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar

import msgspec

from lmchat.engine.faults import StoppedByClient

SILENCE_LIMIT: Final = 20.0
"""Seconds after which an open channel says something: clients give up after 60 of silence."""
_STOPS: Final = frozenset({"cancel", "stop", "end"})

ResultT = TypeVar("ResultT")

_log = logging.getLogger(__name__)


class _ClientPacket(msgspec.Struct, frozen=True):
    type: str


class ServerChannel:
    """A channel that a client has opened."""

    def __init__(self, transmit: Callable[[Any], Awaitable[None]]) -> None:
        self._transmit = transmit
        self._stop = asyncio.Event()

    async def send(self, packet: Any) -> None:
        """Send a packet; waits while the client is slow to read."""
        await self._transmit(packet)

    def deliver(self, message: msgspec.Raw) -> None:
        """Take in what the client sent on this channel."""
        try:
            kind = msgspec.json.decode(message, type=_ClientPacket).type
        except msgspec.DecodeError:
            kind = ""
        if kind in _STOPS:
            self._stop.set()
        else:
            _log.debug("a channel got a packet that it has no use for")

    async def stopped(self) -> None:
        """Wait until the client asks to stop."""
        await self._stop.wait()

    async def unless_stopped(self, work: Coroutine[Any, Any, ResultT]) -> ResultT:
        """Do some work, and cancel it when the client asks to stop. Raises StoppedByClient then."""
        task = asyncio.create_task(work)
        stop = asyncio.create_task(self._stop.wait())
        try:
            await asyncio.wait({task, stop}, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
            task.cancel()
            await asyncio.wait({task})
            if task.cancelled():
                raise StoppedByClient
            return task.result()
        finally:
            task.cancel()
            stop.cancel()
            await asyncio.wait({task, stop})

    @asynccontextmanager
    async def repeating(self, packet: Any) -> AsyncIterator[None]:
        """Send a packet now and, while the block lasts, again before the client takes silence for death."""
        await self.send(packet)
        task = asyncio.create_task(self._repeat(packet))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait({task})

    async def _repeat(self, packet: Any) -> None:
        while True:
            await asyncio.sleep(SILENCE_LIMIT)
            await self.send(packet)
