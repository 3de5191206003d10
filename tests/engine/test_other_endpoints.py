"""All endpoints that clients know of get an answer; those that can do something do it."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import pytest

from lmchat.client.lmstudio import LMStudioBackend
from lmchat.values.chat import Chat
from lmchat.values.config import LlmPredictionConfig
from lmchat.values.prediction import LlmPredictionFragment, ToolCallFinished
from tests.engine.engines import EMBEDDER, ENDLESS, MODEL, EngineProcess, answer
from tests.engine.wire import ANY_MODEL, Wire, session

NO_CONFIG: dict[str, Any] = {"layers": []}


async def open_channel(wire: Wire, endpoint: str, parameter: Any = None) -> tuple[int, dict[str, Any]]:
    channel = wire.next_channel()
    await wire.send(type="channelCreate", endpoint=endpoint, channelId=channel, creationParameter=parameter)
    return channel, await wire.receive()


@pytest.mark.parametrize(
    ("namespace", "endpoint", "parameter", "result"),
    [
        ("system", "getExperimentFlags", {}, []),
        ("system", "setExperimentFlag", {"code": "x", "value": False}, None),
        ("system", "startHttpServer", {"port": 1234}, None),
        ("system", "notify", {"title": "hello"}, None),
        ("runtime", "listEngines", {}, []),
        ("runtime", "searchRuntimeExtensions", {"query": ""}, []),
        ("runtime", "getEngineSelections", {}, {"json": [], "meta": {"values": ["map"]}}),
        ("plugins", "reindexPlugins", {}, None),
        ("plugins", "setConfigSchematics", {"schematics": {}}, None),
        ("plugins", "pluginInitCompleted", {}, None),
        ("plugins", "reportError", {"error": {}}, None),
    ],
)
async def test_calls_with_a_plain_answer(
    engine: EngineProcess, namespace: str, endpoint: str, parameter: dict[str, Any], result: Any
) -> None:
    async with session(engine, namespace) as wire:
        reply = await wire.call(endpoint, **parameter)
        assert reply["type"] == "rpcResult"
        assert reply.get("result") == result
        assert ("result" in reply) == (result is not None)


@pytest.mark.parametrize(
    ("namespace", "endpoint"),
    [
        ("system", "stopHttpServer"),
        ("system", "requestShutdown"),
        ("runtime", "selectEngine"),
        ("runtime", "removeEngine"),
        ("runtime", "surveyHardware"),
        ("files", "getLocalFileAbsolutePath"),
        ("repository", "isAuthenticated"),
        ("repository", "lmLinkStatus"),
        ("repository", "getModelCatalog"),
    ],
)
async def test_calls_that_are_declined(engine: EngineProcess, namespace: str, endpoint: str) -> None:
    async with session(engine, namespace) as wire:
        reply = await wire.call(endpoint)
        assert reply["type"] == "rpcError"
        assert reply["error"]["title"]


@pytest.mark.parametrize(
    ("namespace", "endpoint"),
    [
        ("runtime", "downloadRuntimeExtension"),
        ("plugins", "startToolUseSession"),
        ("plugins", "generateWithGenerator"),
        ("files", "retrieve"),
        ("repository", "downloadArtifact"),
        ("repository", "ensureAuthenticated"),
    ],
)
async def test_channels_that_are_declined(engine: EngineProcess, namespace: str, endpoint: str) -> None:
    async with session(engine, namespace) as wire:
        _, reply = await open_channel(wire, endpoint, {})
        assert reply["type"] == "channelError"
        assert reply["error"]["title"]


async def test_plugins_are_let_in_and_left_in_peace(engine: EngineProcess) -> None:
    async with session(engine, "plugins") as wire:
        for name in ("setPromptPreprocessor", "setToolsProvider", "setGenerator", "setPredictionLoopHandler"):
            await wire.send(type="channelCreate", endpoint=name, channelId=wire.next_channel())
        assert await wire.silent()
        channel, ready = await open_channel(wire, "registerDevelopmentPlugin", {"manifest": {}})
        assert ready["message"].keys() == {"type", "clientIdentifier", "clientPasskey"}
        await wire.send(type="channelSend", channelId=channel, message={"type": "end"})
        assert await wire.receive() == {"type": "channelClose", "channelId": channel}


async def test_variants_flags_and_estimates(engine: EngineProcess) -> None:
    async with session(engine, "system") as wire:
        (variant,) = (await wire.call("listDownloadedModelVariants", modelKey=MODEL))["result"]
        assert variant["modelKey"] == MODEL
        await wire.call("setExperimentFlag", code="new", value=True)
        assert (await wire.call("getExperimentFlags"))["result"] == ["new"]
        await wire.call("setExperimentFlag", code="new", value=False)
    async with session(engine) as wire:
        estimate = (await wire.call("estimateModelUsage", modelKey=MODEL, loadConfigStack=NO_CONFIG))["result"]
        assert estimate["passesGuardrails"] is True
        assert estimate["memory"]["totalBytes"] > 98_000_000
        missing = await wire.call("estimateModelUsage", modelKey="nobody", loadConfigStack=NO_CONFIG)
        assert missing["error"]["displayData"]["code"] == "generic.pathNotFound"
        told = (await wire.call("getBasePredictionConfig", specifier=ANY_MODEL))["result"]
        assert {"key": "llm.prediction.temperature", "value": 0.2} in told["fields"]
        refused = await wire.call("preloadDraftModel", specifier=ANY_MODEL, draftModelKey="nobody")
        assert refused["error"]["displayData"]["code"] == "generic.pathNotFound"


async def test_an_embedding_model_on_the_wire(engine: EngineProcess) -> None:
    async with session(engine, "embedding") as wire:
        _, resolved = await open_channel(wire, "loadModel", {"modelKey": EMBEDDER, "loadConfigStack": NO_CONFIG})
        assert resolved["message"]["info"]["type"] == "embedding"
        loaded = (await wire.packet("success"))["message"]["info"]
        assert (loaded["type"], loaded["identifier"], loaded["ttlMs"]) == ("embedding", EMBEDDER, None)
        assert (await wire.receive())["type"] == "channelClose"
        reply = await wire.call("embedString", modelSpecifier=ANY_MODEL, inputString="hello")
        assert len(reply["result"]["embedding"]) == 576
        assert (await wire.call("predict"))["type"] == "communicationWarning"
        await wire.call("unloadModel", identifier=EMBEDDER)


async def upload(engine: EngineProcess, name: str, content: bytes) -> dict[str, Any]:
    async with session(engine, "files") as wire:
        encoded = base64.b64encode(content).decode()
        given: dict[str, Any] = (await wire.call("uploadFileBase64", name=name, contentBase64=encoded))["result"]
        return {**given, "name": name, "type": "file"}


async def test_what_a_text_file_says_reaches_the_model(engine: EngineProcess, backend: LMStudioBackend) -> None:
    file = await upload(engine, "notes.txt", b"The password is swordfish.")
    assert (file["fileType"], file["sizeBytes"]) == ("text/plain", 26)
    chat = Chat()
    chat.add_user_message(["What is it?", file])
    prompt = await backend.apply_prompt_template(MODEL, chat)
    assert "What is it?" in prompt
    assert "notes.txt" in prompt
    assert "swordfish" in prompt
    _, finished = await answer(backend, chat, LlmPredictionConfig(max_tokens=1))
    assert finished.stats.predicted_tokens_count == 1


async def test_a_text_file_can_be_parsed_and_an_image_cannot(engine: EngineProcess) -> None:
    text = await upload(engine, "notes.txt", b"plain")
    image = await upload(engine, "cat.png", b"\x89PNG\r\n\x1a\n")
    assert image["fileType"] == "image"
    async with session(engine, "files") as wire:
        assert (await wire.call("getDocumentParsingLibrary", fileIdentifier=text["identifier"]))["result"]["library"]
        _, loaded = await open_channel(wire, "parseDocument", {"fileIdentifier": text["identifier"], "parseOpts": {}})
        assert loaded["message"]["type"] == "parserLoaded"
        assert (await wire.packet("result"))["message"]["content"] == "plain"
        assert (await wire.receive())["type"] == "channelClose"
        for identifier in (image["identifier"], "nobody"):
            _, refused = await open_channel(wire, "parseDocument", {"fileIdentifier": identifier, "parseOpts": {}})
            assert refused["type"] == "channelError"


async def test_who_listens_sees_prompts_and_answers(engine: EngineProcess, backend: LMStudioBackend) -> None:
    async with session(engine, "diagnostics") as wire:
        channel = wire.next_channel()
        await wire.send(type="channelCreate", endpoint="streamLogs", channelId=channel)
        assert await wire.silent()
        events, _ = await answer(backend, "Go on.", LlmPredictionConfig(max_tokens=3, structured=ENDLESS))
        text = "".join(event.content for event in events if isinstance(event, LlmPredictionFragment))
        given, written = [(await wire.packet("log"))["message"]["log"] for _ in range(2)]
        assert given["data"]["type"] == "llm.prediction.input"
        assert "Go on." in given["data"]["input"]
        assert given["data"]["modelIdentifier"] == MODEL
        assert written["data"]["type"] == "llm.prediction.output"
        assert written["data"]["output"] == text
        assert written["data"]["stats"]["predictedTokensCount"] == 3
        assert written["timestamp"] >= given["timestamp"] > 1e12
        await wire.send(type="channelSend", channelId=channel, message={"type": "stop"})
        assert await wire.receive() == {"type": "channelClose", "channelId": channel}


async def test_lines_of_the_log_are_seen_too(engine: EngineProcess) -> None:
    async with session(engine, "diagnostics") as wire, session(engine, "system") as other:
        await wire.send(type="channelCreate", endpoint="streamLogs", channelId=1)
        assert await wire.silent()
        await other.call("notify", title="Something happened")
        data = (await wire.packet("log"))["message"]["log"]["data"]
        assert (data["type"], data["level"]) == ("server.log", "info")
        assert "Something happened" in data["content"]


@pytest.mark.parametrize(("wanted", "candidates"), [(3, 3), (0, None)])
async def test_tokens_and_what_could_have_come(backend: LMStudioBackend, wanted: int, candidates: int | None) -> None:
    events, _ = await answer(backend, "Hi", LlmPredictionConfig(max_tokens=4, log_probs=wanted, temperature=0.0))
    tokens = [token for event in events if isinstance(event, LlmPredictionFragment) for token in event.tokens or ()]
    assert len(tokens) == 4
    assert all(token.log_prob is not None and token.log_prob <= 0 for token in tokens)
    assert {token.candidates and len(token.candidates) for token in tokens} == {candidates}
    events, _ = await answer(backend, "Hi", LlmPredictionConfig(max_tokens=2))
    assert {event.tokens for event in events if isinstance(event, LlmPredictionFragment)} == {None}


TOOLS = {
    "type": "toolArray",
    "tools": [
        {
            "type": "function",
            "function": {
                "name": "add",
                "description": "Add two numbers.",
                "parameters": {
                    "type": "object",
                    "properties": {"a": {"type": "integer", "maximum": 99}, "b": {"type": "integer", "maximum": 99}},
                    "required": ["a", "b"],
                },
            },
        }
    ],
}


async def test_a_model_that_has_to_calls_a_tool(backend: LMStudioBackend) -> None:
    config = LlmPredictionConfig(raw_tools=TOOLS, tool_choice={"type": "generic", "mode": "required"}, max_tokens=80)
    events, finished = await answer(backend, "What is 1 + 2?", config)
    (call,) = [event.request for event in events if isinstance(event, ToolCallFinished)]
    assert call.name == "add"
    assert call.id
    assert call.arguments is not None
    assert call.arguments.keys() >= {"a", "b"}
    assert not any(isinstance(event, LlmPredictionFragment) for event in events)
    assert finished.stats.predicted_tokens_count


async def test_a_model_is_told_of_its_tools(backend: LMStudioBackend) -> None:
    chat = Chat("You are terse.")
    chat.add_user_message("What is 1 + 2?")
    with_tools = await backend.apply_prompt_template(MODEL, chat, {"toolDefinitions": TOOLS["tools"]})
    assert "Add two numbers." in with_tools
    assert "You are terse." in with_tools
    assert "Add two numbers." not in await backend.apply_prompt_template(MODEL, chat)


async def test_a_client_that_leaves_no_longer_listens(engine: EngineProcess, backend: LMStudioBackend) -> None:
    async with session(engine, "diagnostics") as wire:
        await wire.send(type="channelCreate", endpoint="streamLogs", channelId=1)
        assert await wire.silent()
    async with asyncio.timeout(10):
        _, finished = await answer(backend, "Hi", LlmPredictionConfig(max_tokens=1))
    assert finished.stats.predicted_tokens_count == 1
