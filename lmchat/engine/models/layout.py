"""What a client asks of a load: which of it llama.cpp has, and llama.cpp's words for it."""

from __future__ import annotations

import math
from typing import Final

import msgspec

from lmchat.engine.models.gguf import GgufInfo
from lmchat.engine.worker.protocol import Layout
from lmchat.values.config import AnyLoadConfig, GpuSetting, LlmLoadModelConfig

_ALL_LAYERS: Final = 9999
_HONOURED: Final = frozenset(
    {"context_length", "eval_batch_size", "flash_attention", "keep_model_in_memory", "try_mmap", "try_direct_io",
     "use_fp16_for_kv_cache", "offload_kv_cache_to_gpu", "rope_frequency_base", "rope_frequency_scale", "seed",
     "llama_k_cache_quantization_type", "llama_v_cache_quantization_type", "max_parallel_predictions"}
)  # fmt: skip


def layout_of(config: AnyLoadConfig, gguf: GgufInfo) -> Layout:
    """How the model is to be laid out in memory."""
    llm = config if isinstance(config, LlmLoadModelConfig) else LlmLoadModelConfig()
    # LM Studio's checkbox says the same of both caches; a type for one of them says more.
    plain = "f32" if llm.use_fp16_for_kv_cache is False else None
    return Layout(
        gpu_layers=None if config.gpu is None else _gpu_layers(config.gpu, gguf),
        main_gpu=None if config.gpu is None else config.gpu.main_gpu,
        kv_on_gpu=llm.offload_kv_cache_to_gpu,
        flash_attention=llm.flash_attention,
        key_type=llm.llama_k_cache_quantization_type or plain,
        value_type=llm.llama_v_cache_quantization_type or plain,
        rope_base=config.rope_frequency_base or None,
        rope_scale=config.rope_frequency_scale or None,
        mmap=config.try_mmap,
        lock=config.keep_model_in_memory,
        direct_io=llm.try_direct_io,
        seed=None if config.seed is False or config.seed is None or config.seed < 0 else config.seed,
    )


def honoured(config: AnyLoadConfig, context_length: int) -> AnyLoadConfig:
    """What of a config holds, as clients are told."""
    said = {name: value for name, value in msgspec.structs.asdict(config).items() if name in _HONOURED}
    gpu = config.gpu and GpuSetting(ratio=config.gpu.ratio, main_gpu=config.gpu.main_gpu)
    return type(config)(**{**said, "gpu": gpu, "context_length": context_length})


def _gpu_layers(gpu: GpuSetting, gguf: GgufInfo) -> int | None:
    match gpu.ratio:
        case "off":
            return 0
        case "max":
            return _ALL_LAYERS
        case float() | int() as share if gguf.layers is not None:
            return math.ceil(share * (gguf.layers + 1))  # the output counts as one more
    return None
