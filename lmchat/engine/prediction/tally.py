"""Counting one prediction: tokens, and when what happened; from it the stats that clients are given."""

from __future__ import annotations

import time

from lmchat.engine.worker.completion import Finished, FinishReason
from lmchat.values.prediction import LlmPredictionStats, StopReason

_REASONS: dict[FinishReason, StopReason] = {
    FinishReason.END_OF_TEXT: "eosFound",
    FinishReason.STOP_STRING: "stopStringFound",
    FinishReason.TOKEN_LIMIT: "maxPredictedTokensReached",
    FinishReason.CONTEXT_FULL: "contextLengthReached",
}


class Tally:
    """One prediction, from the moment it was asked for."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._first_at: float | None = None
        self._last_at = self._began
        self._tokens = 0
        self._tokens_at_first = 0
        self._finished: Finished | None = None
        self.prompt_tokens: int | None = None
        self.draft_model: str | None = None
        """The key of the model that drafts."""

    def text(self, tokens: int) -> None:
        """Text came, of so many tokens."""
        self._last_at = time.monotonic()
        self._tokens += tokens
        if self._first_at is None:
            self._first_at = self._last_at
            self._tokens_at_first = tokens

    def finish(self, finished: Finished) -> None:
        """The model has come to an end."""
        self._finished = finished

    def stats(self, reason: StopReason | None = None, tool_stops: tuple[str, ...] = ()) -> LlmPredictionStats:
        """The prediction in numbers; `reason` says why it ended before the model had come to an end."""
        finished = self._finished
        if reason is None:
            assert finished is not None
            reason = "toolCalls" if finished.stop_string in tool_stops else _REASONS[finished.reason]
        predicted = self._predicted()
        first_token = None if self._first_at is None else self._first_at - self._began
        return LlmPredictionStats(
            stop_reason=reason,
            stop_string=finished.stop_string if finished and reason == "stopStringFound" else None,
            tokens_per_second=self._speed(),
            time_to_first_token_sec=first_token,
            total_time_sec=time.monotonic() - self._began,
            prompt_tokens_count=self.prompt_tokens,
            predicted_tokens_count=predicted,
            total_tokens_count=None if self.prompt_tokens is None else self.prompt_tokens + predicted,
            used_draft_model_key=self.draft_model,
            **self._drafted(),
        )

    def _drafted(self) -> dict[str, int]:
        """What became of the drafts; llama.cpp tells it at the end, and never ignores one."""
        if self.draft_model is None or self._finished is None:
            return {}
        timings = self._finished.timings
        return {
            "total_draft_tokens_count": timings.draft_n,
            "accepted_draft_tokens_count": timings.draft_n_accepted,
            "rejected_draft_tokens_count": timings.draft_n - timings.draft_n_accepted,
            "ignored_draft_tokens_count": 0,
        }

    def _predicted(self) -> int:
        """The end token counts, and the tokens of a stop string, which nobody sees, do not."""
        if self._finished is None or self._finished.reason is FinishReason.STOP_STRING:
            return self._tokens
        return self._finished.predicted_tokens

    def _speed(self) -> float | None:
        """Tokens per second: llama.cpp's own figure, else that of the tokens after the first."""
        if self._finished is not None and self._finished.timings.predicted_ms > 0:
            return self._finished.timings.predicted_per_second
        if self._first_at is None or self._last_at <= self._first_at:
            return None
        return (self._tokens - self._tokens_at_first) / (self._last_at - self._first_at)
