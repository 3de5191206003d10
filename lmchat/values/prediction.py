"""What a prediction is while it runs and when it is done: its events, and `Prediction`, the one fold over them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, Self, TypeAlias

import msgspec

from lmchat.values.chat import ToolCallRequest
from lmchat.values.config import LlmLoadModelConfig, LlmPredictionConfig
from lmchat.values.model import LlmInfo, LlmInstanceInfo

StopReason: TypeAlias = Literal[
    "eosFound",
    "stopStringFound",
    "toolCalls",
    "maxPredictedTokensReached",
    "contextLengthReached",
    "userStopped",
    "modelUnloaded",
    "failed",
    # Ours, for answers whose end the server could not tell.
    "connectionLost",
    "interrupted",
]
ReasoningType: TypeAlias = Literal["none", "reasoning", "reasoningStartTag", "reasoningEndTag"]


class TokenCandidate(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A token that could have come."""

    text: str
    id: int
    log_prob: float
    """The natural logarithm of its probability."""


class FragmentToken(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A token of the answer, and what could have come in its place."""

    text: str
    id: int
    log_prob: float | None = None
    """The natural logarithm of its probability."""
    candidates: tuple[TokenCandidate, ...] | None = None


class LlmPredictionFragment(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A piece of the answer, as it arrives."""

    content: str
    # What the protocol wants present has a factory, which encoding never leaves out.
    tokens_count: int = msgspec.field(default_factory=lambda: 1)
    """Tokens in this piece; the sum over an answer tracks its total, single pieces may be off."""
    contains_drafted: bool = msgspec.field(default_factory=lambda: False)
    """Whether a draft model wrote part of it."""
    reasoning_type: ReasoningType = msgspec.field(default_factory=lambda: "none")
    is_structural: bool = msgspec.field(default_factory=lambda: False)
    """Whether it belongs to the form of the answer rather than to what it says."""
    tokens: tuple[FragmentToken, ...] | None = None
    """Told when `log_probs` asks for it, by a server that can."""


class LlmPredictionStats(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """How a prediction went. None means that it is not known."""

    stop_reason: str
    """One of `StopReason`; a server newer than this may say something else."""
    stop_string: str | None = None
    tokens_per_second: float | None = None
    num_gpu_layers: float | None = None
    time_to_first_token_sec: float | None = None
    """Seconds from the request to the first token."""
    total_time_sec: float | None = None
    prompt_tokens_count: int | None = None
    predicted_tokens_count: int | None = None
    total_tokens_count: int | None = None
    used_draft_model_key: str | None = None
    total_draft_tokens_count: int | None = None
    accepted_draft_tokens_count: int | None = None
    rejected_draft_tokens_count: int | None = None
    ignored_draft_tokens_count: int | None = None


class PromptProcessingDetails(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The prompt in tokens: total = cached + processed + unprocessed."""

    cached_token_count: int
    total_prompt_token_count: int
    processed_prompt_token_count: int
    unprocessed_prompt_token_count: int


class PromptProcessingProgress(float):
    """How much of the prompt has been read, 0.0-1.0; with the tokens behind the number, when the server tells them."""

    __slots__ = ("details",)

    details: PromptProcessingDetails | None

    def __new__(cls, progress: float, details: PromptProcessingDetails | None = None) -> Self:
        """The number, and what it stands for."""
        self = super().__new__(cls, progress)
        self.details = details
        return self


@dataclass(frozen=True, slots=True)
class PromptProgress:
    """The model is reading the prompt."""

    progress: float
    """0.0-1.0"""
    details: PromptProcessingDetails | None = None


@dataclass(frozen=True, slots=True)
class ToolCallFinished:
    """The model has written a whole tool call request."""

    request: ToolCallRequest


@dataclass(frozen=True, slots=True)
class PredictionFinished:
    """The last event of a prediction, also of one that was stopped."""

    stats: LlmPredictionStats
    model_info: LlmInstanceInfo
    """The instance that answered."""
    load_config: LlmLoadModelConfig
    prediction_config: LlmPredictionConfig


PredictionEvent: TypeAlias = PromptProgress | LlmPredictionFragment | ToolCallFinished | PredictionFinished


@dataclass(frozen=True, slots=True)
class PredictionResult:
    """A finished answer."""

    content: str
    """The whole text, reasoning and its tags included."""
    parsed: str | dict[str, Any]
    """The decoded object of a structured answer, else the text."""
    structured: bool
    stats: LlmPredictionStats
    model_info: LlmInfo
    load_config: LlmLoadModelConfig
    """How the model was loaded, as far as the server told."""
    prediction_config: LlmPredictionConfig
    """The settings that held, as far as the server told."""
    reasoning_content: str
    """What the model thought, without the tags around it."""
    non_reasoning_content: str
    """What the model wrote outside its reasoning."""

    @property
    def load_model_config(self) -> LlmLoadModelConfig:
        """The protocol's name for `load_config`."""
        return self.load_config

    def __str__(self) -> str:
        if self.structured:
            return msgspec.json.format(msgspec.json.encode(self.parsed), indent=2).decode()
        return self.content


@dataclass(slots=True)
class Prediction:
    """Folds the events of one prediction into its answer."""

    tokens_count: int = 0
    """Tokens seen so far, reasoning included."""
    reasoning_tokens_count: int = 0
    tool_calls: list[ToolCallRequest] = field(default_factory=list)
    finished: PredictionFinished | None = None
    _content: list[str] = field(default_factory=list)
    _answer: list[str] = field(default_factory=list)
    _reasoning: list[str] = field(default_factory=list)

    def feed(self, event: PredictionEvent) -> None:
        """Take the next event."""
        match event:
            case LlmPredictionFragment():
                self._feed_fragment(event)
            case ToolCallFinished(request):
                self.tool_calls.append(request)
            case PredictionFinished():
                self.finished = event

    def _feed_fragment(self, fragment: LlmPredictionFragment) -> None:
        self.tokens_count += fragment.tokens_count
        self._content.append(fragment.content)
        if fragment.reasoning_type == "none":
            self._answer.append(fragment.content)
            return
        self.reasoning_tokens_count += fragment.tokens_count
        if fragment.reasoning_type == "reasoning":
            self._reasoning.append(fragment.content)

    @property
    def content(self) -> str:
        """Everything the model wrote, reasoning and its tags included."""
        return "".join(self._content)

    @property
    def answer(self) -> str:
        """What the model wrote outside its reasoning."""
        return "".join(self._answer)

    @property
    def reasoning(self) -> str:
        """What the model thought, without the tags around it."""
        return "".join(self._reasoning)

    def result(self, *, structured: bool = False) -> PredictionResult | None:
        """The finished answer, or None while it is not finished.

        With `structured`, an answer that is a JSON object is decoded; one that was stopped is left as text.
        """
        if self.finished is None:
            return None
        content = self.content
        parsed = _parse_object(content) if structured and self.finished.stats.stop_reason != "userStopped" else None
        return PredictionResult(
            content=content,
            parsed=content if parsed is None else parsed,
            structured=parsed is not None,
            stats=self.finished.stats,
            model_info=self.finished.model_info.model(),
            load_config=self.finished.load_config,
            prediction_config=self.finished.prediction_config,
            reasoning_content=self.reasoning,
            non_reasoning_content=self.answer,
        )


def _parse_object(text: str) -> dict[str, Any] | None:
    try:
        return msgspec.json.decode(text.encode(), type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeEncodeError):
        return None
