"""`StoreThread`: the one thread that owns a `Store`, so that a slow disk never holds the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypeVar

from lmchat.store.store import Store
from lmchat.values.errors import LMStudioRuntimeError

T = TypeVar("T")
OnError = Callable[[BaseException], None]


class StoreThread:
    """A `Store` whose work is done elsewhere, strictly in the order in which it was given.

    Work that was given is done, whatever becomes of the task that gave it, and also when the program ends without
    `close`.
    """

    def __init__(self, path: Path | None, on_error: OnError) -> None:
        """Begin to open the store; None is one in memory, of which nothing reaches a disk."""
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="lmchat-store")
        self._opening = self._executor.submit(Store.open_in_memory if path is None else partial(Store.open, path))
        self._on_error = on_error
        self._closed = False

    @classmethod
    async def open(cls, path: Path | None, *, on_error: OnError) -> StoreThread:
        """Open a store on a thread of its own; None is one in memory.

        `on_error` is called on the event loop with each failure that no caller waits for: of work that was posted, and
        of work whose caller was cancelled.

        Raises:
            StoreError: as `Store.open`.
        """
        thread = cls(path, on_error)
        try:
            await thread.run(lambda store: None)
        except BaseException:
            thread._end()
            raise
        return thread

    async def run(self, work: Callable[[Store], T]) -> T:
        """Do work with the store and wait for what it returns. Cancelling gives up the waiting, not the work.

        Raises:
            StoreError: as the work does.
            LMStudioRuntimeError: the store is closed.
        """
        return await self._result(self._submit(work))

    def post(self, work: Callable[[Store], object]) -> None:
        """Do work with the store, and wait for nothing; a failure goes to `on_error`. Called on the event loop.

        Raises:
            LMStudioRuntimeError: the store is closed.
        """
        asyncio.wrap_future(self._submit(work)).add_done_callback(self._report)

    async def close(self) -> None:
        """Do what is still to be done, then close the store. Closing again does nothing.

        Raises:
            StoreError: the file could not be closed.
        """
        if not self._closed:
            await self._result(self._end())

    def _submit(self, work: Callable[[Store], T]) -> Future[T]:
        if self._closed:
            raise LMStudioRuntimeError("The store is closed already. Open it again to use it.")
        return self._executor.submit(lambda: work(self._opening.result()))

    async def _result(self, future: Future[T]) -> T:
        done = asyncio.wrap_future(future)
        try:
            # Unlike awaiting the future itself, this does not hand a cancellation on to the work.
            await asyncio.wait([done])
        except asyncio.CancelledError:
            done.add_done_callback(self._report)
            raise
        return done.result()

    def _report(self, done: asyncio.Future[T]) -> None:
        if (error := done.exception()) is not None:
            self._on_error(error)

    def _end(self) -> Future[None]:
        closing = self._submit(Store.close)
        self._closed = True
        # Work that waits is still done, and the thread ends after it.
        self._executor.shutdown(wait=False)
        return closing
