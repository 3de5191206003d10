from __future__ import annotations

from lmchat.values.config import LlmLoadModelConfig, LlmPredictionConfig
from lmchat.values.model import LlmInfo, LlmInstanceInfo
from lmchat.values.prediction import LlmPredictionFragment, LlmPredictionStats, Prediction, PredictionFinished

INSTANCE = LlmInstanceInfo(
    model_key="m",
    format="gguf",
    display_name="M",
    path="p/r/m.gguf",
    size_bytes=1,
    max_context_length=8,
    identifier="m:2",
    instance_reference="ref",
    context_length=4,
)


def finished(stop_reason: str = "eosFound") -> PredictionFinished:
    stats = LlmPredictionStats(stop_reason=stop_reason, predicted_tokens_count=3)
    return PredictionFinished(stats, INSTANCE, LlmLoadModelConfig(), LlmPredictionConfig())


def test_reasoning_and_answer_are_kept_apart_and_the_content_has_both() -> None:
    prediction = Prediction()
    for content, kind in [
        ("<t>", "reasoningStartTag"),
        ("hm", "reasoning"),
        ("</t>", "reasoningEndTag"),
        ("Yes", "none"),
    ]:
        prediction.feed(LlmPredictionFragment(content=content, reasoning_type=kind))  # type: ignore[arg-type]
    assert (prediction.content, prediction.reasoning, prediction.answer) == ("<t>hm</t>Yes", "hm", "Yes")
    assert (prediction.tokens_count, prediction.reasoning_tokens_count) == (4, 3)


def test_there_is_a_result_only_at_the_end() -> None:
    prediction = Prediction()
    prediction.feed(LlmPredictionFragment(content="Yes"))
    assert prediction.result() is None
    prediction.feed(finished())
    result = prediction.result()
    assert result is not None
    assert (str(result), result.parsed, result.structured) == ("Yes", "Yes", False)
    assert result.model_info == INSTANCE.model()
    assert isinstance(result.model_info, LlmInfo)


def test_a_structured_answer_is_decoded_if_it_is_an_object() -> None:
    for content, parsed in [('{"a": 1}', {"a": 1}), ("[1]", "[1]"), ('{"a"', '{"a"')]:
        prediction = Prediction()
        prediction.feed(LlmPredictionFragment(content=content))
        prediction.feed(finished())
        result = prediction.result(structured=True)
        assert result is not None
        assert result.parsed == parsed
        assert result.structured is isinstance(parsed, dict)


def test_a_stopped_structured_answer_stays_text() -> None:
    prediction = Prediction()
    prediction.feed(LlmPredictionFragment(content='{"a": 1}'))
    prediction.feed(finished("userStopped"))
    result = prediction.result(structured=True)
    assert result is not None
    assert not result.structured
