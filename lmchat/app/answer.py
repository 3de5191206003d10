"""An answer while it is written: events go in, and the record that is kept of it comes out, however it ended."""

from __future__ import annotations

import time
from typing import Final

import msgspec

from lmchat.app.meter import Meter
from lmchat.values.chat import TextData
from lmchat.values.errors import (
    LMStudioError,
    LMStudioModelNotFoundError,
    LMStudioTimeoutError,
    LMStudioWebsocketError,
)
from lmchat.values.history import MessageRecord, Part, Provenance, ReasoningData
from lmchat.values.prediction import (
    LlmPredictionFragment,
    Prediction,
    PredictionEvent,
    PredictionFinished,
    StopReason,
)


class Answer:
    """One answer of one model. The message's parts, if it has any, are what the answer goes on from."""

    def __init__(self, message: MessageRecord, asked: Provenance, meter: Meter) -> None:
        self._message = message
        self._begun: Final = message.parts
        self._asked = asked
        self._meter = meter
        self._prediction: Final = Prediction()
        self._thought = _Stopwatch()

    @property
    def complete(self) -> bool:
        """Whether the server has said how it ended."""
        return self._prediction.finished is not None

    @property
    def so_far(self) -> MessageRecord:
        """The message with what has come until now."""
        return msgspec.structs.replace(self._message, parts=self._parts())

    def feed(self, event: PredictionEvent) -> None:
        """An event has come now."""
        self._prediction.feed(event)
        self._meter.feed(event)
        if isinstance(event, LlmPredictionFragment):
            self._thought.watch(event)

    def record(self, error: LMStudioError | None, *, stopped: StopReason | None) -> MessageRecord:
        """What is kept of it.

        Args:
            error: what ended it, if that was not the server.
            stopped: why it was made to end from here; then no error is worth a word.
        """
        self._meter.stop()
        if (finished := self._prediction.finished) is not None:
            stats, provenance = finished.stats, _told_by_server(self._asked, finished)
            if stopped is not None and stats.stop_reason == "userStopped":
                stats = msgspec.structs.replace(stats, stop_reason=stopped)
        else:
            stats = self._meter.measured(stopped or ("userStopped" if error is None else _stop_reason(error)))
            provenance = msgspec.structs.replace(self._asked, measured_by="client")
        return msgspec.structs.replace(
            self._message,
            parts=self._parts(),
            stats=stats,
            provenance=provenance,
            error=None if error is None or stopped else str(error),
        )

    def _parts(self) -> tuple[Part, ...]:
        parts: list[Part] = list(self._begun)
        if reasoning := self._prediction.reasoning:
            tokens = self._prediction.reasoning_tokens_count
            parts.append(ReasoningData(text=reasoning, tokens=tokens, seconds=self._thought.seconds))
        if text := self._prediction.answer:
            if parts and isinstance(last := parts[-1], TextData):
                parts[-1] = TextData(last.text + text)
            else:
                parts.append(TextData(text))
        return tuple(parts)


class _Stopwatch:
    """How long the model thought."""

    def __init__(self) -> None:
        self.seconds: float | None = None
        self._began: float | None = None

    def watch(self, fragment: LlmPredictionFragment) -> None:
        if fragment.reasoning_type == "none":
            return
        now = time.monotonic()
        if self._began is None:
            self._began = now
        self.seconds = now - self._began


def _told_by_server(asked: Provenance, finished: PredictionFinished) -> Provenance:
    return Provenance(
        server=asked.server,
        model=finished.model_info,
        load_config=finished.load_config,
        prediction_config=finished.prediction_config,
    )


def _stop_reason(error: LMStudioError) -> StopReason:
    match error:
        case LMStudioWebsocketError() | LMStudioTimeoutError():
            return "connectionLost"
        case LMStudioModelNotFoundError():
            return "modelUnloaded"
    return "failed"
