"""What can be asked of a prediction besides its text: one set of options for the methods of both programs' styles."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self, TypeAlias, TypedDict, Unpack

import msgspec

from lmchat.client.prediction_run import PredictionCallbacks, PredictionRun
from lmchat.client.schema import ResponseSchema, read_response_format
from lmchat.values.chat import AssistantResponse
from lmchat.values.config import LlmPredictionConfig, PredictionConfigInput, read_config
from lmchat.values.errors import LMStudioValueError
from lmchat.values.prediction import LlmPredictionFragment, PromptProcessingProgress

PredictionMessageCallback: TypeAlias = Callable[[AssistantResponse], Any]
PredictionFirstTokenCallback: TypeAlias = Callable[[], Any]
PredictionFragmentCallback: TypeAlias = Callable[[LlmPredictionFragment], Any]
PromptProcessingCallback: TypeAlias = Callable[[PromptProcessingProgress], Any]


class CallbackOptions(TypedDict, total=False):
    """What a caller wants to hear of."""

    on_message: PredictionMessageCallback | None
    """Gets the whole answer at the end, also that of a cancelled prediction; `chat.append` fits."""
    on_first_token: PredictionFirstTokenCallback | None
    """Called once, when the answer begins."""
    on_prediction_fragment: PredictionFragmentCallback | None
    """Gets each fragment."""
    on_prompt_processing_progress: PromptProcessingCallback | None
    """Gets how much of the prompt has been read, 0.0-1.0, increasing. The number has the tokens behind it in its
    `details`, when the server tells them."""


class PredictionOptions(CallbackOptions, total=False):
    """All options of a prediction."""

    response_format: ResponseSchema | None
    """The form that the answer is to have; the decoded object is then the result's `parsed`."""
    config: PredictionConfigInput | None
    """Sampling and the like, as a config or a mapping."""
    preset: str | None
    """A preset of the server's by which the config is filled in."""


@dataclass(frozen=True, slots=True)
class PredictionPlan:
    """The options of one prediction, checked."""

    config: LlmPredictionConfig
    preset: str | None
    callbacks: PredictionCallbacks

    @classmethod
    def read(
        cls,
        *,
        response_format: ResponseSchema | None = None,
        config: PredictionConfigInput | None = None,
        preset: str | None = None,
        **callbacks: Unpack[CallbackOptions],
    ) -> Self:
        """The plan from what a caller gave.

        Raises:
            LMStudioValueError: an option does not fit.
        """
        options = read_config(config, LlmPredictionConfig)
        if response_format is not None:
            if options.structured is not None:
                raise LMStudioValueError("Give either response_format or structured in the config, not both.")
            options = msgspec.structs.replace(options, structured=read_response_format(response_format))
        return cls(options, preset, PredictionCallbacks(**callbacks))

    def run(self) -> PredictionRun:
        """The state of a prediction that follows the plan."""
        wanted = (self.config.structured or {}).get("type")
        return PredictionRun(self.callbacks, structured=wanted in ("json", "gbnf"))
