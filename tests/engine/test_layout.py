"""Load settings: what a client asks for, what llama.cpp is told, and what clients are told of it."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from lmchat.engine.models.catalog import Catalog
from lmchat.engine.models.entry import CatalogEntry
from lmchat.engine.models.instance import LoadOrder, worker_options
from lmchat.engine.models.layout import honoured, layout_of
from lmchat.engine.models.memory import usage_estimate
from lmchat.engine.worker.llama import LlamaWorker
from lmchat.engine.worker.protocol import Layout, WorkerOptions
from lmchat.values.config import AnyLoadConfig, EmbeddingLoadModelConfig, GpuSetting, LlmLoadModelConfig
from tests.engine.test_catalog import write_model


def entry_of(tmp_path: Path, **metadata: object) -> CatalogEntry:
    write_model(tmp_path / "model.gguf", **metadata)
    (entry,) = Catalog(tmp_path).entries()
    return entry


DESCRIPTION = {
    "llama.block_count": 30,
    "llama.embedding_length": 576,
    "llama.attention.head_count": 9,
    "llama.attention.head_count_kv": 3,
}


@pytest.mark.parametrize(
    ("config", "layout"),
    [
        (LlmLoadModelConfig(), Layout()),
        (LlmLoadModelConfig(gpu=GpuSetting(ratio="off")), Layout(gpu_layers=0)),
        (LlmLoadModelConfig(gpu=GpuSetting(ratio=0.5, main_gpu=1)), Layout(gpu_layers=16, main_gpu=1)),
        (LlmLoadModelConfig(flash_attention=True, seed=7), Layout(flash_attention=True, seed=7)),
        (LlmLoadModelConfig(seed=False, rope_frequency_base=False), Layout()),
        (
            LlmLoadModelConfig(llama_k_cache_quantization_type="q8_0", use_fp16_for_kv_cache=False),
            Layout(key_type="q8_0", value_type="f32"),
        ),
        (EmbeddingLoadModelConfig(try_mmap=False, rope_frequency_scale=0.5), Layout(mmap=False, rope_scale=0.5)),
    ],
)
def test_settings_become_a_layout(tmp_path: Path, config: AnyLoadConfig, layout: Layout) -> None:
    assert layout_of(config, entry_of(tmp_path, **DESCRIPTION).gguf) == layout


def test_clients_are_told_what_holds() -> None:
    config = LlmLoadModelConfig(num_experts=3, flash_attention=True, gpu=GpuSetting(ratio=0.5, disabled_gpus=[1]))
    assert honoured(config, 512) == LlmLoadModelConfig(
        context_length=512, flash_attention=True, gpu=GpuSetting(ratio=0.5)
    )


def test_a_worker_for_embeddings_is_told_so(tmp_path: Path) -> None:
    for pooling, mean in ((0, True), (2, False)):
        entry = entry_of(tmp_path, **{"general.architecture": "bert", "bert.pooling_type": pooling})
        options = worker_options(LoadOrder(entry, "e", 256, EmbeddingLoadModelConfig()), threads=3)
        assert (options.embedding, options.mean_pooling, options.threads) == (True, mean, 3)


def test_what_a_load_would_take(tmp_path: Path) -> None:
    entry = entry_of(tmp_path, **DESCRIPTION)
    memory = usage_estimate(LoadOrder(entry, "m", 1000, LlmLoadModelConfig())).memory
    assert memory.context_bytes == 30 * 3 * (64 + 64) * 2 * 1000
    assert memory.total_bytes == memory.context_bytes + entry.gguf.size_bytes
    assert memory.confidence == "high"
    small = LlmLoadModelConfig(llama_k_cache_quantization_type="q8_0", llama_v_cache_quantization_type="q8_0")
    assert usage_estimate(LoadOrder(entry, "m", 1000, small)).memory.context_bytes == memory.context_bytes * 17 // 32
    unknown = usage_estimate(LoadOrder(entry_of(tmp_path), "m", 1000, LlmLoadModelConfig())).memory
    assert (unknown.confidence, unknown.context_bytes) == ("low", 0)


async def test_llama_cpp_takes_every_setting(packaged_model: Path, tmp_path: Path) -> None:
    """Each is set to something else than llama.cpp's own choice; one that it did not know would be an error."""
    layout = Layout(
        gpu_layers=0, main_gpu=0, kv_on_gpu=False, flash_attention=True, key_type="q8_0", value_type="q8_0",
        rope_base=100000.0, rope_scale=1.0, mmap=False, lock=False, direct_io=False, seed=5,
    )  # fmt: skip
    options = WorkerOptions(model_path=str(packaged_model), context_length=256, layout=layout)
    for chosen in (options, msgspec.structs.replace(options, layout=Layout(flash_attention=False, mmap=True))):
        worker = await LlamaWorker.start(chosen, log=tmp_path / "log")
        try:
            assert await worker.tokenize("one two")
        finally:
            await worker.aclose()
