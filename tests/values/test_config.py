from __future__ import annotations

from typing import Any

import pytest

from lmchat.values.config import LlmLoadModelConfig, LlmPredictionConfig, read_config
from lmchat.values.errors import LMStudioValueError


@pytest.mark.parametrize("name", ["maxTokens", "max_tokens"])
def test_names_may_be_camel_or_snake(name: str) -> None:
    assert read_config({name: 50}, LlmPredictionConfig).max_tokens == 50


def test_switching_off_is_false() -> None:
    assert read_config({"maxTokens": False}, LlmPredictionConfig).max_tokens is False


def test_an_unknown_name_offers_the_nearest() -> None:
    with pytest.raises(LMStudioValueError, match=r"'temprature'.*Did you mean 'temperature'"):
        read_config({"temprature": 1}, LlmPredictionConfig)


@pytest.mark.parametrize(
    "given",
    [
        {"temperature": -1},
        {"temperature": float("nan")},
        {"maxTokens": 0},
        {"topPSampling": 1.5},
        {"minPSampling": -0.1},
    ],
)
def test_a_value_out_of_its_range_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(LMStudioValueError, match="takes"):
        read_config(given, LlmPredictionConfig)


def test_a_config_is_checked_too() -> None:
    with pytest.raises(LMStudioValueError, match="context_length takes 1 or more"):
        read_config(LlmLoadModelConfig(context_length=0), LlmLoadModelConfig)


@pytest.mark.parametrize("given", [{"temperature": "hot"}, {"maxTokens": "many"}, {"stopStrings": "x"}])
def test_a_value_of_a_wrong_type_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(LMStudioValueError, match="does not fit"):
        read_config(given, LlmPredictionConfig)


def test_a_config_is_taken_as_it_is() -> None:
    config = LlmLoadModelConfig(context_length=2048)
    assert read_config(config, LlmLoadModelConfig) is config
    assert read_config(None, LlmLoadModelConfig) == LlmLoadModelConfig()


def test_anything_else_is_refused() -> None:
    with pytest.raises(LMStudioValueError, match="mapping"):
        read_config(3, LlmPredictionConfig)  # type: ignore[type-var]  # that it is wrong is the point
