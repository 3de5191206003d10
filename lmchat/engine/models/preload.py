"""The model that is loaded when the engine starts, so that whoever connects early finds it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from lmchat.engine.events import EngineEvent, PreloadFailed
from lmchat.values.errors import EngineError

PATIENCE: Final = 45.0
"""Seconds that a request waits for the preload: clients give up after 60."""


class Preload:
    """A load that runs beside the server."""

    def __init__(self, on_event: Callable[[EngineEvent], None]) -> None:
        self._on_event = on_event
        self._task: asyncio.Task[None] | None = None

    def begin(self, work: Callable[[], Awaitable[None]]) -> None:
        """Start it. A failure becomes an event; the server goes on without the model."""
        self._task = asyncio.create_task(self._run(work))

    async def settled(self) -> None:
        """Wait until it is over, as long as clients have patience; at once when there is none."""
        if self._task is not None:
            await asyncio.wait({self._task}, timeout=PATIENCE)

    async def aclose(self) -> None:
        """Give it up if it is not over."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def _run(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except EngineError as error:
            self._on_event(PreloadFailed(str(error)))
