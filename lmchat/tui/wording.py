"""Numbers and endings in words, the same wherever they are shown. What is not known is a dash, never zero."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from lmchat.values.prediction import LlmPredictionStats
from lmchat.values.safe_text import safe_line

UNKNOWN: Final = "–"


@dataclass(frozen=True, slots=True)
class Ending:
    """How an answer ended."""

    short: str
    advice: str = ""
    """What can be done about it."""
    abnormal: bool = False
    """Whether the answer is less than the model meant to say."""


_KEPT: Final = "What came is kept: Up, then c goes on from it, r answers again."
_ENDINGS: Final = {
    "eosFound": Ending("finished"),
    "stopStringFound": Ending("found a stop string"),
    "toolCalls": Ending("called a tool"),
    "maxPredictedTokensReached": Ending("hit the token limit", "Up, then c goes on. maxTokens sets the limit.", True),
    "contextLengthReached": Ending("context is full", "Start anew with Ctrl+N, or load with more context.", True),
    "userStopped": Ending("stopped by you", _KEPT, True),
    "modelUnloaded": Ending("model was unloaded", "What came is kept. The next question loads it again.", True),
    "failed": Ending("failed", _KEPT, True),
    "connectionLost": Ending("connection lost", _KEPT, True),
    "interrupted": Ending("interrupted", f"lmchat ended while this was written. {_KEPT}", True),
}


def ending(stats: LlmPredictionStats) -> Ending:
    """How an answer ended, in words; a reason from a newer server is shown as it is."""
    return _ENDINGS.get(stats.stop_reason) or Ending(safe_line(stats.stop_reason))


def ending_of(stop_reason: str | None) -> str:
    """How an answer ended, if it did not end by itself; nothing for what no model wrote."""
    if stop_reason is None or stop_reason == "eosFound":
        return ""
    return _ENDINGS[stop_reason].short if stop_reason in _ENDINGS else safe_line(stop_reason)


def figures(stats: LlmPredictionStats) -> list[str]:
    """The known ones among tokens, rate and time to first token."""
    return [
        text
        for text, known in (
            (f"{stats.predicted_tokens_count} tokens", stats.predicted_tokens_count is not None),
            (f"{rate(stats.tokens_per_second)} tok/s", stats.tokens_per_second is not None),
            (f"{seconds(stats.time_to_first_token_sec)} to first", stats.time_to_first_token_sec is not None),
        )
        if known
    ]


def rate(value: float | None) -> str:
    """Tokens per second."""
    return UNKNOWN if value is None else f"{value:.1f}"


def seconds(value: float | None) -> str:
    """A duration."""
    if value is None:
        return UNKNOWN
    if value < 10:
        return f"{value:.2f} s"
    if value < 60:
        return f"{value:.1f} s"
    return f"{int(value) // 60}:{int(value) % 60:02d} min"


def count(value: int | None) -> str:
    """A number of things."""
    return UNKNOWN if value is None else f"{value:,}"


def size(value: int) -> str:
    """A number of bytes."""
    return f"{value / 1e9:.1f} GB" if value >= 1e9 else f"{value / 1e6:.0f} MB"
