"""What the engine does, for clients that watch: prompts and answers as they are, and the lines of its log."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from lmchat.values.logs import LogData, LogEntry, ServerLog

_KEPT: Final = 1000
"""Entries that wait for a client that reads slowly; then the oldest go."""
_LOGGER: Final = logging.getLogger("lmchat.engine")


class LogStream:
    """Passes entries on to all who listen at that time. Nothing is kept for later."""

    def __init__(self) -> None:
        self._listeners: set[asyncio.Queue[LogEntry]] = set()

    def publish(self, data: LogData) -> None:
        """Tell all who listen."""
        entry = LogEntry(timestamp=round(time.time() * 1000), data=data)
        for queue in self._listeners:
            _put(queue, entry)

    @contextmanager
    def listen(self) -> Iterator[asyncio.Queue[LogEntry]]:
        """Everything from now on."""
        queue: asyncio.Queue[LogEntry] = asyncio.Queue(_KEPT)
        handler = _Forwarder(queue, asyncio.get_running_loop())
        self._listeners.add(queue)
        _LOGGER.addHandler(handler)
        try:
            yield queue
        finally:
            _LOGGER.removeHandler(handler)
            self._listeners.discard(queue)


class _Forwarder(logging.Handler):
    """Brings lines of the log, from whichever thread, to one who listens."""

    def __init__(self, queue: asyncio.Queue[LogEntry], loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._queue = queue
        self._loop = loop

    def emit(self, record: logging.LogRecord) -> None:
        line = ServerLog(content=record.getMessage(), level=record.levelname.lower())
        entry = LogEntry(timestamp=round(record.created * 1000), data=line)
        self._loop.call_soon_threadsafe(_put, self._queue, entry)


def _put(queue: asyncio.Queue[LogEntry], entry: LogEntry) -> None:
    if queue.full():
        queue.get_nowait()
    queue.put_nowait(entry)
