"""Our options in llama.cpp's words. The module of llama.cpp is handed in: only a worker process may import it."""

from __future__ import annotations

from typing import Any, Final

from lmchat.engine.worker.protocol import Layout, WorkerOptions

_ERRORS_ONLY: Final = 1


def parameters(llama: Any, options: WorkerOptions, api_key: str) -> Any:
    """The parameters of a server for one model on the loopback address."""
    params = llama.CommonParams()
    params.model.path = options.model_path
    params.model_alias = {options.alias}
    # llama.cpp divides it among the parallel requests.
    params.n_ctx = options.context_length * options.parallel
    params.n_parallel = options.parallel
    params.n_batch = params.n_ubatch = options.context_length if options.embedding else options.batch_size
    params.embedding = options.embedding
    if options.mean_pooling:
        params.pooling_type = llama.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = options.threads
    params.cache_ram_mib = options.cache_mib
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.api_keys = [api_key]
    params.cors_origins = ""
    params.ui = False
    params.verbosity = _ERRORS_ONLY
    _lay_out(llama, params, options.layout)
    if options.draft_path is not None:
        params.speculative.draft.mparams.path = options.draft_path
        params.speculative.types = [llama.common_speculative_type.COMMON_SPECULATIVE_TYPE_DRAFT_SIMPLE]
    return params


def _lay_out(llama: Any, params: Any, layout: Layout) -> None:
    plain = {
        "n_gpu_layers": layout.gpu_layers,
        "main_gpu": layout.main_gpu,
        "no_kv_offload": None if layout.kv_on_gpu is None else not layout.kv_on_gpu,
        "rope_freq_base": layout.rope_base,
        "rope_freq_scale": layout.rope_scale,
        "cache_type_k": _cache_type(llama, layout.key_type),
        "cache_type_v": _cache_type(llama, layout.value_type),
        "flash_attn_type": _flash_attention(llama, layout.flash_attention),
        "load_mode": _load_mode(llama, layout),
    }
    for name, value in plain.items():
        if value is not None:
            setattr(params, name, value)
    if layout.seed is not None:
        params.sampling.seed = layout.seed


def _cache_type(llama: Any, name: str | None) -> Any:
    return None if name is None else getattr(llama.ggml_type, f"GGML_TYPE_{name.upper()}")


def _flash_attention(llama: Any, wanted: bool | None) -> Any:
    if wanted is None:
        return None
    kinds = llama.llama_flash_attn_type
    return kinds.LLAMA_FLASH_ATTN_TYPE_ENABLED if wanted else kinds.LLAMA_FLASH_ATTN_TYPE_DISABLED


def _load_mode(llama: Any, layout: Layout) -> Any:
    modes = llama.llama_load_mode
    match layout.direct_io, layout.mmap, layout.lock:
        case True, _, _:
            return modes.LLAMA_LOAD_MODE_DIRECT_IO
        case _, False, True:
            return modes.LLAMA_LOAD_MODE_MLOCK
        case _, False, _:
            return modes.LLAMA_LOAD_MODE_NONE
        case _, _, True:
            return modes.LLAMA_LOAD_MODE_MMAP_MLOCK
        case _, True, _:
            return modes.LLAMA_LOAD_MODE_MMAP
    return None
