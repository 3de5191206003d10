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
    load_stack,
    prediction_fields,
    prediction_stack,
    read_load,
    read_prediction,
)
from lmchat.values.config import LlmLoadModelConfig, LlmPredictionConfig


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
    seed=7,
    stop_strings=["\n"],
    tool_call_stop_strings=["x"],
    context_overflow_policy="stopAtLimit",
    structured={"type": "json"},
    raw_tools={"type": "none"},
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
    cpu_threads=4,
)


def test_every_prediction_option_has_a_key_and_comes_back() -> None:
    assert all(getattr(EVERYTHING, name) is not None for name in EVERYTHING.__struct_fields__)
    fields = prediction_fields(EVERYTHING)
    assert len(fields.fields) == len(EVERYTHING.__struct_fields__)
    assert read_prediction(fields.values()) == EVERYTHING


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
