"""What a caller hears of an act: the callbacks, and the values that only they and its end carry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import partial
from typing import Any, Self, TypeAlias

from lmchat.client.prediction_run import PredictionCallbacks
from lmchat.values.chat import AssistantResponse, ToolCallRequest, ToolResultMessage
from lmchat.values.errors import LMStudioPredictionError
from lmchat.values.prediction import LlmPredictionFragment, PredictionResult, PromptProcessingProgress

InvalidToolRequestHandler: TypeAlias = Callable[[LMStudioPredictionError, ToolCallRequest | None], str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictionRoundResult(PredictionResult):
    """The finished answer of one round."""

    round_index: int
    """Counted from 0."""

    @classmethod
    def from_result(cls, result: PredictionResult, round_index: int) -> Self:
        """The result of this round."""
        known = {field.name: getattr(result, field.name) for field in fields(PredictionResult) if field.init}
        return cls(**known, round_index=round_index)

    # The generated one would print the whole model's description.
    def __repr__(self) -> str:
        return f"PredictionRoundResult(content={self.content!r}, round_index={self.round_index})"


@dataclass(frozen=True, slots=True, kw_only=True)
class ActResult:
    """What an act came to. Its messages went to `on_message`."""

    rounds: int
    """Predictions that were made."""
    total_time_seconds: float


@dataclass(frozen=True, slots=True)
class ActCallbacks:
    """What a caller wants to hear of; rounds are counted from 0."""

    on_message: Callable[[AssistantResponse | ToolResultMessage], Any] | None = None
    on_first_token: Callable[[int], Any] | None = None
    on_prediction_fragment: Callable[[LlmPredictionFragment, int], Any] | None = None
    on_round_start: Callable[[int], Any] | None = None
    on_round_end: Callable[[int], Any] | None = None
    on_prediction_completed: Callable[[PredictionRoundResult], Any] | None = None
    on_prompt_processing_progress: Callable[[PromptProcessingProgress, int], Any] | None = None
    handle_invalid_tool_request: InvalidToolRequestHandler | None = None

    def of_round(self, index: int) -> PredictionCallbacks:
        """Those of the round's prediction."""
        first, fragment, progress = (
            self.on_first_token,
            self.on_prediction_fragment,
            self.on_prompt_processing_progress,
        )
        return PredictionCallbacks(
            on_first_token=None if first is None else partial(first, index),
            on_prediction_fragment=None if fragment is None else lambda piece: fragment(piece, index),
            on_prompt_processing_progress=None if progress is None else lambda value: progress(value, index),
        )
