"""Running the calls of tools beside a prediction: on threads, or as tasks of an event loop."""

from __future__ import annotations

import asyncio
import queue
from abc import ABC, abstractmethod
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from types import TracebackType
from typing import Final, Self

from lmchat.client.tools import FinishedCall, ToolCall
from lmchat.values.errors import LMStudioValueError

_MOST_THREADS: Final = 256
"""Where no limit is asked for; a thread is started only when there is a call for it."""
_HEARTBEAT: Final = 0.25
"""Seconds. On Windows, Ctrl+C is not noticed within a wait."""


class ToolRunner(ABC):
    """Makes calls beside the prediction, at most so many at once, and gives them back in the order they finish.

    To be entered. Left by an interrupt, it drops what has not begun and waits for nobody: a thread inside a tool cannot
    be stopped, and ends with the tool. Left by another error, it waits for those threads, so that nothing goes on
    behind the caller's back. Tools that are coroutines are cancelled in both cases.
    """

    def __init__(self, limit: int | None) -> None:
        """Prepare to make calls.

        Args:
            limit: calls at once, 1 and up; None: as many as there are.

        Raises:
            LMStudioValueError: the limit is less than 1.
        """
        if limit is not None and limit < 1:
            raise LMStudioValueError(f"max_parallel_tool_calls is 1 or more, or None for no limit; {limit} is neither.")
        self._limit = limit
        self._threads = ThreadPoolExecutor(limit or _MOST_THREADS, thread_name_prefix="lmchat-tool")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._leave(interrupted=error is not None and not isinstance(error, Exception))

    @abstractmethod
    def start(self, call: ToolCall) -> None:
        """Make a call as soon as there is room for it."""

    @abstractmethod
    async def next_finished(self) -> FinishedCall:
        """The call that finished first of those not given yet."""

    @abstractmethod
    async def _leave(self, *, interrupted: bool) -> None: ...


class ToolThreads(ToolRunner):
    """For synchronous programs: what is awaited here blocks the thread instead."""

    def __init__(self, limit: int | None) -> None:
        super().__init__(limit)
        self._finished: queue.SimpleQueue[Future[FinishedCall]] = queue.SimpleQueue()

    def start(self, call: ToolCall) -> None:
        self._threads.submit(copy_context().run, _finish, call).add_done_callback(self._finished.put)

    async def next_finished(self) -> FinishedCall:
        while True:
            try:
                return self._finished.get(timeout=_HEARTBEAT).result()
            except queue.Empty:
                continue

    async def _leave(self, *, interrupted: bool) -> None:
        self._threads.shutdown(wait=not interrupted, cancel_futures=True)


class ToolTasks(ToolRunner):
    """For asynchronous programs: coroutines as tasks, and on threads what would block the event loop."""

    def __init__(self, limit: int | None) -> None:
        super().__init__(limit)
        self._waiting: deque[ToolCall] = deque()
        self._running: dict[asyncio.Task[FinishedCall], ToolCall] = {}
        self._finished: asyncio.Queue[FinishedCall] = asyncio.Queue()
        self._leaving = False

    def start(self, call: ToolCall) -> None:
        self._waiting.append(call)
        self._start_waiting()

    async def next_finished(self) -> FinishedCall:
        return await self._finished.get()

    def _start_waiting(self) -> None:
        while self._waiting and (self._limit is None or len(self._running) < self._limit):
            call = self._waiting.popleft()
            task = asyncio.create_task(self._make(call), name=f"lmchat-tool-{call.request.name}")
            self._running[task] = call
            task.add_done_callback(self._take_back)

    async def _make(self, call: ToolCall) -> FinishedCall:
        if not call.is_async:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, copy_context().run, _finish, call)
        try:
            return FinishedCall(call.request, await call.work())
        except asyncio.CancelledError as cancelled:
            if self._leaving:
                raise
            # The tool's own doing; nobody else knows the task.
            return FinishedCall(call.request, error=cancelled)
        except Exception as error:
            return FinishedCall(call.request, error=error)

    def _take_back(self, task: asyncio.Task[FinishedCall]) -> None:
        del self._running[task]
        if not task.cancelled() and task.exception() is None:
            self._finished.put_nowait(task.result())
            self._start_waiting()

    async def _leave(self, *, interrupted: bool) -> None:
        self._leaving = True
        self._waiting.clear()
        for task, call in self._running.items():
            if interrupted or call.is_async:
                task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        self._threads.shutdown(wait=not interrupted, cancel_futures=True)


def _finish(call: ToolCall) -> FinishedCall:
    # Caught here, for a future cannot carry every error: StopIteration would get lost in one.
    try:
        return FinishedCall(call.request, call.work())
    except Exception as error:
        return FinishedCall(call.request, error=error)
