"""The way from synchronous code to the asynchronous core: one event loop on one thread, and calls that wait for it."""

from __future__ import annotations

import asyncio
import concurrent.futures
import sys
import threading
import time
from collections.abc import AsyncGenerator, Coroutine, Generator
from types import AsyncGeneratorType
from typing import Any, ClassVar, Final, TypeVar

from lmchat.values.errors import LMStudioClientError, LMStudioTimeoutError, LMStudioValueError

DEFAULT_TIMEOUT: Final = 60.0
"""Seconds that synchronous code waits for the next sign of a server."""

_END: Final[Any] = object()
_SLICE: Final = 0.2 if sys.platform == "win32" else None
"""Seconds of one wait. Ctrl+C does not reach a thread of Windows that waits; between two waits it does."""
_MOMENT: Final = 0.005
_FAREWELL: Final = 2.0
"""Seconds that what still runs gets to end when the loop does."""

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
            LMStudioClientError: the client was closed meanwhile, by another thread.
        """
        with self._starting:
            if self._loop is None:
                self._loop = _new_loop()
            future = asyncio.run_coroutine_threadsafe(work, self._loop)
        return self._result(future, patient=patient)

    def leave(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine that lets go of something, as `call` does; after `close` nothing is held any more."""
        with self._starting:
            if self._loop is None:
                work.close()
                return
            future = asyncio.run_coroutine_threadsafe(work, self._loop)
        self._result(future)

    def iterate(self, items: AsyncGenerator[T, None], *, patient: bool = False) -> Generator[T, None, None]:
        """Iterate on the loop, waiting for each item as `call` does; left early, the generator is closed."""
        try:
            while (item := self.call(_next(items), patient=patient)) is not _END:
                yield item
        finally:
            self.leave(_close(items))

    def close(self) -> None:
        """End the loop and its thread; whoever waits for it is told."""
        # All that was handed over before stands in front of the stop, and nothing is after it.
        with self._starting:
            loop, self._loop = self._loop, None
            if loop is not None:
                loop.call_soon_threadsafe(loop.stop)

    def _result(self, future: concurrent.futures.Future[T], *, patient: bool = False) -> T:
        try:
            _wait(future, None if patient else self.timeout)
            return future.result()
        except _Late:
            future.cancel()
            raise LMStudioTimeoutError(
                f"The server gave no sign for {self.timeout:g} seconds. Wait for it, or call set_sync_api_timeout()."
            ) from None
        except concurrent.futures.CancelledError:
            raise _closed() from None
        except BaseException:
            future.cancel()
            raise


def _new_loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    # A daemon: a script that ends without closing its client must end.
    threading.Thread(target=_run, args=(loop,), name="lmchat-client", daemon=True).start()
    return loop


def _closed() -> LMStudioClientError:
    return LMStudioClientError("The client was closed while it was in use. Close it when nobody waits for it any more.")


class _Late(Exception):
    """The time is up."""


def _wait(future: concurrent.futures.Future[Any], timeout: float | None) -> None:
    """Wait until it is done.

    Raises:
        _Late: it is not, and the seconds have passed.
    """
    ends = None if timeout is None else time.monotonic() + timeout
    while True:
        left = None if ends is None else max(ends - time.monotonic(), 0.0)
        if concurrent.futures.wait([future], _shortest(left, _SLICE)).done:
            return
        if ends is not None and time.monotonic() >= ends:
            raise _Late


def _shortest(*times: float | None) -> float | None:
    return min((each for each in times if each is not None), default=None)


async def _next(items: AsyncGenerator[T, None]) -> T:
    return await anext(items, _END)


async def _close(items: AsyncGenerator[Any, None]) -> None:
    # Whoever was interrupted has only just told it to let go of what it was waiting for.
    while isinstance(items, AsyncGeneratorType) and items.ag_running:  # noqa: ASYNC110
        await asyncio.sleep(_MOMENT)  # it tells nobody when it does
    await items.aclose()


def _run(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
        if left := asyncio.all_tasks(loop):
            for task in left:
                task.cancel()
            loop.run_until_complete(asyncio.wait(left, timeout=_FAREWELL))
    finally:
        loop.close()
