"""The live numbers of an answer while it is written: estimates by this side's clock, until the server's own come."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from lmchat.values.prediction import (
    LlmPredictionFragment,
    LlmPredictionStats,
    PredictionEvent,
    PredictionFinished,
    PromptProcessingDetails,
    PromptProgress,
)

WINDOW: Final = 1.5
"""Seconds over which the live rate is taken."""

Phase: TypeAlias = Literal["idle", "waiting", "reading", "thinking", "answering", "done"]


@dataclass(frozen=True, slots=True)
class Reading:
    """The numbers at one moment. None is "not known", which is not zero."""

    phase: Phase = "idle"
    elapsed: float | None = None
    """Seconds since the request was sent."""
    prompt_progress: float | None = None
    """0.0-1.0"""
    prompt_details: PromptProcessingDetails | None = None
    prompt_rate: float | None = None
    """Tokens of the prompt read per second, those from the cache left out."""
    prompt_left: float | None = None
    """Seconds until the prompt is read, at that rate."""
    time_to_first_token: float | None = None
    """Seconds."""
    tokens: int = 0
    """Tokens seen, reasoning included."""
    reasoning_tokens: int = 0
    live_rate: float | None = None
    """Tokens per second in the last `WINDOW` seconds, the first token left out."""
    rate: float | None = None
    """Tokens per second since the first token, it left out."""


class Meter:
    """Watches the events of one prediction; the next one has a meter of its own."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._phase: Phase = "idle"
        self._started = 0.0
        self._first: float | None = None
        self._first_tokens = 0
        self._last = 0.0
        self._tokens = 0
        self._reasoning_tokens = 0
        self._progress: PromptProgress | None = None
        self._read_from: tuple[float, int] | None = None
        self._window: deque[tuple[float, int]] = deque()

    def start(self) -> None:
        """A request is being sent now."""
        self._phase = "waiting"
        self._started = self._last = self._clock()

    def feed(self, event: PredictionEvent) -> None:
        """An event has come now."""
        match event:
            case PromptProgress() if self._first is None:
                self._phase = "reading"
                self._progress = event
                if self._read_from is None and event.details is not None and event.details.total_prompt_token_count:
                    self._read_from = self._clock(), event.details.processed_prompt_token_count
            case LlmPredictionFragment():
                self._feed_fragment(event)
            case PredictionFinished():
                self.stop()

    def stop(self) -> None:
        """No more events will come."""
        self._phase = "done"
        self._window.clear()

    def _feed_fragment(self, fragment: LlmPredictionFragment) -> None:
        self._last = self._clock()
        self._tokens += fragment.tokens_count
        if fragment.reasoning_type == "none":
            self._phase = "answering"
        else:
            self._phase = "thinking"
            self._reasoning_tokens += fragment.tokens_count
        if self._first is None:
            self._first = self._last
            self._first_tokens = fragment.tokens_count
        else:
            self._window.append((self._last, fragment.tokens_count))

    def read(self) -> Reading:
        """The numbers now."""
        if self._phase == "idle":
            return Reading()
        now = self._last if self._phase == "done" else self._clock()
        progress = self._progress
        prompt_rate, prompt_left = self._prompt(now)
        return Reading(
            phase=self._phase,
            elapsed=now - self._started,
            prompt_progress=progress.progress if progress else None,
            prompt_details=progress.details if progress else None,
            prompt_rate=prompt_rate,
            prompt_left=prompt_left,
            time_to_first_token=None if self._first is None else self._first - self._started,
            tokens=self._tokens,
            reasoning_tokens=self._reasoning_tokens,
            live_rate=self._live_rate(now),
            rate=self._rate(),
        )

    def measured(self, stop_reason: str) -> LlmPredictionStats:
        """This side's figures, for an answer whose server can give none."""
        reading = self.read()
        return LlmPredictionStats(
            stop_reason=stop_reason,
            tokens_per_second=reading.rate,
            time_to_first_token_sec=reading.time_to_first_token,
            total_time_sec=reading.elapsed,
            predicted_tokens_count=self._tokens or None,
        )

    def _prompt(self, now: float) -> tuple[float | None, float | None]:
        """How fast the prompt is read, and how long that still takes."""
        details = self._progress.details if self._progress else None
        if details is None or self._read_from is None or self._phase != "reading":
            return None, None
        since, before = self._read_from
        read = details.processed_prompt_token_count - before
        if read <= 0 or now <= since:
            return None, None
        rate = read / (now - since)
        return rate, details.unprocessed_prompt_token_count / rate

    def _live_rate(self, now: float) -> float | None:
        if self._first is None or self._phase == "done":
            return None
        while self._window and self._window[0][0] < now - WINDOW:
            self._window.popleft()
        span = min(WINDOW, now - self._first)
        if span < 0.2:
            return None
        return sum(tokens for _, tokens in self._window) / span

    def _rate(self) -> float | None:
        if self._first is None or self._last <= self._first:
            return None
        return (self._tokens - self._first_tokens) / (self._last - self._first)
