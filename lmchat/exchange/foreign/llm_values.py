"""Values that llm's logs have in all their forms."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from lmchat.exchange.coding import ANY, from_json
from lmchat.exchange.foreign.draft import instance
from lmchat.exchange.foreign.loose import count, mapping, number, text
from lmchat.values.config import LlmPredictionConfig
from lmchat.values.errors import LMStudioValueError
from lmchat.values.history import Provenance
from lmchat.values.prediction import LlmPredictionStats

SERVER: Final = "llm"
_OPTIONS: Final = {
    "temperature": "temperature",
    "max_tokens": "maxTokens",
    "max_output_tokens": "maxTokens",
    "top_k": "topKSampling",
    "top_p": "topPSampling",
    "min_p": "minPSampling",
    "presence_penalty": "presencePenalty",
    "frequency_penalty": "frequencyPenalty",
    "seed": "seed",
}


def json_of(column: object) -> dict[str, Any]:
    """The object a column holds as JSON; empty if it holds none."""
    try:
        return mapping(from_json(column, ANY)) if isinstance(column, str) and column else {}
    except LMStudioValueError:
        return {}


def arguments(column: object) -> dict[str, Any] | None:
    """The arguments of a call; None if there are none."""
    return json_of(column) or None


def attachment(kind: object, path: object, url: object) -> str:
    """A note in place of something attached."""
    return f"[{', '.join(filter(None, ('attachment', text(kind), text(path), text(url))))}]"


def stats(row: dict[str, Any]) -> LlmPredictionStats:
    """How an answer went; how it ended is not logged."""
    took = number(row.get("duration_ms"))
    return LlmPredictionStats(
        stop_reason="unknown",
        total_time_sec=None if took is None else took / 1000,
        prompt_tokens_count=count(row.get("input_tokens")),
        predicted_tokens_count=count(row.get("output_tokens")),
    )


def provenance(row: dict[str, Any]) -> Provenance:
    """Where an answer came from."""
    model = text(row.get("resolved_model")) or text(row.get("model"))
    return Provenance(
        server=SERVER,
        model=instance(model) if model else None,
        prediction_config=_config(json_of(row.get("options_json"))),
        measured_by="client",
    )


def _config(options: dict[str, Any]) -> LlmPredictionConfig:
    known: dict[str, Any] = {}
    for name, ours in _OPTIONS.items():
        if name in options:
            try:
                msgspec.convert({ours: options[name]}, LlmPredictionConfig)
            except msgspec.ValidationError:
                continue
            known[ours] = options[name]
    return msgspec.convert(known, LlmPredictionConfig)
