"""Which key of the server's each option of a config sets.

Source of the keys and their forms: LM Studio's configuration schema, as its SDKs send it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from lmchat.values.config import GpuSetting


@dataclass(frozen=True, slots=True)
class Setting:
    """The key of one option."""

    key: str
    remembered: Any = None
    """For settings with a checkbox: the number to send while it is unchecked. None: the value is sent as it is."""
    also: tuple[str, ...] = ()
    """Further keys that get the same value."""

    def to_wire(self, value: Any) -> Any:
        """An option's value as the server takes it."""
        if self.remembered is None:
            return msgspec.to_builtins(value)
        if value is False:
            return {"checked": False, "value": self.remembered}
        return {"checked": True, "value": value}

    def from_wire(self, value: Any) -> Any:
        """A server's value as the option has it; None when there is none."""
        if self.remembered is None or not isinstance(value, Mapping):
            return value
        # LM Studio's Python SDK writes "off" as a checked box with the value false.
        return value.get("value") if value.get("checked") else False


@dataclass(frozen=True, slots=True)
class KeyMap:
    """The keys of one kind of config."""

    settings: Mapping[str, Setting]
    """By the name of the option."""
    gpu_prefix: str | None = None
    """What the keys of `gpu` begin with; None where there is no such option."""


_SPLIT: Final = "load.gpuSplitConfig"


def gpu_to_wire(gpu: GpuSetting, prefix: str) -> Iterable[tuple[str, Any]]:
    """The settings that `gpu` stands for. Without a word about several GPUs the server's split stays."""
    if gpu.ratio is not None:
        yield f"{prefix}.llama.acceleration.offloadRatio", gpu.ratio
    if gpu.num_cpu_expert_layers_ratio is not None:
        yield f"{prefix}.numCpuExpertLayersRatio", gpu.num_cpu_expert_layers_ratio
    if (gpu.main_gpu, gpu.split_strategy, gpu.disabled_gpus) == (None, None, None):
        return
    favours = gpu.split_strategy == "favorMainGpu" or (gpu.split_strategy is None and gpu.main_gpu is not None)
    yield (
        _SPLIT,
        {
            "strategy": "priorityOrder" if favours else "evenly",
            "disabledGpus": gpu.disabled_gpus or [],
            "priority": [] if gpu.main_gpu is None or not favours else [gpu.main_gpu],
            "customRatio": [],
        },
    )


def gpu_from_wire(settings: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """`gpu` in the protocol's names, as far as settings tell; a split that it has no words for is left out."""
    found = {
        "ratio": settings.get(f"{prefix}.llama.acceleration.offloadRatio"),
        "numCpuExpertLayersRatio": settings.get(f"{prefix}.numCpuExpertLayersRatio"),
    }
    match settings.get(_SPLIT):
        case {"strategy": "evenly", **rest}:
            found |= {"splitStrategy": "evenly", "disabledGpus": rest.get("disabledGpus")}
        case {"strategy": "priorityOrder", "priority": [main_gpu], **rest}:
            found |= {"splitStrategy": "favorMainGpu", "mainGpu": main_gpu, "disabledGpus": rest.get("disabledGpus")}
    return {name: value for name, value in found.items() if value is not None}


_P: Final = "llm.prediction."
_L: Final = "llm.load."
_E: Final = "embedding.load."
_DRAFT: Final = "llama.speculativeDecoding."

PREDICTION: Final = KeyMap(
    {
        "temperature": Setting(_P + "temperature"),
        "max_tokens": Setting(_P + "maxPredictedTokens", 1000),
        "top_k_sampling": Setting(_P + "topKSampling"),
        "top_p_sampling": Setting(_P + "topPSampling", 0.95),
        "min_p_sampling": Setting(_P + "minPSampling", 0.05),
        "repeat_penalty": Setting(_P + "repeatPenalty", 1.1),
        "presence_penalty": Setting(_P + "llama.presencePenalty", 0.0),
        "frequency_penalty": Setting(_P + "llama.frequencyPenalty", 0.0),
        "xtc_probability": Setting(_P + "llama.xtcProbability", 0.0),
        "xtc_threshold": Setting(_P + "llama.xtcThreshold", 0.0),
        "mirostat_sampling": Setting(_P + "llama.mirostatSampling"),
        "tail_free_sampling": Setting(_P + "llama.tailFreeSampling", 0.0),
        "locally_typical_sampling": Setting(_P + "llama.locallyTypicalSampling", 0.0),
        "logit_bias": Setting(_P + "llama.logitBias"),
        "seed": Setting(_P + "seed", -1),
        "stop_strings": Setting(_P + "stopStrings"),
        "tool_call_stop_strings": Setting(_P + "toolCallStopStrings"),
        "context_overflow_policy": Setting(_P + "contextOverflowPolicy"),
        "structured": Setting(_P + "structured"),
        "system_prompt": Setting(_P + "systemPrompt"),
        "context_prefill": Setting(_P + "contextPrefill"),
        "raw_tools": Setting(_P + "tools"),
        "tool_choice": Setting(_P + "toolChoice"),
        "tool_naming": Setting(_P + "toolNaming"),
        "prompt_template": Setting(_P + "promptTemplate"),
        "log_probs": Setting(_P + "logProbs", 0),
        "reasoning_parsing": Setting(_P + "reasoning.parsing"),
        "enable_thinking": Setting(_P + "reasoning.enableThinking"),
        "reasoning_budget": Setting(_P + "reasoning.budgetTokens", 1024),
        "draft_model": Setting(_P + "speculativeDecoding.draftModel"),
        "speculative_decoding_min_draft_length_to_consider": Setting(
            _P + "speculativeDecoding.minDraftLengthToConsider"
        ),
        "speculative_decoding_min_continue_drafting_probability": Setting(
            _P + "speculativeDecoding.minContinueDraftingProbability"
        ),
        "speculative_decoding_num_draft_tokens_exact": Setting(_P + "speculativeDecoding.numDraftTokensExact"),
        "speculative_decoding_num_reuse_tokens": Setting(_P + "speculativeDecoding.numReuseTokens"),
        "speculative_decoding_max_tokens_to_draft": Setting(_P + "speculativeDecoding.maxTokensToDraft"),
        "user_max_image_dimension_pixels": Setting(_P + "vision.userMaxImageDimensionPixels", 1024),
        "ignore_model_preferred_max_image_dimension": Setting(_P + "vision.ignoreModelPreferredMaxImageDimension"),
        "cpu_threads": Setting(_P + "llama.cpuThreads"),
    }
)

LLM_LOAD: Final = KeyMap(
    {
        "context_length": Setting(_L + "contextLength"),
        "gpu_strict_vram_cap": Setting("load.gpuStrictVramCap"),
        "seed": Setting(_L + "seed", -1),
        "num_experts": Setting(_L + "numExperts"),
        "offload_kv_cache_to_gpu": Setting(_L + "offloadKVCacheToGpu"),
        "eval_batch_size": Setting(_L + "llama.evalBatchSize"),
        "physical_batch_size": Setting(_L + "llama.physicalBatchSize"),
        "flash_attention": Setting(_L + "llama.flashAttention"),
        "keep_model_in_memory": Setting(_L + "llama.keepModelInMemory"),
        "try_mmap": Setting(_L + "llama.tryMmap"),
        "try_direct_io": Setting(_L + "llama.tryDirectIO"),
        "use_fp16_for_kv_cache": Setting(_L + "llama.useFp16ForKVCache"),
        "use_unified_kv_cache": Setting(_L + "useUnifiedKvCache"),
        "rope_frequency_base": Setting(_L + "llama.ropeFrequencyBase", 0.0),
        "rope_frequency_scale": Setting(_L + "llama.ropeFrequencyScale", 0.0),
        "llama_k_cache_quantization_type": Setting(_L + "llama.kCacheQuantizationType", "f16"),
        "llama_v_cache_quantization_type": Setting(_L + "llama.vCacheQuantizationType", "f16"),
        "prompt_template": Setting(_L + "promptTemplate"),
        "max_parallel_predictions": Setting(_L + "numParallelSessions"),
        "auto_fit": Setting(_L + "llama.autoFit", also=(_L + "mlx.autoFit", _L + "yuzu.autoFit")),
        "auto_fit_min_context_length": Setting(_L + "autoFitMinContextLength"),
        "context_checkpoints": Setting(_L + "llama.contextCheckpoints"),
        "reasoning_budget_message": Setting(_L + "llama.reasoningBudgetMessage"),
        "cpu_thread_pool_size": Setting(_L + "llama.cpuThreadPoolSize"),
        "arguments_override": Setting(_L + "llama.argumentsOverride"),
        "speculative_draft_mtp": Setting(_L + _DRAFT + "draftMtp"),
        "speculative_draft_simple": Setting(_L + _DRAFT + "draftSimple"),
        "speculative_draft_dflash_sidecar": Setting(_L + _DRAFT + "draftDflashSidecar"),
        "speculative_draft_dspark_sidecar": Setting(_L + _DRAFT + "draftDsparkSidecar"),
        "speculative_draft_mtp_sidecar": Setting(_L + _DRAFT + "draftMtpSidecar"),
        "speculative_draft_model": Setting(_L + _DRAFT + "draftModel"),
        "speculative_draft_max_tokens": Setting(_L + _DRAFT + "draftMaxTokens"),
        "speculative_draft_min_tokens": Setting(_L + _DRAFT + "draftMinTokens"),
        "speculative_draft_min_continue_probability": Setting(_L + _DRAFT + "draftMinContinueProbability"),
        "mlx_disk_cache": Setting(_L + "mlx.diskCache"),
        "mlx_kv_cache_quantization": Setting(_L + "mlx.kvCacheQuantization"),
        "env_vars": Setting("envVars"),
    },
    gpu_prefix="llm.load",
)

EMBEDDING_LOAD: Final = KeyMap(
    {
        "context_length": Setting(_E + "contextLength"),
        "seed": Setting(_E + "seed", -1),
        "eval_batch_size": Setting(_E + "llama.evalBatchSize"),
        "keep_model_in_memory": Setting(_E + "llama.keepModelInMemory"),
        "try_mmap": Setting(_E + "llama.tryMmap"),
        "rope_frequency_base": Setting(_E + "llama.ropeFrequencyBase", 0.0),
        "rope_frequency_scale": Setting(_E + "llama.ropeFrequencyScale", 0.0),
    },
    gpu_prefix="embedding.load",
)
