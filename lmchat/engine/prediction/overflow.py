"""Which turns of a conversation to leave out when it no longer fits into the model's context."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate
from typing import Any, Final, TypeAlias

LlamaMessage: TypeAlias = dict[str, Any]
"""A message as llama.cpp takes it: `role`, `content`, perhaps `tool_calls`."""

_FRAME_CHARACTERS: Final = 16
"""About what the template adds to a message, in characters."""


def without_oldest(messages: Sequence[LlamaMessage], share: float) -> list[LlamaMessage] | None:
    """The conversation without its oldest turns, about `share` (0.0-1.0) of its text and at least one turn.

    A turn is a question and all that follows it until the next. System messages stay, and so does the last turn; None
    when there is no other.
    """
    system = [message for message in messages if message["role"] == "system"]
    turns = _turns([message for message in messages if message["role"] != "system"])
    if len(turns) < 2:
        return None
    wanted = share * sum(map(_size, messages))
    dropped = accumulate(sum(map(_size, turn)) for turn in turns[:-1])
    enough = next((count for count, size in enumerate(dropped, start=1) if size >= wanted), len(turns) - 1)
    return system + [message for turn in turns[enough:] for message in turn]


def share_to_drop(tokens: int, room: int, step: int) -> float:
    """How much of a prompt has to go for it to fit into `room` tokens, 0.0-1.0.

    Rounded up to whole steps of tokens: the conversation then begins at the same turn for a while as it grows, so that
    what the model has read stays of use.
    """
    return min(1.0, math.ceil((tokens - room) / step) * step / tokens)


def _turns(messages: Sequence[LlamaMessage]) -> list[list[LlamaMessage]]:
    turns: list[list[LlamaMessage]] = []
    for message in messages:
        if message["role"] == "user" or not turns:
            turns.append([])
        turns[-1].append(message)
    return turns


def _size(message: LlamaMessage) -> int:
    return len(message["content"]) + _FRAME_CHARACTERS
