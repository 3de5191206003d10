from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from lmchat.protocol.kvconfig import (
    KVConfig,
    KVConfigLayer,
    KVConfigStack,
    KVField,
    load_fields,
    load_stack,
    prediction_fields,
    prediction_stack,
    read_embedding_load,
    read_load,
    read_prediction,
)
from lmchat.values.config import EmbeddingLoadModelConfig, GpuSetting, LlmLoadModelConfig, LlmPredictionConfig
from lmchat.values.errors import LMStudioValueError


def test_the_example_of_the_protocol_reference() -> None:
    stack = prediction_stack(LlmPredictionConfig(max_tokens=64, temperature=0.2))
    fields = json.loads(msgspec.json.encode(stack))["layers"][0]
    assert fields["layerName"] == "apiOverride"
    assert sorted(fields["config"]["fields"], key=lambda field: str(field["key"])) == [
        {"key": "llm.prediction.maxPredictedTokens", "value": {"checked": True, "value": 64}},
        {"key": "llm.prediction.temperature", "value": 0.2},
    ]


def test_what_is_not_set_is_not_sent() -> None:
    assert prediction_fields(LlmPredictionConfig()).fields == ()


def test_off_is_an_unchecked_box_with_a_remembered_number() -> None:
    assert prediction_fields(LlmPredictionConfig(max_tokens=False)).values() == {
        "llm.prediction.maxPredictedTokens": {"checked": False, "value": 1000}
    }


EVERYTHING = LlmPredictionConfig(
    temperature=0.5,
    max_tokens=10,
    top_k_sampling=40.0,
    top_p_sampling=0.9,
    min_p_sampling=False,
    repeat_penalty=1.1,
    presence_penalty=0.1,
    frequency_penalty=0.2,
    xtc_probability=0.3,
    xtc_threshold=0.4,
    mirostat_sampling={"version": 2},
    tail_free_sampling=0.5,
    locally_typical_sampling=0.6,
    logit_bias=[[7, "-inf"], [8, 1.5]],
    seed=7,
    stop_strings=["\n"],
    tool_call_stop_strings=["x"],
    context_overflow_policy="stopAtLimit",
    structured={"type": "json"},
    system_prompt="Be brief.",
    context_prefill=[],
    raw_tools={"type": "none"},
    tool_naming="passThrough",
    tool_choice={"type": "generic", "mode": "auto"},
    prompt_template={"type": "jinja"},
    log_probs=3,
    reasoning_parsing={"enabled": True, "startString": "<t>", "endString": "</t>"},
    enable_thinking=False,
    reasoning_budget=100,
    draft_model="d",
    speculative_decoding_min_draft_length_to_consider=1,
    speculative_decoding_min_continue_drafting_probability=0.5,
    speculative_decoding_num_draft_tokens_exact=2,
    speculative_decoding_num_reuse_tokens=256,
    speculative_decoding_max_tokens_to_draft=16,
    user_max_image_dimension_pixels=512,
    ignore_model_preferred_max_image_dimension=True,
    cpu_threads=4,
    raw={"llm.prediction.later.than.this": 1, "llm.prediction.temperature": 9.0},
)


def test_every_prediction_option_has_a_key_and_comes_back() -> None:
    assert all(getattr(EVERYTHING, name) is not None for name in EVERYTHING.__struct_fields__)
    fields = prediction_fields(EVERYTHING)
    assert len(fields.fields) == len(EVERYTHING.__struct_fields__)
    assert fields.values()["llm.prediction.later.than.this"] == 1
    assert read_prediction(fields.values()) == msgspec.structs.replace(EVERYTHING, raw=None)


EVERY_LOAD = LlmLoadModelConfig(
    context_length=2048,
    gpu=GpuSetting(
        ratio=0.5, main_gpu=1, split_strategy="favorMainGpu", disabled_gpus=[2], num_cpu_expert_layers_ratio="max"
    ),
    gpu_strict_vram_cap=True,
    seed=7,
    num_experts=2,
    offload_kv_cache_to_gpu=True,
    eval_batch_size=512,
    physical_batch_size=256,
    flash_attention=True,
    keep_model_in_memory=False,
    try_mmap=False,
    try_direct_io=True,
    use_fp16_for_kv_cache=True,
    use_unified_kv_cache=True,
    rope_frequency_base=10000.0,
    rope_frequency_scale=False,
    llama_k_cache_quantization_type="q8_0",
    llama_v_cache_quantization_type=False,
    prompt_template={"type": "jinja"},
    max_parallel_predictions=4,
    auto_fit=False,
    auto_fit_min_context_length=1024,
    context_checkpoints=3,
    reasoning_budget_message="Enough.",
    cpu_thread_pool_size=8,
    arguments_override={"a": 1},
    speculative_draft_mtp=True,
    speculative_draft_simple=False,
    speculative_draft_dflash_sidecar=False,
    speculative_draft_dspark_sidecar=False,
    speculative_draft_mtp_sidecar=False,
    speculative_draft_model="d",
    speculative_draft_max_tokens=16,
    speculative_draft_min_tokens=1,
    speculative_draft_min_continue_probability=0.75,
    mlx_disk_cache=True,
    mlx_kv_cache_quantization={"enabled": True, "bits": 8},
    env_vars={"HSA_OVERRIDE_GFX_VERSION": "10.3.0"},
    raw={"llm.load.later.than.this": 1},
)
EVERY_EMBEDDING_LOAD = EmbeddingLoadModelConfig(
    context_length=512,
    gpu=GpuSetting(ratio="off"),
    seed=7,
    eval_batch_size=256,
    keep_model_in_memory=True,
    try_mmap=True,
    rope_frequency_base=10000.0,
    rope_frequency_scale=0.5,
    raw={"embedding.load.later.than.this": 1},
)


def test_every_load_option_has_a_key_and_comes_back() -> None:
    assert all(getattr(EVERY_LOAD, name) is not None for name in EVERY_LOAD.__struct_fields__)
    sent = load_fields(EVERY_LOAD).values()
    assert sent["llm.load.later.than.this"] == 1
    assert {sent[f"llm.load.{engine}.autoFit"] for engine in ("llama", "mlx", "yuzu")} == {False}
    assert read_load(sent) == msgspec.structs.replace(EVERY_LOAD, raw=None)


def test_every_load_option_of_an_embedding_model_has_a_key_and_comes_back() -> None:
    assert all(getattr(EVERY_EMBEDDING_LOAD, name) is not None for name in EVERY_EMBEDDING_LOAD.__struct_fields__)
    sent = load_fields(EVERY_EMBEDDING_LOAD).values()
    assert {key.partition(".")[0] for key in sent} == {"embedding"}
    assert read_embedding_load(sent) == msgspec.structs.replace(EVERY_EMBEDDING_LOAD, raw=None)


@pytest.mark.parametrize(
    ("gpu", "split"),
    [
        (GpuSetting(ratio="max"), None),
        (GpuSetting(split_strategy="evenly"), ("evenly", [], [])),
        (GpuSetting(main_gpu=2), ("priorityOrder", [2], [])),
        (GpuSetting(disabled_gpus=[1]), ("evenly", [], [1])),
    ],
)
def test_several_gpus_are_spoken_of_only_when_they_are_meant(gpu: GpuSetting, split: tuple[Any, ...] | None) -> None:
    sent = load_fields(LlmLoadModelConfig(gpu=gpu)).values().get("load.gpuSplitConfig")
    told = None if sent is None else (sent["strategy"], sent["priority"], sent["disabledGpus"])
    assert told == split


@pytest.mark.parametrize("strategy", ["tensor", "custom", 7])
def test_a_split_that_has_no_name_here_is_left_out(strategy: Any) -> None:
    settings = {"load.gpuSplitConfig": {"strategy": strategy}, "llm.load.llama.acceleration.offloadRatio": "max"}
    assert read_load(settings) == LlmLoadModelConfig(gpu=GpuSetting(ratio="max"))


def test_raw_settings_may_have_the_protocols_own_form_and_named_options_win() -> None:
    raw = {"fields": [{"key": "llm.prediction.temperature", "value": 9}, {"key": "x", "value": [1]}]}
    sent = prediction_fields(LlmPredictionConfig(raw=raw, temperature=0.5)).values()
    assert sent == {"llm.prediction.temperature": 0.5, "x": [1]}
    with pytest.raises(LMStudioValueError, match="raw settings"):
        prediction_fields(LlmPredictionConfig(raw={"fields": [1]}))


def test_a_raw_prompt_is_a_layer_after_the_options() -> None:
    stack = prediction_stack(LlmPredictionConfig(temperature=0.5), raw_prompt=True)
    assert [layer.layer_name for layer in stack.layers] == ["apiOverride", "completeModeFormatting"]
    template = stack.collapse()["llm.prediction.promptTemplate"]
    assert template["type"] == "jinja"
    assert template["stopStrings"] == []


def test_load_options_come_back() -> None:
    config = LlmLoadModelConfig(
        context_length=2048, seed=7, rope_frequency_base=False, llama_k_cache_quantization_type="q8_0"
    )
    assert read_load(load_stack(config).collapse()) == config


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("maxPredictedTokens", {"checked": True, "value": False}),  # how LM Studio's Python SDK writes "off"
        ("maxPredictedTokens", {"checked": False, "value": 1000}),
    ],
)
def test_both_ways_of_writing_off_are_read(key: str, value: Any) -> None:
    assert read_prediction({f"llm.prediction.{key}": value}).max_tokens is False


def test_integers_may_come_as_floats_and_what_does_not_fit_is_left_out() -> None:
    settings = {
        "llm.prediction.maxPredictedTokens": {"checked": True, "value": 3.0},
        "llm.prediction.temperature": "hot",
        "llm.prediction.unheardOf": 1,
    }
    assert read_prediction(settings) == LlmPredictionConfig(max_tokens=3)


def test_later_layers_and_later_fields_win() -> None:
    stack = KVConfigStack(
        (
            KVConfigLayer("a", KVConfig((KVField("k", 1), KVField("k", 2), KVField("l", 1)))),
            KVConfigLayer("b", KVConfig((KVField("l", 3),))),
        )
    )
    assert stack.collapse() == {"k": 2, "l": 3}
    assert stack.has_layer("b")
    assert not stack.has_layer("c")
