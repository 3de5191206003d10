"""An answer as it is written, for synchronous programs. It only waits: the asynchronous stream does the work."""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType

from lmchat.client.async_stream import AsyncPredictionStream
from lmchat.client.portal import Portal
from lmchat.values.model import LlmInfo
from lmchat.values.prediction import LlmPredictionFragment, LlmPredictionStats, PredictionResult


class PredictionStream:
    """An answer as it is written: iterate it for the fragments. Callbacks run on the thread that iterates."""

    def __init__(self, stream: AsyncPredictionStream, portal: Portal) -> None:
        self._stream = stream
        self._portal = portal

    def __enter__(self) -> PredictionStream:
        self._portal.call(self._stream.ensure_started())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def start(self) -> None:
        """Send the request.

        Raises:
            LMStudioRuntimeError: it has been sent already.
        """
        self._portal.call(self._stream.start())

    def __iter__(self) -> Iterator[LlmPredictionFragment]:
        self._portal.call(self._stream.ensure_started())
        try:
            # One hand-over between threads brings all that has come, and it is folded on this side.
            while (events := self._portal.call(self._stream.take_events())) is not None:
                yield from self._stream.fold(events)
        finally:
            self.close()

    def cancel(self) -> None:
        """Stop the answer. Iterate on to its end to have the result of what came until now."""
        self._portal.call(self._stream.cancel())

    def close(self) -> None:
        """Leave the stream; one that is not finished is given up."""
        self._portal.leave(self._stream.aclose())

    def wait_for_result(self) -> PredictionResult:
        """Read the stream to its end and give the finished answer."""
        for _ in self:
            pass
        return self.result()

    def result(self) -> PredictionResult:
        """The finished answer; never waits.

        Raises:
            LMStudioError: the stream failed, was left early, or is not finished.
        """
        return self._stream.result()

    @property
    def stats(self) -> LlmPredictionStats | None:
        """How it went; None until the answer is finished."""
        return self._stream.stats

    @property
    def model_info(self) -> LlmInfo | None:
        """Which model answered; None until the answer is finished."""
        return self._stream.model_info
