"""Config fields and the server's keys: one table for predictions, one for loads, read in both directions.

Source of the keys and their forms: LM Studio's configuration schema, as its SDKs send it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import msgspec

from lmchat.values.config import LlmLoadModelConfig, LlmPredictionConfig


class KVField(msgspec.Struct, frozen=True):
    """One setting."""

    key: str
    value: Any = None


class KVConfig(msgspec.Struct, frozen=True):
    """Settings in order; a later one wins over an earlier of the same key."""

    fields: tuple[KVField, ...] = ()

    def values(self) -> dict[str, Any]:
        """The settings that hold, by key."""
        return {field.key: field.value for field in self.fields}


class KVConfigLayer(msgspec.Struct, frozen=True, rename="camel"):
    """Settings from one origin."""

    layer_name: str
    config: KVConfig


class KVConfigStack(msgspec.Struct, frozen=True):
    """Settings from several origins; a later layer wins over an earlier."""

    layers: tuple[KVConfigLayer, ...] = ()

    def collapse(self) -> dict[str, Any]:
        """The settings that hold, by key."""
        return {field.key: field.value for layer in self.layers for field in layer.config.fields}

    def has_layer(self, name: str) -> bool:
        """Whether any settings come from this origin."""
        return any(layer.layer_name == name for layer in self.layers)


API_OVERRIDE: Final = "apiOverride"
"""The layer of what a client asks for."""
COMPLETE_MODE: Final = "completeModeFormatting"
"""The layer whose presence says that the prompt is raw text."""


@dataclass(frozen=True, slots=True)
class _Setting:
    key: str
    remembered: Any = None
    """For settings with a checkbox: the number to send while it is unchecked. None: the value is sent as it is."""


_PREDICTION: Final[dict[str, _Setting]] = {
    name: _Setting(f"llm.prediction.{suffix}", remembered)
    for name, suffix, remembered in (
        ("temperature", "temperature", None),
        ("max_tokens", "maxPredictedTokens", 1000),
        ("top_k_sampling", "topKSampling", None),
        ("top_p_sampling", "topPSampling", 0.95),
        ("min_p_sampling", "minPSampling", 0.05),
        ("repeat_penalty", "repeatPenalty", 1.1),
        ("presence_penalty", "llama.presencePenalty", 0.0),
        ("frequency_penalty", "llama.frequencyPenalty", 0.0),
        ("xtc_probability", "llama.xtcProbability", 0.0),
        ("xtc_threshold", "llama.xtcThreshold", 0.0),
        ("seed", "seed", -1),
        ("stop_strings", "stopStrings", None),
        ("tool_call_stop_strings", "toolCallStopStrings", None),
        ("context_overflow_policy", "contextOverflowPolicy", None),
        ("structured", "structured", None),
        ("raw_tools", "tools", None),
        ("tool_choice", "toolChoice", None),
        ("prompt_template", "promptTemplate", None),
        ("log_probs", "logProbs", 0),
        ("reasoning_parsing", "reasoning.parsing", None),
        ("enable_thinking", "reasoning.enableThinking", None),
        ("reasoning_budget", "reasoning.budgetTokens", 1024),
        ("draft_model", "speculativeDecoding.draftModel", None),
        (
            "speculative_decoding_min_draft_length_to_consider",
            "speculativeDecoding.minDraftLengthToConsider",
            None,
        ),
        (
            "speculative_decoding_min_continue_drafting_probability",
            "speculativeDecoding.minContinueDraftingProbability",
            None,
        ),
        ("speculative_decoding_num_draft_tokens_exact", "speculativeDecoding.numDraftTokensExact", None),
        ("cpu_threads", "llama.cpuThreads", None),
    )
}

_LOAD: Final[dict[str, _Setting]] = {
    name: _Setting(f"llm.load.{suffix}", remembered)
    for name, suffix, remembered in (
        ("context_length", "contextLength", None),
        ("seed", "seed", -1),
        ("num_experts", "numExperts", None),
        ("offload_kv_cache_to_gpu", "offloadKVCacheToGpu", None),
        ("eval_batch_size", "llama.evalBatchSize", None),
        ("flash_attention", "llama.flashAttention", None),
        ("keep_model_in_memory", "llama.keepModelInMemory", None),
        ("try_mmap", "llama.tryMmap", None),
        ("use_fp16_for_kv_cache", "llama.useFp16ForKVCache", None),
        ("rope_frequency_base", "llama.ropeFrequencyBase", 0.0),
        ("rope_frequency_scale", "llama.ropeFrequencyScale", 0.0),
        ("llama_k_cache_quantization_type", "llama.kCacheQuantizationType", "f16"),
        ("llama_v_cache_quantization_type", "llama.vCacheQuantizationType", "f16"),
    )
}

ConfigT = TypeVar("ConfigT", LlmPredictionConfig, LlmLoadModelConfig)


def prediction_stack(config: LlmPredictionConfig) -> KVConfigStack:
    """What a client asks of a prediction, as the wire carries it."""
    return _stack(config, _PREDICTION)


def load_stack(config: LlmLoadModelConfig) -> KVConfigStack:
    """What a client asks of a load, as the wire carries it."""
    return _stack(config, _LOAD)


def prediction_fields(config: LlmPredictionConfig) -> KVConfig:
    """A prediction's settings as a flat list."""
    return _fields(config, _PREDICTION)


def load_fields(config: LlmLoadModelConfig) -> KVConfig:
    """A load's settings as a flat list."""
    return _fields(config, _LOAD)


def read_prediction(settings: Mapping[str, Any]) -> LlmPredictionConfig:
    """The prediction config that settings by key stand for. Unknown keys and values that do not fit are left out."""
    return _read(settings, _PREDICTION, LlmPredictionConfig)


def read_load(settings: Mapping[str, Any]) -> LlmLoadModelConfig:
    """The load config that settings by key stand for. Unknown keys and values that do not fit are left out."""
    return _read(settings, _LOAD, LlmLoadModelConfig)


def _stack(config: LlmPredictionConfig | LlmLoadModelConfig, table: Mapping[str, _Setting]) -> KVConfigStack:
    return KVConfigStack((KVConfigLayer(API_OVERRIDE, _fields(config, table)),))


def _fields(config: LlmPredictionConfig | LlmLoadModelConfig, table: Mapping[str, _Setting]) -> KVConfig:
    given = ((setting, getattr(config, name)) for name, setting in table.items())
    return KVConfig(tuple(KVField(s.key, _to_wire(s, value)) for s, value in given if value is not None))


def _to_wire(setting: _Setting, value: Any) -> Any:
    if setting.remembered is None:
        return value
    if value is False:
        return {"checked": False, "value": setting.remembered}
    return {"checked": True, "value": value}


def _read(settings: Mapping[str, Any], table: Mapping[str, _Setting], kind: type[ConfigT]) -> ConfigT:
    names = dict(zip(kind.__struct_fields__, kind.__struct_encode_fields__, strict=True))
    found: dict[str, Any] = {}
    for name, setting in table.items():
        value = _from_wire(setting, settings.get(setting.key))
        if value is None:
            continue
        try:
            msgspec.convert({names[name]: value}, kind, strict=False)
        except msgspec.ValidationError:
            continue
        found[names[name]] = value
    return msgspec.convert(found, kind, strict=False)


def _from_wire(setting: _Setting, value: Any) -> Any:
    if setting.remembered is None or not isinstance(value, Mapping):
        return value
    # LM Studio's Python SDK writes "off" as a checked box with the value false.
    return value.get("value") if value.get("checked") else False
