"""What can be asked of a prediction and of a load, under the names of LM Studio's SDKs.

An option that is None is not sent, so the server's own setting holds. Where an option can be off, False does that.
Options that no SDK has a name for are named after the configuration key that they set.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from typing import Any, Final, Literal, TypeAlias, TypeVar

import msgspec

from lmchat.values.errors import LMStudioValueError

Off: TypeAlias = Literal[False]
OffloadRatio: TypeAlias = float | Literal["max", "off"]
"""Which share of a model goes to the GPU, 0.0-1.0; "max" is all of it, "off" none."""
CacheQuantization: TypeAlias = Literal["f32", "f16", "q8_0", "q4_0", "q4_1", "iq4_nl", "q5_0", "q5_1"]


class LlmPredictionConfig(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True, repr_omit_defaults=True
):
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
    """0.0-1.0: how often the likeliest tokens are left out."""
    xtc_threshold: float | Off | None = None
    """0.0-1.0: how probable a token must be to be left out."""
    mirostat_sampling: dict[str, Any] | None = None
    """`version` (0 is off, 1, 2), `learningRate`, `targetEntropy`."""
    tail_free_sampling: float | Off | None = None
    locally_typical_sampling: float | Off | None = None
    logit_bias: list[list[int | float | str]] | None = None
    """What is added to the logits of tokens, as pairs of a token and a number; "-inf" forbids the token."""
    seed: int | Off | None = None
    """The same seed and the same request give the same answer."""
    stop_strings: list[str] | None = None
    """Texts at which the answer ends; they are not part of it."""
    tool_call_stop_strings: list[str] | None = None
    context_overflow_policy: Literal["stopAtLimit", "truncateMiddle", "rollingWindow"] | None = None
    structured: dict[str, Any] | None = None
    """`type` ("json" or "gbnf") with `jsonSchema` or `gbnfGrammar`. The methods' `response_format` is shorter."""
    system_prompt: str | None = None
    """For a conversation that has none."""
    context_prefill: list[Any] | None = None
    raw_tools: dict[str, Any] | None = None
    tool_choice: dict[str, Any] | None = None
    tool_naming: Literal["passThrough", "removeSpecial", "snakeCase", "camelCase"] | None = None
    prompt_template: dict[str, Any] | None = None
    log_probs: int | Off | None = None
    """0-100: how many alternatives to tell with each token of a fragment."""
    reasoning_parsing: dict[str, Any] | None = None
    """`enabled`, `startString`, `endString`: what tells reasoning from the answer."""
    enable_thinking: bool | None = None
    reasoning_budget: int | Off | None = None
    """Tokens of reasoning at most."""
    draft_model: str | None = None
    """Key of a small model that guesses ahead (speculative decoding); "" is none."""
    speculative_decoding_min_draft_length_to_consider: int | None = None
    speculative_decoding_min_continue_drafting_probability: float | None = None
    """0.0-1.0"""
    speculative_decoding_num_draft_tokens_exact: int | None = None
    """1 and up."""
    speculative_decoding_num_reuse_tokens: int | None = None
    speculative_decoding_max_tokens_to_draft: int | None = None
    user_max_image_dimension_pixels: int | Off | None = None
    """Pixels of an image's longer side; a larger image is made smaller."""
    ignore_model_preferred_max_image_dimension: bool | None = None
    cpu_threads: int | None = None
    raw: dict[str, Any] | None = None
    """Settings by the server's own keys, for those that have no option here; named options win over them."""


class GpuSetting(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True, repr_omit_defaults=True
):
    """How a model is laid on GPUs."""

    ratio: OffloadRatio | None = None
    main_gpu: int | None = None
    """The number of the GPU that `split_strategy` favours."""
    split_strategy: Literal["evenly", "favorMainGpu"] | None = None
    disabled_gpus: list[int] | None = None
    num_cpu_expert_layers_ratio: OffloadRatio | None = None
    """Which share of a mixture's expert layers stays with the CPU."""


class LlmLoadModelConfig(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True, repr_omit_defaults=True
):
    """Options of loading a language model."""

    context_length: int | None = None
    """Tokens, 1 and up."""
    gpu: GpuSetting | None = None
    gpu_strict_vram_cap: bool | None = None
    seed: int | Off | None = None
    num_experts: int | None = None
    offload_kv_cache_to_gpu: bool | None = msgspec.field(name="offloadKVCacheToGpu", default=None)
    eval_batch_size: int | None = None
    """Tokens of the prompt that are read at once."""
    physical_batch_size: int | None = None
    flash_attention: bool | None = None
    keep_model_in_memory: bool | None = None
    try_mmap: bool | None = None
    try_direct_io: bool | None = msgspec.field(name="tryDirectIO", default=None)
    use_fp16_for_kv_cache: bool | None = msgspec.field(name="useFp16ForKVCache", default=None)
    use_unified_kv_cache: bool | None = None
    rope_frequency_base: float | Off | None = None
    rope_frequency_scale: float | Off | None = None
    llama_k_cache_quantization_type: CacheQuantization | Off | None = None
    llama_v_cache_quantization_type: CacheQuantization | Off | None = None
    prompt_template: dict[str, Any] | None = None
    max_parallel_predictions: int | None = None
    auto_fit: bool | None = None
    """Whether the server may choose what is not given so that the model fits."""
    auto_fit_min_context_length: int | None = None
    context_checkpoints: int | None = None
    reasoning_budget_message: str | None = None
    cpu_thread_pool_size: int | None = None
    arguments_override: dict[str, Any] | None = None
    speculative_draft_mtp: bool | None = None
    speculative_draft_simple: bool | None = None
    speculative_draft_dflash_sidecar: bool | None = None
    speculative_draft_dspark_sidecar: bool | None = None
    speculative_draft_mtp_sidecar: bool | None = None
    speculative_draft_model: str | None = None
    speculative_draft_max_tokens: int | None = None
    speculative_draft_min_tokens: int | None = None
    speculative_draft_min_continue_probability: float | None = None
    """0.0-1.0"""
    mlx_disk_cache: bool | None = None
    mlx_kv_cache_quantization: dict[str, Any] | None = None
    """`enabled`, `bits`, `groupSize`, `quantizedStart`."""
    env_vars: dict[str, str] | None = None
    raw: dict[str, Any] | None = None
    """Settings by the server's own keys, for those that have no option here; named options win over them."""


class EmbeddingLoadModelConfig(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True, repr_omit_defaults=True
):
    """Options of loading an embedding model."""

    context_length: int | None = None
    """Tokens, 1 and up."""
    gpu: GpuSetting | None = None
    seed: int | Off | None = None
    eval_batch_size: int | None = None
    keep_model_in_memory: bool | None = None
    try_mmap: bool | None = None
    rope_frequency_base: float | Off | None = None
    rope_frequency_scale: float | Off | None = None
    raw: dict[str, Any] | None = None
    """Settings by the server's own keys, for those that have no option here; named options win over them."""


AnyLoadConfig: TypeAlias = LlmLoadModelConfig | EmbeddingLoadModelConfig
ConfigT = TypeVar("ConfigT", LlmPredictionConfig, LlmLoadModelConfig, EmbeddingLoadModelConfig)
PredictionConfigInput: TypeAlias = "LlmPredictionConfig | Mapping[str, Any]"


_RANGES: Final = {
    "temperature": (0, math.inf),
    "max_tokens": (1, math.inf),
    "top_p_sampling": (0, 1),
    "min_p_sampling": (0, 1),
    "xtc_probability": (0, 1),
    "xtc_threshold": (0, 1),
    "log_probs": (0, 100),
    "speculative_decoding_min_continue_drafting_probability": (0, 1),
    "speculative_decoding_num_draft_tokens_exact": (1, math.inf),
    "speculative_draft_min_continue_probability": (0, 1),
    "context_length": (1, math.inf),
}
"""What a caller may ask for. What servers report and the store keeps is taken as it is."""
_ALSO: Final = {
    "stop": "stopStrings",
    "topK": "topKSampling",
    "topP": "topPSampling",
    "minP": "minPSampling",
    "maxPredictedTokens": "maxTokens",
    "offloadKvCacheToGpu": "offloadKVCacheToGpu",
    "useFp16ForKvCache": "useFp16ForKVCache",
}
"""Names that LM Studio's documentation and older SDKs use beside the proper ones."""


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
    camel = _proper_names(given, kind)
    if isinstance(gpu := camel.get("gpu"), Mapping):
        camel["gpu"] = _proper_names(gpu, GpuSetting)
    try:
        return _in_range(msgspec.convert(camel, kind))
    except msgspec.ValidationError as wrong:
        raise LMStudioValueError(f"This option does not fit: {wrong}.") from None


def _proper_names(given: Mapping[str, Any], kind: type[msgspec.Struct]) -> dict[str, Any]:
    names = dict(zip(kind.__struct_fields__, kind.__struct_encode_fields__, strict=True))
    known = set(names.values())
    found: dict[str, Any] = {}
    for name, value in given.items():
        proper = names.get(name, name)
        if proper not in known and "gpu" in known and _camel(name) == "gpuOffload":
            proper, value = "gpu", {"ratio": value}
        elif proper not in known:
            proper = _ALSO.get(_camel(name), proper)
        if proper not in known:
            near = difflib.get_close_matches(str(name), [*known, *names], n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise LMStudioValueError(f"There is no option {name!r} in a {kind.__name__}.{hint}")
        found[proper] = value
    return found


def _camel(name: object) -> str:
    first, *rest = str(name).split("_")
    return first + "".join(word.title() for word in rest)


def _in_range(config: ConfigT) -> ConfigT:
    for name, (least, most) in _RANGES.items():
        value = getattr(config, name, None)
        if value is None or value is False or least <= value <= most:
            continue
        limit = f"{least:g} to {most:g}" if most < math.inf else f"{least:g} or more"
        raise LMStudioValueError(f"{name} takes {limit}; {value} does not fit.")
    return config
