"""An answer as it is written, for asynchronous programs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine, Generator, Iterator, Sequence
from types import TracebackType
from typing import Any

from lmchat.client.backend import EventStream
from lmchat.client.prediction_run import PredictionRun
from lmchat.values.errors import LMStudioCancelledError, LMStudioError, LMStudioRuntimeError
from lmchat.values.model import LlmInfo
from lmchat.values.prediction import LlmPredictionFragment, LlmPredictionStats, PredictionEvent, PredictionResult


class AsyncPredictionStream:
    """An answer as it is written: await it to have it asked for, iterate it for the fragments.

    The request is sent when the stream is awaited, entered, started or first iterated. Left before its end, it tells
    the server to stop.
    """

    def __init__(self, open_events: Callable[[], Coroutine[Any, Any, EventStream]], run: PredictionRun) -> None:
        self._open_events = open_events
        self._run = run
        self._events: EventStream | None = None

    def __await__(self) -> Generator[Any, None, AsyncPredictionStream]:
        return self.ensure_started().__await__()

    async def __aenter__(self) -> AsyncPredictionStream:
        return await self.ensure_started()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def start(self) -> None:
        """Send the request.

        Raises:
            LMStudioRuntimeError: it has been sent already.
        """
        if self._events is not None:
            raise LMStudioRuntimeError("This prediction has been started already. Ask the model for a new one.")
        try:
            self._events = await self._open_events()
        except LMStudioError as error:
            self._run.fail(error)
            raise

    async def __aiter__(self) -> AsyncIterator[LlmPredictionFragment]:
        await self.ensure_started()
        try:
            while (events := await self.take_events()) is not None:
                for fragment in self.fold(events):
                    yield fragment
        finally:
            await self.aclose()

    async def take_events(self) -> Sequence[PredictionEvent] | None:
        """All events that have come, at least one; None when the answer is finished."""
        if self._run.done or self._events is None:
            return None
        try:
            return await self._events.take()
        except LMStudioError as error:
            self._run.fail(error)
            raise

    def fold(self, events: Sequence[PredictionEvent]) -> Iterator[LlmPredictionFragment]:
        """Take events in, firing the callbacks, and give the fragments among them."""
        for event in events:
            if (fragment := self._run.feed(event)) is not None:
                yield fragment

    async def cancel(self) -> None:
        """Stop the answer. Iterate on to its end to have the result of what came until now."""
        self._run.cancel()
        if self._events is not None:
            await self._events.cancel()

    async def aclose(self) -> None:
        """Leave the stream; one that is not finished is given up."""
        if not self._run.done:
            self._run.fail(LMStudioCancelledError("The prediction was left before it was finished."))
        if self._events is not None:
            await self._events.aclose()

    async def wait_for_result(self) -> PredictionResult:
        """Read the stream to its end and give the finished answer."""
        async for _ in self:
            pass
        return self.result()

    def result(self) -> PredictionResult:
        """The finished answer; never waits.

        Raises:
            LMStudioError: the stream failed, was left early, or is not finished.
        """
        return self._run.result()

    @property
    def stats(self) -> LlmPredictionStats | None:
        """How it went; None until the answer is finished."""
        return self._run.stats

    @property
    def model_info(self) -> LlmInfo | None:
        """Which model answered; None until the answer is finished."""
        return self._run.model_info

    async def ensure_started(self) -> AsyncPredictionStream:
        """Send the request unless it has been sent."""
        if self._events is None and not self._run.done:
            await self.start()
        return self
