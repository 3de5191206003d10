"""Whatever a server says that LM Studio's own SDK understands, this library understands alike: every kind of packet."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import lmstudio as official
import pytest

import lmchat as lms
from lmchat.protocol.errors import SerializedError
from tests.client.test_async_services import OPTION, RESULT
from tests.scripted_server import INSTANCE, MODEL, STATS, Scene, fragment, progress, scripted_server, success

pytestmark = pytest.mark.filterwarnings("ignore::lmstudio.LMStudioUnknownMessageWarning")

DETAILS: Final = {
    "cachedTokenCount": 2,
    "totalPromptTokenCount": 12,
    "processedPromptTokenCount": 4,
    "unprocessedPromptTokenCount": 6,
}
DRAFTED: Final = {
    "usedDraftModelKey": "tiny",
    "totalDraftTokensCount": 6,
    "acceptedDraftTokensCount": 3,
    "rejectedDraftTokensCount": 2,
    "ignoredDraftTokensCount": 1,
}
FIELDS: Final = [
    {"key": "llm.prediction.temperature", "value": 0.25},
    {"key": "llm.prediction.maxPredictedTokens", "value": {"checked": True, "value": 64}},
    {"key": "llm.prediction.topPSampling", "value": {"checked": False, "value": 0.9}},
    {"key": "llm.prediction.stopStrings", "value": ["x"]},
    {"key": "llm.prediction.somethingNew", "value": {"a": 1}},
]
ERROR: Final = {"title": "It broke", "rootTitle": "Deep down", "cause": "A cause", "suggestion": "Mend it"}


def tool_call(**request: Any) -> dict[str, Any]:
    return {"type": "toolCallGenerationEnd", "toolCallRequest": {"type": "function", "name": "add", **request}}


def finished(**changes: Any) -> dict[str, Any]:
    return {**success(**STATS), **changes}


ANSWERS: Final[dict[str, list[dict[str, Any]]]] = {
    "an ordinary answer": [progress(0.0), progress(1.0), fragment("Hello"), fragment(" there"), finished()],
    "progress with details": [{**progress(0.5), "details": DETAILS}, fragment("x"), finished()],
    "progress that goes back": [progress(0.5), progress(0.25), progress(0.75), fragment("x"), finished()],
    "no progress": [fragment("x"), finished()],
    "no fragments": [progress(1.0), finished()],
    "reasoning": [
        fragment("<t>", "reasoningStartTag"),
        fragment("Hm", "reasoning"),
        fragment("</t>", "reasoningEndTag"),
        fragment("Yes"),
        finished(),
    ],
    "a fragment with more": [
        {"type": "fragment", "fragment": {**fragment("x")["fragment"], "novelty": {"a": [1]}}},
        finished(),
    ],
    "drafted tokens": [fragment("x"), success(**{**STATS, **DRAFTED})],
    "a tool call": [
        {"type": "toolCallGenerationStart", "toolCallId": "1"},
        {"type": "toolCallGenerationNameReceived", "name": "add"},
        {"type": "toolCallGenerationArgumentFragmentGenerated", "content": "{"},
        tool_call(id="1", arguments={"a": 1}),
        finished(),
    ],
    "a tool call without arguments": [{"type": "toolCallGenerationStart"}, tool_call(), finished()],
    "a tool call that failed": [{"type": "toolCallGenerationFailed", "error": ERROR, "rawContent": "{"}, finished()],
    "an error packet": [fragment("x"), {"type": "error", "error": ERROR}],
    "a packet of an unknown kind": [{"type": "riddle", "a": 1}, fragment("x"), finished()],
    "figures of which little is known": [fragment("x"), finished(stats={"stopReason": "eosFound"})],
    "figures that are null": [fragment("x"), finished(stats=dict.fromkeys(STATS) | {"stopReason": "eosFound"})],
    "settings told": [fragment("x"), finished(predictionConfig={"fields": FIELDS})],
    "a load told": [
        fragment("x"),
        finished(
            loadModelConfig={
                "fields": [
                    {"key": "llm.load.contextLength", "value": 2048},
                    {"key": "llm.load.seed", "value": {"checked": True, "value": 7}},
                    {"key": "llm.load.llama.flashAttention", "value": True},
                    {"key": "llm.load.llama.acceleration.offloadRatio", "value": "max"},
                ]
            }
        ),
    ],
    "a model with more": [fragment("x"), finished(modelInfo={**INSTANCE, "novelty": 1, "variants": ["a", "b"]})],
    **{
        f"an end by {reason}": [fragment("x"), success(reason, **STATS)]
        for reason in (
            *("eosFound", "stopStringFound", "toolCalls", "maxPredictedTokensReached"),
            *("contextLengthReached", "userStopped", "modelUnloaded", "failed"),
        )
    },
    "a stop string": [fragment("x"), success("stopStringFound", **STATS, stopString="end")],
}


def seen(sdk: Any, host: str) -> Any:
    """All that a program sees of an answer."""
    heard: list[Any] = []
    with sdk.Client(host) as client:
        model = client.llm.model()
        try:
            stream = model.respond_stream(
                "hi",
                on_first_token=lambda: heard.append("first"),
                on_prompt_processing_progress=lambda value: heard.append(float(value)),
                on_message=lambda message: heard.append([part.text for part in message.content]),
            )
            for piece in stream:
                heard.append((piece.content, piece.tokens_count, piece.contains_drafted, piece.reasoning_type))
            result = stream.result()
        except sdk.LMStudioError as wrong:
            return heard, type(wrong).__name__
    stats = {name: getattr(result.stats, name) for name in FIGURES}
    info = {name: getattr(result.model_info, name) for name in ("model_key", "path", "display_name", "vision")}
    config = {name: getattr(result.prediction_config, name) for name in SETTINGS}
    load = {name: getattr(result.load_config, name) for name in ("context_length", "seed", "flash_attention")}
    return heard, result.content, result.parsed, result.structured, stats, info, config, load


FIGURES: Final = tuple(name for name in official.LlmPredictionStats.__struct_fields__ if not name.startswith("_"))
SETTINGS: Final = ("temperature", "max_tokens", "top_k_sampling", "stop_strings")


@pytest.mark.parametrize("name", ANSWERS)
async def test_an_answer_is_understood_alike(name: str) -> None:
    async def script(scene: Scene) -> None:
        await scene.send(*ANSWERS[name])
        await scene.close()

    async with scripted_server(script) as server, asyncio.timeout(120):
        theirs = await asyncio.to_thread(seen, official, server.host)
        ours = await asyncio.to_thread(seen, lms, server.host)
    assert ours == theirs


CODES: Final[dict[str, dict[str, Any]]] = {
    "generic.noModelMatchingQuery": {"query": {}, "loadedModelsSample": ["a"], "totalLoadedModels": 1},
    "generic.presetNotFound": {
        "specifiedFuzzyPresetIdentifier": "x",
        "availablePresetsSample": [{"identifier": "a", "name": "A"}],
        "totalAvailablePresets": 1,
    },
    "generic.identifierNotFound": {"identifier": "x", "loadedModelsSample": ["a"], "totalLoadedModels": 1},
    "generic.specificModelUnloaded": {},
    "generic.domainMismatch": {"path": "x", "actualDomain": "llm", "expectedDomain": "embedding"},
    "generic.engineDoesNotSupportFeature": {
        "feature": "f",
        "engineName": "e",
        "engineType": "t",
        "installedVersion": "1",
        "supportedVersion": None,
    },
    "generic.missingRuntimeExtension": {},
    "novel.error": {"a": 1},
}


@pytest.mark.parametrize("where", ["call", "channel"])
@pytest.mark.parametrize("code", CODES)
async def test_an_error_is_of_the_same_kind(code: str, where: str) -> None:
    error = SerializedError(title="It broke", display_data={"code": code, **CODES[code]})

    async def script(scene: Scene) -> None:
        await scene.fail(error)

    def failing(sdk: Any, host: str) -> str:
        with sdk.Client(host) as client:
            model = client.llm.model()
            with pytest.raises(sdk.LMStudioServerError) as raised:
                model.respond("hi") if where == "channel" else model.tokenize("a")
            assert "It broke" in str(raised.value)
            return type(raised.value).__name__

    async with scripted_server(script) as server, asyncio.timeout(120):
        server.answers["tokenize"] = error
        theirs = await asyncio.to_thread(failing, official, server.host)
        assert await asyncio.to_thread(failing, lms, server.host) == theirs


OTHER: Final = {**INSTANCE, "identifier": "other"}
LOADS: Final[dict[str, list[dict[str, Any]]]] = {
    "loaded already": [{"type": "alreadyLoaded", "info": INSTANCE}],
    "loaded in the place of another": [
        {"type": "unloadingOtherJITModel", "info": OTHER},
        {"type": "startLoading", "identifier": "scripted-model", "info": MODEL},
        {"type": "loadProgress", "progress": 0.5},
        {"type": "loadProgress", "progress": 0.25},
        {"type": "loadProgress", "progress": 1.0},
        {"type": "loadSuccess", "info": INSTANCE},
    ],
    "loaded without progress": [{"type": "loadSuccess", "info": INSTANCE}],
    "with the names of the other channel": [
        {"type": "resolved", "info": MODEL, "ambiguous": ["a", "b"]},
        {"type": "progress", "progress": 0.5},
        {"type": "success", "info": INSTANCE},
    ],
    "with a packet of an unknown kind": [{"type": "riddle"}, {"type": "alreadyLoaded", "info": INSTANCE}],
}


@pytest.mark.parametrize("channel", ["getOrLoad", "loadModel"])
@pytest.mark.parametrize("name", LOADS)
async def test_a_load_is_understood_alike(name: str, channel: str) -> None:
    def loading(sdk: Any, host: str) -> Any:
        heard: list[float] = []
        with sdk.Client(host) as client:
            load = client.llm.model if channel == "getOrLoad" else client.llm.load_new_instance
            identifier = load("scripted-model", on_load_progress=heard.append).identifier
        # Here a load begins at 0.0 whatever the server calls its first packet.
        return identifier, heard[1:] if heard[0] == 0.0 else heard

    async with scripted_server(script_of_nothing) as server, asyncio.timeout(120):
        server.packets[channel] = LOADS[name]
        theirs = await asyncio.to_thread(loading, official, server.host)
        assert await asyncio.to_thread(loading, lms, server.host) == theirs


LENIENT: Final[dict[str, dict[str, Any]]] = {
    "a fragment with less": {"content": "x", "tokensCount": 1},
    "tokens as a whole float": {**fragment("x")["fragment"], "tokensCount": 1.0},
}
"""Fragments that end an answer in the official SDK, or could."""


@pytest.mark.parametrize("name", LENIENT)
async def test_what_the_official_sdk_refuses_is_understood(name: str) -> None:
    async def script(scene: Scene) -> None:
        await scene.send({"type": "fragment", "fragment": LENIENT[name]}, finished())
        await scene.close()

    async with scripted_server(script) as server, lms.AsyncClient(server.host) as client:
        assert (await (await client.llm.model()).respond("hi")).content == "x"


async def test_a_model_that_is_not_on_disk_is_not_found() -> None:
    error = SerializedError(title="No", display_data={"code": "generic.pathNotFound", "path": "x"})

    async def script(scene: Scene) -> None:
        await scene.fail(error)

    async with scripted_server(script) as server, lms.AsyncClient(server.host) as client:
        model = await client.llm.model()
        with pytest.raises(lms.LMStudioModelNotFoundError):
            await model.respond("hi")


@pytest.mark.parametrize("arguments", [[1], "a", 7])
async def test_a_tool_call_that_cannot_be_read_is_an_error(arguments: Any) -> None:
    async def script(scene: Scene) -> None:
        await scene.send(fragment("x"), tool_call(id="1", arguments=arguments), finished())
        await scene.close()

    async with scripted_server(script) as server, lms.AsyncClient(server.host) as client:
        model = await client.llm.model()
        with pytest.raises(lms.LMStudioPredictionError, match="called a tool in a way that cannot be read"):
            await model.respond("hi")


async def script_of_nothing(scene: Scene) -> None:
    await scene.close()


async def test_a_download_is_understood_alike() -> None:
    def downloading(sdk: Any, host: str) -> Any:
        heard: list[Any] = []
        with sdk.Client(host) as client:
            (found,) = client.repository.search_models("tiny")
            (option,) = found.get_download_options()

            def note(update: Any) -> None:
                heard.append((update.downloaded_bytes, update.total_bytes, update.speed_bytes_per_second))

            return option.download(note, lambda: heard.append("finalizing")), heard, option.info.size_bytes

    def update(done: int) -> dict[str, Any]:
        told = {"downloadedBytes": done, "totalBytes": 10, "speedBytesPerSecond": 2.5}
        return {"type": "downloadProgress", "update": told}

    async with scripted_server(script_of_nothing) as server, asyncio.timeout(120):
        server.answers |= {"searchModels": {"results": [RESULT]}, "getModelDownloadOptions": {"results": [OPTION]}}
        server.packets["downloadModel"] = [
            *(update(0), update(5), {"type": "riddle"}, update(10), {"type": "startFinalizing"}),
            {"type": "success", "defaultIdentifier": "tiny"},
        ]
        theirs = await asyncio.to_thread(downloading, official, server.host)
        assert await asyncio.to_thread(downloading, lms, server.host) == theirs
