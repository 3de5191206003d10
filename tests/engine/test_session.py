"""The server's end of a socket, as raw frames: the handshake, calls, channels, misuse."""

from __future__ import annotations

import asyncio
import http.client
import json
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.engine.engines import CONTEXT, ENDLESS, MODEL, EngineProcess
from tests.engine.wire import ANY_MODEL, HELLO, dial, session


def get(engine: EngineProcess, path: str, method: str = "GET") -> tuple[int, Any]:
    connection = http.client.HTTPConnection(engine.address.host, engine.address.port, timeout=5)
    try:
        connection.request(method, path)
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def test_plain_http(engine: EngineProcess) -> None:
    assert get(engine, "/lmstudio-greeting") == (200, {"lmstudio": True})
    status, body = get(engine, "/lms-status")
    assert status == 200
    assert body.keys() == {"package", "version"}
    for path in ("/", "/llm", "/v2/models", "/a/b"):
        status, body = get(engine, path)
        assert status == 404
        assert "error" in body
    assert get(engine, "/lmstudio-greeting", "POST")[0] == 405


@pytest.mark.parametrize(
    "namespace", ["llm", "embedding", "system", "files", "repository", "plugins", "diagnostics", "runtime"]
)
async def test_every_namespace_lets_clients_in_and_stays_silent(engine: EngineProcess, namespace: str) -> None:
    async with session(engine, namespace) as wire:
        assert await wire.silent()


async def test_another_path_is_refused(engine: EngineProcess) -> None:
    with pytest.raises(InvalidStatus):
        async with dial(engine, "nonsense"):
            pass


@pytest.mark.parametrize(("origin", "allowed"), [("http://localhost:3000", True), ("https://example.com", False)])
async def test_pages_from_elsewhere_are_refused(engine: EngineProcess, origin: str, allowed: bool) -> None:
    if allowed:
        async with dial(engine, origin=origin):
            return
    with pytest.raises(InvalidStatus):
        async with dial(engine, origin=origin):
            pass


async def test_what_comes_before_the_handshake_is_ignored(engine: EngineProcess) -> None:
    async with dial(engine) as wire:
        await wire.socket.send("hello?")
        await wire.send(type="rpcCall", endpoint="listLoaded", callId=1)
        await wire.send(**HELLO)
        assert await wire.receive() == {"success": True}
        assert await wire.silent()


async def test_an_identifier_belongs_to_one_passkey_while_it_is_used(engine: EngineProcess) -> None:
    async with session(engine), dial(engine) as other:
        await other.send(**{**HELLO, "clientPasskey": "another"})
        reply = await other.receive()
        assert reply["success"] is False
        assert isinstance(reply["error"], str)
        with pytest.raises(ConnectionClosed):
            await other.receive()


async def test_void_results_have_no_result(engine: EngineProcess) -> None:
    async with session(engine, "system") as wire:
        assert await wire.call("notify", title="hello") == {"type": "rpcResult", "callId": 1}
    async with session(engine) as wire:
        specifier = {"type": "query", "query": {"identifier": "nobody"}}
        assert await wire.call("getModelInfo", specifier=specifier, throwIfNotFound=False) == {
            "type": "rpcResult",
            "callId": 1,
        }


async def test_info_has_all_that_strict_clients_want_and_no_other_nulls(engine: EngineProcess) -> None:
    async with session(engine) as wire:
        (info,) = (await wire.call("listLoaded"))["result"]
    nullable = {"deviceIdentifier", "ttlMs"}
    assert nullable | {"lastUsedTime", "publisher", "indexedModelIdentifier", "vision", "trainedForToolUse"} <= set(
        info
    )
    assert {name for name, value in info.items() if value is None} == nullable
    async with session(engine, "system") as wire:
        downloaded, _ = (await wire.call("listDownloadedModels"))["result"]
    assert downloaded == {name: info[name] for name in downloaded}
    async with session(engine, "embedding") as wire:
        assert (await wire.call("listLoaded"))["result"] == []


async def test_errors_carry_their_codes(engine: EngineProcess) -> None:
    nobody = {"type": "query", "query": {"identifier": "nobody"}}
    stale = {"type": "instanceReference", "instanceReference": "stale"}
    async with session(engine) as wire:
        for endpoint, parameter, code in (
            ("getModelInfo", {"specifier": nobody, "throwIfNotFound": True}, "generic.noModelMatchingQuery"),
            ("unloadModel", {"identifier": "nobody"}, "generic.noModelMatchingQuery"),
            ("getLoadConfig", {"specifier": stale}, "generic.specificModelUnloaded"),
        ):
            reply = await wire.call(endpoint, **parameter)
            assert reply["type"] == "rpcError"
            assert reply["error"]["displayData"]["code"] == code
        reply = await wire.call("getModelInfo", specifier=nobody, throwIfNotFound=True)
        assert reply["error"]["displayData"] == {
            "code": "generic.noModelMatchingQuery",
            "query": {"identifier": "nobody"},
            "loadedModelsSample": [MODEL],
            "totalLoadedModels": 1,
        }


async def test_misuse_is_answered_with_warnings_and_only_so_often(engine: EngineProcess) -> None:
    async with session(engine) as wire:
        await wire.send(type="channelCreate", endpoint="noSuchThing", channelId=1)
        warning = await wire.receive()
        assert warning["type"] == "communicationWarning"
        assert "noSuchThing" in warning["warning"]
        assert (await wire.call("noSuchCall"))["kind"] == "rpcEndpointUnknown"
        assert (await wire.call("tokenize", wrong=1))["kind"] == "rpcParameterTypeError"
        assert (await wire.call("tokenize"))["kind"] == "rpcParameterTypeError"
        await wire.send(type="channelCreate", endpoint="predict", channelId=1, creationParameter={})
        assert (await wire.receive())["kind"] == "channelCreationParameterTypeError"
        await wire.send(type="rpcCall", endpoint="noSuchCall", callId=9)
        await wire.socket.send("no JSON")
        await wire.socket.send(b"\xff\x00")
        await wire.send(type="communicationWarning", warning="You are odd.")
        await wire.send(type="channelSend", channelId=77, message={"type": "cancel"})
        assert await wire.silent()


async def test_a_prediction_blocks_nothing(engine: EngineProcess) -> None:
    async with session(engine) as wire:
        await wire.predict()
        await wire.packet("fragment")
        count = {"specifier": ANY_MODEL, "inputString": "one two"}
        await wire.send(type="rpcCall", endpoint="countTokens", callId=5, parameter=count)
        while (frame := await wire.receive())["type"] == "channelSend":
            assert frame["message"]["type"] == "fragment"
        assert frame == {"type": "rpcResult", "callId": 5, "result": {"tokenCount": 2}}
        state = {"specifier": ANY_MODEL, "throwIfNotFound": True}
        await wire.send(type="rpcCall", endpoint="getInstanceProcessingState", callId=6, parameter=state)
        while (frame := await wire.receive())["type"] == "channelSend":
            pass
        assert frame["result"] == {"status": "generating", "queued": 0}
        await wire.send(type="channelSend", channelId=1, message={"type": "cancel"})
        success = (await wire.packet("success"))["message"]
        assert success["stats"]["stopReason"] == "userStopped"
        assert success.keys() == {"type", "stats", "modelInfo", "loadModelConfig", "predictionConfig"}
        assert {"key": "llm.load.contextLength", "value": CONTEXT} in success["loadModelConfig"]["fields"]
        assert await wire.receive() == {"type": "channelClose", "channelId": 1}
        await wire.send(type="channelSend", channelId=1, message={"type": "cancel"})
        assert await wire.silent()


async def test_a_closed_socket_stops_its_predictions(engine: EngineProcess) -> None:
    async with session(engine) as watcher:
        async with session(engine) as wire:
            await wire.predict(channel=1)
            await wire.predict(channel=2)
            await wire.packet("fragment")
        async with asyncio.timeout(5):
            while True:
                reply = await watcher.call("getInstanceProcessingState", specifier=ANY_MODEL, throwIfNotFound=True)
                if reply["result"] == {"status": "idle", "queued": 0}:
                    break


async def test_odd_but_allowed_settings(engine: EngineProcess) -> None:
    fields = [
        {"key": "llm.prediction.maxPredictedTokens", "value": {"checked": True, "value": 3.0}},
        {"key": "llm.prediction.structured", "value": ENDLESS},
        {"key": "llm.prediction.topKSampling", "value": 20.0},
        {"key": "llm.prediction.seed", "value": {"checked": True, "value": False}},
        {"key": "llm.prediction.repeatPenalty", "value": {"checked": False, "value": 1.1}},
        {"key": "llm.prediction.llama.mirostatSampling", "value": {"version": 0}},
        {"key": "llm.prediction.llama.logitBias", "value": [[1, "-inf"], [2, 0.5]]},
        {"key": "llm.prediction.temperature", "value": "warm"},
        {"key": "some.thing.else", "value": {"a": [1]}},
    ]
    async with session(engine) as wire:
        await wire.predict(fields=fields)
        success = (await wire.packet("success"))["message"]
    assert success["stats"]["predictedTokensCount"] == 3
    assert "stopString" not in success["stats"]
    told = {field["key"]: field["value"] for field in success["predictionConfig"]["fields"]}
    assert told["llm.prediction.maxPredictedTokens"] == {"checked": True, "value": 3}
    assert told["llm.prediction.temperature"] == 0.2
    assert told["llm.prediction.repeatPenalty"]["checked"] is False
    assert "some.thing.else" not in told


async def test_complete_mode_gives_the_model_the_bare_prompt(engine: EngineProcess) -> None:
    limit = {"key": "llm.prediction.maxPredictedTokens", "value": {"checked": True, "value": 2}}
    async with session(engine) as wire:
        parts = [{"type": "text", "text": "Once upon"}, {"type": "text", "text": " a time"}]
        layers = [
            {"layerName": "apiOverride", "config": {"fields": [limit]}},
            {"layerName": "completeModeFormatting", "config": {"fields": []}},
        ]
        bare = {"modelSpecifier": ANY_MODEL, "predictionConfigStack": {"layers": layers}}
        history = {"messages": [{"role": "user", "content": parts}]}
        prompts: dict[str, dict[str, Any]] = {
            "predict": {"history": history},
            "completeRawText": {"rawPrompt": "Once upon a time"},
        }
        counts = []
        for channel, (endpoint, prompt) in enumerate(prompts.items()):
            await wire.send(
                type="channelCreate", endpoint=endpoint, channelId=channel, creationParameter={**bare, **prompt}
            )
            counts.append((await wire.packet("success"))["message"]["stats"]["promptTokensCount"])
            assert (await wire.receive())["type"] == "channelClose"
    assert counts == [4, 4]


async def test_large_messages_come_in(engine: EngineProcess) -> None:
    history = {"messages": [{"role": "user", "content": [{"type": "text", "text": "x" * 4_000_000}]}]}
    stack: dict[str, Any] = {"layers": []}
    async with session(engine) as wire:
        reply = await wire.call(
            "applyPromptTemplate", specifier=ANY_MODEL, opts={}, predictionConfigStack=stack, history=history
        )
        assert len(reply["result"]["formatted"]) > 4_000_000


async def test_lone_surrogates_do_no_harm(engine: EngineProcess) -> None:
    async with session(engine) as wire:
        await wire.socket.send(
            '{"type":"rpcCall","endpoint":"countTokens","callId":1,"parameter":{"specifier":'
            '{"type":"query","query":{}},"inputString":"half \\ud83d a pair"}}'
        )
        assert (await wire.receive())["result"]["tokenCount"] > 0


async def test_a_channel_that_only_lives(engine: EngineProcess) -> None:
    async with session(engine, "system") as wire:
        await wire.send(type="channelCreate", endpoint="alive", channelId=1)
        assert (await wire.call("info"))["result"].keys() == {"pid", "isDaemon", "version"}
        assert await wire.silent()
