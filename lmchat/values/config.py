"""What can be asked of a prediction and of a load, under the names of LM Studio's SDKs.

An option that is None is not sent, so the server's own setting holds. Where an option can be off, False does that.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from typing import Any, Final, Literal, TypeAlias, TypeVar

import msgspec

from lmchat.values.errors import LMStudioValueError

Off: TypeAlias = Literal[False]


class LlmPredictionConfig(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Options of one prediction. Ranges and meanings are those of LM Studio's configuration keys."""

    temperature: float | None = None
    """0 and up; 0 always takes the likeliest token."""
    max_tokens: int | Off | None = None
    """Tokens to predict at most, 1 and up."""
    top_k_sampling: float | None = None
    """How many of the likeliest tokens may be drawn."""
    top_p_sampling: float | Off | None = None
    """0.0-1.0: the share of probability that may be drawn from."""
    min_p_sampling: float | Off | None = None
    """0.0-1.0: the least probability, relative to the likeliest token's."""
    repeat_penalty: float | Off | None = None
    presence_penalty: float | Off | None = None
    frequency_penalty: float | Off | None = None
    xtc_probability: float | Off | None = None
    xtc_threshold: float | Off | None = None
    seed: int | Off | None = None
    stop_strings: list[str] | None = None
    tool_call_stop_strings: list[str] | None = None
    context_overflow_policy: Literal["stopAtLimit", "truncateMiddle", "rollingWindow"] | None = None
    structured: dict[str, Any] | None = None
    raw_tools: dict[str, Any] | None = None
    tool_choice: dict[str, Any] | None = None
    prompt_template: dict[str, Any] | None = None
    log_probs: int | Off | None = None
    reasoning_parsing: dict[str, Any] | None = None
    enable_thinking: bool | None = None
    reasoning_budget: int | Off | None = None
    """Tokens of reasoning at most."""
    draft_model: str | None = None
    speculative_decoding_min_draft_length_to_consider: int | None = None
    speculative_decoding_min_continue_drafting_probability: float | None = None
    speculative_decoding_num_draft_tokens_exact: int | None = None
    cpu_threads: int | None = None


class LlmLoadModelConfig(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Options of loading a language model."""

    context_length: int | None = None
    """Tokens, 1 and up."""
    seed: int | Off | None = None
    num_experts: int | None = None
    offload_kv_cache_to_gpu: bool | None = None
    eval_batch_size: int | None = None
    flash_attention: bool | None = None
    keep_model_in_memory: bool | None = None
    try_mmap: bool | None = None
    use_fp16_for_kv_cache: bool | None = msgspec.field(name="useFp16ForKVCache", default=None)
    rope_frequency_base: float | Off | None = None
    rope_frequency_scale: float | Off | None = None
    llama_k_cache_quantization_type: str | Off | None = None
    llama_v_cache_quantization_type: str | Off | None = None


ConfigT = TypeVar("ConfigT", LlmPredictionConfig, LlmLoadModelConfig)
PredictionConfigInput: TypeAlias = "LlmPredictionConfig | Mapping[str, Any]"
LoadConfigInput: TypeAlias = "LlmLoadModelConfig | Mapping[str, Any]"


_RANGES: Final = {
    "temperature": (0, math.inf),
    "max_tokens": (1, math.inf),
    "top_p_sampling": (0, 1),
    "min_p_sampling": (0, 1),
    "xtc_probability": (0, 1),
    "xtc_threshold": (0, 1),
    "speculative_decoding_min_continue_drafting_probability": (0, 1),
    "context_length": (1, math.inf),
}
"""What a caller may ask for. What servers report and the store keeps is taken as it is."""


def read_config(given: ConfigT | Mapping[str, Any] | None, kind: type[ConfigT]) -> ConfigT:
    """A config from what a caller gave: a config, a mapping with camelCase or snake_case names, or nothing.

    Raises:
        LMStudioValueError: a name is unknown (the message offers the nearest), or a value of a wrong type or range.
    """
    if given is None:
        return kind()
    if isinstance(given, kind):
        return _in_range(given)
    if not isinstance(given, Mapping):
        raise LMStudioValueError(f"A config is a {kind.__name__} or a mapping, not a {type(given).__name__}.")
    names = dict(zip(kind.__struct_fields__, kind.__struct_encode_fields__, strict=True))
    camel = {names.get(name, name): value for name, value in given.items()}
    for name in camel:
        if name not in names.values():
            near = difflib.get_close_matches(str(name), names.values(), n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise LMStudioValueError(f"There is no option {name!r} in a {kind.__name__}.{hint}")
    try:
        return _in_range(msgspec.convert(camel, kind))
    except msgspec.ValidationError as wrong:
        raise LMStudioValueError(f"This option does not fit: {wrong}.") from None


def _in_range(config: ConfigT) -> ConfigT:
    for name, (least, most) in _RANGES.items():
        value = getattr(config, name, None)
        if value is None or value is False or least <= value <= most:
            continue
        limit = f"{least:g} to {most:g}" if most < math.inf else f"{least:g} or more"
        raise LMStudioValueError(f"{name} takes {limit}; {value} does not fit.")
    return config
