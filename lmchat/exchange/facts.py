"""What a reader of an exported conversation is told of a message beside its text."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from lmchat.values.chat import Role
from lmchat.values.history import MessageRecord, ReasoningData

NAMES: Final[dict[Role, str]] = {"system": "System", "user": "User", "assistant": "Assistant", "tool": "Tool"}
_ENDINGS: Final = {
    "maxPredictedTokensReached": "hit the token limit",
    "contextLengthReached": "context was full",
    "userStopped": "stopped",
    "modelUnloaded": "model was unloaded",
    "failed": "failed",
    "connectionLost": "connection lost",
    "interrupted": "interrupted",
}


def time_of(seconds: float) -> datetime | None:
    """Unix seconds as a time in UTC; None where a calendar has none."""
    try:
        return datetime.fromtimestamp(seconds, UTC).replace(microsecond=0)
    except (ValueError, OverflowError, OSError):
        return None


def figures_of(message: MessageRecord) -> list[str]:
    """Who answered, and how fast: only what is known."""
    stats, provenance = message.stats, message.provenance
    model = provenance.model.display_name or provenance.model.identifier if provenance and provenance.model else ""
    figures = [model, provenance.server if provenance else ""]
    if stats is not None:
        rate, first, tokens = stats.tokens_per_second, stats.time_to_first_token_sec, stats.predicted_tokens_count
        figures += [
            "" if tokens is None else f"{tokens} tokens",
            "" if rate is None else f"{rate:.1f} tok/s",
            "" if first is None else f"{first:.2f} s to first token",
            _ENDINGS.get(stats.stop_reason, ""),
        ]
    return [figure for figure in figures if figure]


def thought_of(part: ReasoningData) -> str:
    """The heading of a model's thoughts."""
    known = [
        f"{part.tokens} tokens" if part.tokens is not None else "",
        f"{part.seconds:.1f} s" if part.seconds is not None else "",
    ]
    return " · ".join(["Reasoning", *filter(None, known)])


def versions_of(messages: Sequence[MessageRecord]) -> dict[int, str]:
    """For each message that has siblings, which of them it is: "2 of 3"."""
    total = Counter(message.parent_id for message in messages)
    seen: defaultdict[int | None, int] = defaultdict(int)
    versions: dict[int, str] = {}
    for message in messages:
        seen[message.parent_id] += 1
        if total[message.parent_id] > 1:
            versions[message.id] = f"{seen[message.parent_id]} of {total[message.parent_id]}"
    return versions
