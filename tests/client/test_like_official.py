"""The same program with LM Studio's own SDK and with this one asks a server for the same, frame by frame."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import lmstudio as official
import pytest

import lmchat as lms
from tests.client.test_async_models import EMBEDDING, EMBEDDING_INSTANCE, loads
from tests.client.test_async_services import DOWNLOAD, OPTION, PNG, RESULT
from tests.scripted_server import INSTANCE, MODEL, Scene, ScriptedServer, scripted_server

SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
PREDICTION = {
    "temperature": 0.5,
    "maxTokens": 10,
    "top_k_sampling": 40,
    "topPSampling": 0.9,
    "minPSampling": 0.1,
    "repeatPenalty": 1.1,
    "stopStrings": ["x"],
    "contextOverflowPolicy": "rollingWindow",
    "draftModel": "tiny",
    "cpuThreads": 2,
    "reasoningParsing": {"enabled": True, "startString": "<t>", "endString": "</t>"},
    "speculativeDecodingNumDraftTokensExact": 2,
}
LOAD = {
    "contextLength": 1024,
    "gpu": {"ratio": 0.5, "mainGpu": 1, "splitStrategy": "favorMainGpu", "disabledGpus": [2]},
    "gpuStrictVramCap": True,
    "seed": 7,
    "flashAttention": True,
    "useFp16ForKVCache": False,
    "offloadKVCacheToGpu": True,
    "ropeFrequencyBase": 10000.0,
    "llamaKCacheQuantizationType": "q8_0",
    "numExperts": 2,
    "evalBatchSize": 256,
}


async def an_object(scene: Scene) -> None:
    await scene.say('{"a": 1}')


def answers(sdk: Any, client: Any) -> list[Any]:
    model = client.llm.model()
    chat = sdk.Chat("Be brief.")
    chat.add_user_message("hi")
    chat.add_assistant_response("Hello.")
    chat.add_user_message(["What is", "this?"], images=[client.prepare_image(PNG, "dot.png")])
    heard: list[Any] = []
    result = model.respond(
        chat,
        config=PREDICTION,
        on_message=lambda message: heard.append(message.content[0].text),
        on_first_token=lambda: heard.append("first"),
        on_prompt_processing_progress=heard.append,
        on_prediction_fragment=lambda fragment: heard.append(fragment.content),
    )
    structured = model.respond("hi", response_format=SCHEMA)
    completed = model.complete("My name is", config={"maxTokens": 5}, preset="mine")
    return [
        *(
            result.content,
            result.structured,
            result.parsed,
            structured.parsed,
            str(structured),
            completed.content,
            heard,
        ),
        *(result.stats.stop_reason, result.model_info.model_key, result.load_config.context_length),
        *(model.tokenize("a"), model.tokenize(["a", "b"]), model.count_tokens("a"), model.get_context_length()),
        *(model.apply_prompt_template("hi", {"omitBosToken": True}), repr(model), model.get_info().display_name),
    ]


def models(sdk: Any, client: Any) -> list[Any]:
    heard: list[float] = []
    found = client.llm.model("scripted-model", ttl=60, config=LOAD, on_load_progress=heard.append)
    second = client.llm.load_new_instance("scripted-model", "second", config=LOAD)
    third = client.llm.load_new_instance("scripted-model", ttl=None)
    embedder = client.embedding.model()
    downloaded = client.list_downloaded_models()
    listed = downloaded[0].load_new_instance(instance_identifier="fourth")
    listed.unload()
    return [
        *(found.identifier, second.identifier, third.identifier, heard, len(downloaded)),
        *(downloaded[0].model_key, downloaded[0].path, downloaded[1].type, downloaded[0].model() == found),
        *(repr(client.list_loaded_models("llm")[0]), found == client.llm.model()),
        *(len(embedder.embed("a")), len(embedder.embed(["a", "b"])), embedder.get_context_length()),
    ]


def downloads(sdk: Any, client: Any) -> list[Any]:
    heard: list[Any] = []
    (found,) = client.repository.search_models("tiny", limit=3, compatibility_types=["gguf"])
    (option,) = found.get_download_options()
    key = option.download(lambda update: heard.append(update.downloaded_bytes), lambda: heard.append("finalizing"))
    return [found.search_result.name, option.info.name, key, heard]


async def asked(sdk: Any, program: Callable[[Any, Any], Any], server: ScriptedServer) -> tuple[Any, Any]:
    """What a program comes to, and what it asked of the server for it."""

    def on_a_thread() -> Any:
        with sdk.Client(server.host) as client:
            return program(sdk, client)

    server.calls, server.opened, server.scenes = [], [], []
    outcome = await asyncio.to_thread(on_a_thread)
    predictions = [("predict", scene.parameter) for scene in server.scenes]
    return outcome, sorted(repr(in_order(frame)) for frame in (*server.calls, *server.opened, *predictions))


def in_order(value: Any) -> Any:
    """A value without what is left to the sender: the order of settings and of keys, 1 or 1.0."""
    match value:
        case {"fields": [*fields]}:
            return sorted((field["key"], in_order(field["value"])) for field in fields)
        case dict():
            return sorted((key, in_order(item)) for key, item in value.items())
        case list() | tuple():
            return [in_order(item) for item in value]
        case bool():
            return value
        case int():
            return float(value)
    return value


@pytest.mark.parametrize("program", [answers, models, downloads])
async def test_a_program_asks_for_the_same_and_comes_to_the_same(program: Callable[[Any, Any], Any]) -> None:
    async with scripted_server(an_object) as server:
        server.loaded = [INSTANCE, EMBEDDING_INSTANCE]
        server.answers |= {
            "listDownloadedModels": [MODEL, EMBEDDING],
            "uploadFileBase64": {"identifier": "f1", "fileType": "image", "sizeBytes": 24},
            "tokenize": {"tokens": [1, 2]},
            "countTokens": {"tokenCount": 2},
            "applyPromptTemplate": {"formatted": "x"},
            "unloadModel": None,
            "getModelInfo": lambda given: (
                EMBEDDING_INSTANCE if "embedding" in given["specifier"]["query"]["identifier"] else INSTANCE
            ),
            "embedString": {"embedding": [0.5, 0.25]},
            "searchModels": {"results": [RESULT]},
            "getModelDownloadOptions": {"results": [OPTION]},
        }
        server.packets |= {"loadModel": loads({**INSTANCE, "identifier": "second"}), "downloadModel": DOWNLOAD}
        theirs = await asked(official, program, server)
        ours = await asked(lms, program, server)
    assert ours[0] == theirs[0]
    assert ours[1] == theirs[1]
