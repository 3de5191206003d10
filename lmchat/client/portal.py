"""The way from synchronous code to the asynchronous core: one event loop on one thread, and calls that wait for it."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from collections.abc import AsyncGenerator, Coroutine, Generator
from typing import Any, ClassVar, Final, TypeVar

from lmchat.values.errors import LMStudioTimeoutError, LMStudioValueError

DEFAULT_TIMEOUT: Final = 60.0
"""Seconds that synchronous code waits for the next sign of a server."""

_END: Final[Any] = object()

T = TypeVar("T")


def get_sync_api_timeout() -> float | None:
    """Seconds that synchronous calls wait for the next sign of a server; None: for ever."""
    return Portal.timeout


def set_sync_api_timeout(timeout: float | None) -> None:
    """Set how long synchronous calls wait for the next sign of a server.

    Args:
        timeout: seconds, 0 and up; None: for ever.

    Raises:
        LMStudioValueError: the timeout is negative.
    """
    if timeout is not None and timeout < 0:
        raise LMStudioValueError(f"A timeout is 0 seconds or more, or None for no limit; {timeout} is neither.")
    Portal.timeout = timeout


class Portal:
    """An event loop on a thread of its own, which starts with the first call and ends with the program or `close`."""

    timeout: ClassVar[float | None] = DEFAULT_TIMEOUT
    """Seconds that a call waits. LM Studio's API makes this one setting of the whole program."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._starting = threading.Lock()

    def call(self, work: Coroutine[Any, Any, T], *, patient: bool = False) -> T:
        """Run a coroutine on the loop and wait for its result; an interrupt here cancels it there.

        Args:
            work: what to wait for.
            patient: wait however long it takes, where silence is nothing unusual.

        Raises:
            LMStudioTimeoutError: the timeout of the synchronous API passed first.
        """
        future = asyncio.run_coroutine_threadsafe(work, self._running_loop())
        try:
            return future.result(None if patient else self.timeout)
        except concurrent.futures.TimeoutError:
            if future.done():
                raise
            future.cancel()
            raise LMStudioTimeoutError(
                f"The server gave no sign for {self.timeout:g} seconds. Wait for it, or call set_sync_api_timeout()."
            ) from None
        except BaseException:
            future.cancel()
            raise

    def iterate(self, items: AsyncGenerator[T, None], *, patient: bool = False) -> Generator[T, None, None]:
        """Iterate on the loop, waiting for each item as `call` does; left early, the generator is closed."""
        try:
            while (item := self.call(_next(items), patient=patient)) is not _END:
                yield item
        finally:
            self.call(items.aclose())

    def close(self) -> None:
        """End the loop and its thread."""
        with self._starting:
            loop, self._loop = self._loop, None
        if loop is not None:
            loop.call_soon_threadsafe(loop.stop)

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        with self._starting:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                # A daemon: a script that ends without closing its client must end.
                threading.Thread(target=_run, args=(self._loop,), name="lmchat-client", daemon=True).start()
            return self._loop


async def _next(items: AsyncGenerator[T, None]) -> T:
    return await anext(items, _END)


def _run(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
    finally:
        loop.close()
