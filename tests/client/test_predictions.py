"""What can be asked of a prediction, and what it comes to, against a server that follows a script."""

from __future__ import annotations

from typing import Any

import pytest

import lmchat as lms
from lmchat.protocol.errors import failure, preset_not_found
from tests.scripted_server import Scene, fragment, scripted_server, success

SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}


class Answer(lms.BaseModel):
    a: int


async def hello(scene: Scene) -> None:
    await scene.say("Hello there")


async def an_object(scene: Scene) -> None:
    await scene.say('{"a": 1}')


def settings(scene: Scene, layer: int = 0) -> dict[str, Any]:
    fields = scene.parameter["predictionConfigStack"]["layers"][layer]["config"]["fields"]
    return {field["key"].removeprefix("llm.prediction."): field["value"] for field in fields}


async def test_a_completion_is_a_prompt_without_a_template() -> None:
    async with scripted_server(hello) as server, lms.AsyncClient(server.host) as client:
        model = await client.llm.model()
        result = await model.complete("My name is", config={"maxTokens": 100, "stop": ["\n"]})
        pieces = [piece.content async for piece in model.complete_stream("My name is")]
        await model.complete(lms.Chat("A"))
    assert str(result) == "".join(pieces) == "Hello there"
    scene = server.scenes[0]
    assert scene.parameter["history"]["messages"] == [
        {"role": "user", "content": [{"type": "text", "text": "My name is"}]}
    ]
    names = [layer["layerName"] for layer in scene.parameter["predictionConfigStack"]["layers"]]
    assert names == ["apiOverride", "completeModeFormatting"]
    assert settings(scene) == {"maxPredictedTokens": {"checked": True, "value": 100}, "stopStrings": ["\n"]}


async def test_errors_say_in_which_kind_of_request_they_came() -> None:
    async def script(scene: Scene) -> None:
        await scene.fail(failure("It broke"))

    async with scripted_server(script) as server, lms.AsyncClient(server.host) as client:
        model = await client.llm.model()
        with pytest.raises(lms.LMStudioServerError, match=r"^Completion error: It broke"):
            await model.complete("x")
        with pytest.raises(lms.LMStudioServerError, match=r"^Chat response error: It broke"):
            await model.respond("x")


@pytest.mark.parametrize("form", [SCHEMA, Answer, {"type": "json", "jsonSchema": SCHEMA}])
async def test_a_structured_answer_is_decoded(form: Any) -> None:
    async with scripted_server(an_object) as server, lms.AsyncClient(server.host) as client:
        model = await client.llm.model()
        result = await model.respond("hi", response_format=form)
        completed = await model.complete("hi", response_format=form)
    assert (result.parsed, result.structured, result.content) == ({"a": 1}, True, '{"a": 1}')
    assert completed.parsed == {"a": 1}
    assert str(result) == '{\n  "a": 1\n}'
    sent = settings(server.scenes[0])["structured"]
    assert sent["type"] == "json"
    assert sent["jsonSchema"]["properties"] == {"a": {"type": "integer"}}


async def test_an_answer_that_is_no_object_stays_text() -> None:
    async with scripted_server(hello) as server, lms.AsyncClient(server.host) as client:
        result = await (await client.llm.model()).respond("hi", response_format=SCHEMA)
    assert (result.parsed, result.structured) == ("Hello there", False)


async def test_a_form_can_be_asked_for_once_only() -> None:
    async with scripted_server(hello) as server, lms.AsyncClient(server.host) as client:
        model = await client.llm.model()
        with pytest.raises(lms.LMStudioValueError, match="not both"):
            model.respond_stream("hi", response_format=SCHEMA, config={"structured": {"type": "json"}})
        await model.respond("hi", config={"structured": {"type": "none"}})
    assert len(server.scenes) == 1


async def test_a_preset_is_named_to_the_server_and_one_that_is_missing_is_told() -> None:
    async def script(scene: Scene) -> None:
        await scene.fail(preset_not_found(scene.parameter["fuzzyPresetIdentifier"]))

    async with scripted_server(script) as server, lms.AsyncClient(server.host) as client:
        with pytest.raises(lms.LMStudioPresetNotFoundError, match="no preset 'mine'"):
            await (await client.llm.model()).respond("hi", preset="mine")


async def test_a_draft_model_is_a_setting_and_its_figures_come_back() -> None:
    async def script(scene: Scene) -> None:
        figures: dict[str, Any] = {
            "usedDraftModelKey": "tiny",
            "totalDraftTokensCount": 3,
            "acceptedDraftTokensCount": 2,
        }
        await scene.send(fragment("x"), success(**figures))
        await scene.close()

    async with scripted_server(script) as server, lms.AsyncClient(server.host) as client:
        server.answers["preloadDraftModel"] = None
        model = await client.llm.model()
        await model.preload_draft_model("tiny")
        result = await model.respond("hi", config={"draftModel": "tiny"})
    assert settings(server.scenes[0]) == {"speculativeDecoding.draftModel": "tiny"}
    assert (result.stats.used_draft_model_key, result.stats.accepted_draft_tokens_count) == ("tiny", 2)
    assert ("preloadDraftModel", "tiny") in [
        (name, parameter["draftModelKey"]) for name, parameter in server.calls if name == "preloadDraftModel"
    ]


async def test_settings_that_have_no_option_are_sent_by_their_own_key() -> None:
    async with scripted_server(hello) as server, lms.AsyncClient(server.host) as client:
        config = {"raw": {"llm.prediction.newest": [1], "llm.prediction.seed": 1}, "seed": 7}
        await (await client.llm.model()).respond("hi", config=config)
    assert settings(server.scenes[0]) == {"newest": [1], "seed": {"checked": True, "value": 7}}


async def test_progress_tells_the_tokens_behind_it() -> None:
    details = {
        "cachedTokenCount": 4,
        "totalPromptTokenCount": 10,
        "processedPromptTokenCount": 1,
        "unprocessedPromptTokenCount": 5,
    }

    async def script(scene: Scene) -> None:
        await scene.send({"type": "promptProcessingProgress", "progress": 0.5, "details": details})
        await scene.say("x")

    heard: list[lms.PromptProcessingProgress] = []
    async with scripted_server(script) as server, lms.AsyncClient(server.host) as client:
        await (await client.llm.model()).respond("hi", on_prompt_processing_progress=heard.append)
    assert heard == [0.0, 0.5, 1.0]
    assert heard[1].details is not None
    assert heard[1].details.cached_token_count == 4
    assert heard[0].details is None


async def test_alternatives_and_reasoning_are_told() -> None:
    tokens = [{"text": "x", "id": 1, "logProb": -0.5, "candidates": [{"text": "y", "id": 2, "logProb": -1.0}]}]

    async def script(scene: Scene) -> None:
        piece = fragment("x")
        piece["fragment"]["tokens"] = tokens
        await scene.send(fragment("<think>", "reasoningStartTag"), fragment("Hm.", "reasoning"))
        await scene.send(fragment("</think>", "reasoningEndTag"), piece, success())
        await scene.close()

    seen: list[lms.LlmPredictionFragment] = []
    async with scripted_server(script) as server, lms.AsyncClient(server.host) as client:
        model = await client.llm.model()
        result = await model.respond("hi", config={"log_probs": 1}, on_prediction_fragment=seen.append)
    assert (result.reasoning_content, result.non_reasoning_content) == ("Hm.", "x")
    assert result.content == "<think>Hm.</think>x"
    assert seen[0].tokens is None
    assert seen[-1].tokens is not None
    assert seen[-1].tokens[0].candidates == (lms.TokenCandidate(text="y", id=2, log_prob=-1.0),)


async def test_the_result_tells_what_held() -> None:
    async def script(scene: Scene) -> None:
        done = success()
        done["predictionConfig"]["fields"] = [{"key": "llm.prediction.temperature", "value": 0.5}]
        await scene.send(fragment("x"), done)
        await scene.close()

    async with scripted_server(script) as server, lms.AsyncClient(server.host) as client:
        result = await (await client.llm.model()).respond("hi")
    assert result.prediction_config.temperature == 0.5
    assert result.load_model_config.context_length == 4096


async def test_an_option_that_does_not_exist_is_refused_at_once() -> None:
    async with scripted_server(hello) as server, lms.AsyncClient(server.host) as client:
        model = await client.llm.model()
        with pytest.raises(TypeError, match="on_mesage"):
            model.respond_stream("hi", on_mesage=print)  # type: ignore[call-arg]  # that it is wrong is the point
        with pytest.raises(lms.LMStudioValueError, match="Did you mean 'temperature'"):
            model.respond_stream("hi", config={"temprature": 1})
    assert server.scenes == []
