"""Models on disk and in memory, against a server that follows a script."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import lmchat as lms
from lmchat.protocol.errors import failure, model_not_found
from tests.scripted_server import INSTANCE, MODEL, Scene, scripted_server

EMBEDDING = {
    **{name: value for name, value in MODEL.items() if name not in {"vision", "trainedForToolUse"}},
    "type": "embedding",
    "modelKey": "scripted-embedding",
    "displayName": "Scripted Embedding",
}
EMBEDDING_INSTANCE = {
    **EMBEDDING,
    "identifier": "scripted-embedding",
    "instanceReference": "ref2",
    "ttlMs": None,
    "lastUsedTime": None,
    "contextLength": 512,
}
ESTIMATE = {
    "memory": {
        "confidence": "low",
        "modelVramBytes": 1,
        "contextVramBytes": 2,
        "totalVramBytes": 3,
        "modelBytes": 4,
        "contextBytes": 5,
        "totalBytes": 9,
    },
    "passesGuardrails": True,
}


async def silent(scene: Scene) -> None:
    await scene.close()


def loads(info: dict[str, Any]) -> list[Any]:
    return [
        {"type": "resolved", "info": MODEL},
        {"type": "progress", "progress": 0.5},
        {"type": "success", "info": info},
    ]


async def test_models_on_disk_can_be_loaded_from_their_listing() -> None:
    async with scripted_server(silent) as server, lms.AsyncClient(server.host) as client:
        server.answers["listDownloadedModels"] = [MODEL, EMBEDDING, {"type": "unheard-of"}]
        server.packets["loadModel"] = loads(INSTANCE)
        everything = await client.list_downloaded_models()
        (llm,) = await client.llm.list_downloaded()
        (embedding,) = await client.embedding.list_downloaded()
        assert [model.model_key for model in await client.list_downloaded_models("embedding")] == [embedding.model_key]
        assert [model.model_key for model in await client.system.list_downloaded_models("llm")] == [llm.model_key]
        assert (await llm.model()).identifier == "scripted-model"
        assert (await llm.load_new_instance(instance_identifier="second")).identifier == "scripted-model"
    assert [repr(model) for model in everything] == [
        "AsyncDownloadedLlm(model_key='scripted-model', display_name='Scripted Model', "
        "architecture='llama', vision=False)",
        "AsyncDownloadedEmbeddingModel(model_key='scripted-embedding', display_name='Scripted Embedding', "
        "architecture='llama')",
    ]
    assert (llm.type, llm.path, embedding.type) == ("llm", MODEL["path"], "embedding")
    assert server.opened[1] == (
        "loadModel",
        {
            "modelKey": "scripted-model",
            "identifier": "second",
            "ttlMs": 3_600_000,
            "loadConfigStack": {"layers": [{"layerName": "apiOverride", "config": {"fields": []}}]},
        },
    )


async def test_a_kind_of_model_that_does_not_exist_is_refused() -> None:
    async with scripted_server(silent) as server, lms.AsyncClient(server.host) as client:
        with pytest.raises(lms.LMStudioValueError, match="'llm' or 'embedding'"):
            await client.list_downloaded_models("vision")
        with pytest.raises(lms.LMStudioValueError, match="'llm' or 'embedding'"):
            await client.list_loaded_models("vision")


async def test_a_new_instance_is_loaded_with_its_options_and_progress() -> None:
    heard: list[float] = []
    async with scripted_server(silent) as server, lms.AsyncClient(server.host) as client:
        server.packets["loadModel"] = loads({**INSTANCE, "identifier": "second"})
        model = await client.llm.load_new_instance(
            "scripted-model",
            "second",
            ttl=None,
            config={"contextLength": 8192, "gpu": {"ratio": 0.5}},
            on_load_progress=heard.append,
        )
    assert model.identifier == "second"
    assert heard == [0.0, 0.5, 1.0]
    parameter = server.opened[0][1]
    assert "ttlMs" not in parameter
    assert parameter["loadConfigStack"]["layers"][0]["config"]["fields"] == [
        {"key": "llm.load.contextLength", "value": 8192},
        {"key": "llm.load.llama.acceleration.offloadRatio", "value": 0.5},
    ]


async def test_a_model_that_is_loaded_already_tells_the_end_and_a_failing_callback_ends_nothing() -> None:
    heard: list[float] = []

    def fail(progress: float) -> None:
        heard.append(progress)
        raise RuntimeError("my own fault")

    async with scripted_server(silent) as server, lms.AsyncClient(server.host) as client:
        server.packets["getOrLoad"] = [{"type": "alreadyLoaded", "info": INSTANCE}]
        assert (await client.llm.model("x", on_load_progress=fail)).identifier == "scripted-model"
        assert heard == [1.0]
        server.packets["getOrLoad"] = [
            {"type": "unloadingOtherJITModel", "info": EMBEDDING_INSTANCE},
            {"type": "startLoading", "identifier": "x", "info": MODEL},
            {"type": "loadSuccess", "info": INSTANCE},
        ]
        await client.llm.model("x", on_load_progress=fail)
    assert heard == [1.0, 0.0, 1.0]


async def test_a_load_that_is_given_up_is_cancelled_at_the_server() -> None:
    async with scripted_server(silent) as server, lms.AsyncClient(server.host) as client:
        server.packets["getOrLoad"] = [{"type": "loadProgress", "progress": 0.5}, None]
        began = asyncio.Event()
        load = asyncio.create_task(client.llm.model("x", on_load_progress=lambda _: began.set()))
        await began.wait()
        load.cancel()
        with pytest.raises(asyncio.CancelledError):
            await load
        await client.list_loaded_models()
    assert server.told == [("getOrLoad", {"type": "cancel"})]


async def test_a_load_that_fails_says_why() -> None:
    async with scripted_server(silent) as server, lms.AsyncClient(server.host) as client:
        server.packets["loadModel"] = []
        with pytest.raises(lms.LMStudioChannelClosedError, match="Model load error"):
            await client.llm.load_new_instance("x")
        with pytest.raises(lms.LMStudioModelNotFoundError, match="Model get/load error"):
            await client.llm.model("x")
        for ttl in (0, -1):
            with pytest.raises(lms.LMStudioValueError, match="ttl"):
                await client.llm.model("x", ttl=ttl)


async def test_models_in_memory_of_both_kinds_and_their_unloading() -> None:
    async with scripted_server(silent) as server, lms.AsyncClient(server.host) as client:
        server.loaded = [INSTANCE, EMBEDDING_INSTANCE]
        server.answers["unloadModel"] = lambda given: (
            None if given["identifier"] == "scripted-model" else model_not_found(given, ["scripted-model"])
        )
        everything = await client.list_loaded_models()
        (llm,) = await client.list_loaded_models("llm")
        (embedding,) = await client.embedding.list_loaded()
        assert set(everything) == {llm, embedding}
        assert (llm, embedding) == (await client.llm.model(), await client.embedding.model())
        assert [repr(model) for model in everything] == [
            "AsyncLLM(identifier='scripted-model')",
            "AsyncEmbeddingModel(identifier='scripted-embedding')",
        ]
        await llm.unload()
        with pytest.raises(lms.LMStudioModelNotFoundError, match="Loaded: scripted-model"):
            await client.llm.unload("other")
        server.loaded = []
        with pytest.raises(lms.LMStudioClientError, match="No embedding model is loaded"):
            await client.embedding.model()


async def test_what_is_known_of_a_loaded_model() -> None:
    config = {"fields": [{"key": "llm.load.contextLength", "value": 4096.0}, {"key": "new", "value": 1}]}
    async with scripted_server(silent) as server, lms.AsyncClient(server.host) as client:
        server.answers |= {
            "getLoadConfig": config,
            "tokenize": lambda given: {"tokens": [len(given["inputString"])]},
            "countTokens": {"tokenCount": 3},
            "applyPromptTemplate": lambda given: {"formatted": str(given["opts"])},
        }
        model = await client.llm.model()
        info = await model.get_info()
        assert (info.identifier, info.context_length) == ("scripted-model", 4096)
        assert await client.llm.get_model_info("scripted-model") == info
        assert lms.LlmInstanceInfo.from_dict(info.to_dict()) == info
        assert str(info).startswith("LlmInstanceInfo.from_dict({")
        assert await model.get_load_config() == lms.LlmLoadModelConfig(context_length=4096)
        assert await model.get_context_length() == 4096
        assert await model.tokenize("abc") == [3]
        assert await model.tokenize(text for text in ("a", "bc")) == [[1], [2]]
        assert await model.count_tokens("abc") == 3
        assert await model.apply_prompt_template("hi", {"omit_bos_token": True}) == "{'omitBosToken': True}"
        with pytest.raises(lms.LMStudioValueError, match="no option 'omit'"):
            await model.apply_prompt_template("hi", {"omit": True})
    with pytest.raises(lms.LMStudioValueError, match="no LlmInfo"):
        lms.LlmInfo.from_dict({"type": "llm"})


async def test_what_a_load_would_take() -> None:
    async with scripted_server(silent) as server, lms.AsyncClient(server.host) as client:
        server.answers["estimateModelUsage"] = ESTIMATE
        estimate = await client.llm.estimate_usage("scripted-model", config={"contextLength": 1024})
    assert (estimate.memory.total_bytes, estimate.memory.confidence, estimate.passes_guardrails) == (9, "low", True)
    ((_, parameter),) = server.calls
    assert parameter["modelKey"] == "scripted-model"
    assert parameter["loadConfigStack"]["layers"][0]["config"]["fields"] == [
        {"key": "llm.load.contextLength", "value": 1024}
    ]


async def test_embeddings_of_one_text_and_of_several() -> None:
    async with scripted_server(silent) as server, lms.AsyncClient(server.host) as client:
        server.loaded = [EMBEDDING_INSTANCE]
        server.answers |= {
            "embedString": lambda given: {"embedding": [len(given["inputString"]), 0.5]},
            "tokenize": {"tokens": [1, 2, 3]},
            "countTokens": {"tokenCount": 1},
            "getModelInfo": EMBEDDING_INSTANCE,
            "getLoadConfig": {"fields": [{"key": "embedding.load.contextLength", "value": 512}]},
        }
        server.packets["getOrLoad"] = [{"type": "loadSuccess", "info": EMBEDDING_INSTANCE}]
        model = await client.embedding.model("scripted-embedding", config={"gpuOffload": "max"})
        assert await model.embed("Hello") == [5.0, 0.5]
        assert await model.embed(["a", "bc"]) == [[1.0, 0.5], [2.0, 0.5]]
        assert (len(await model.tokenize("x")), await model.count_tokens("x")) == (3, 1)
        assert await model.get_context_length() == 512
        assert await model.get_load_config() == lms.EmbeddingLoadModelConfig(context_length=512)
    assert server.calls[0][1] == {
        "modelSpecifier": {"type": "query", "query": {"identifier": "scripted-embedding"}},
        "inputString": "Hello",
    }
    fields = server.opened[0][1]["loadConfigStack"]["layers"][0]["config"]["fields"]
    assert fields == [{"key": "embedding.load.llama.acceleration.offloadRatio", "value": "max"}]


async def test_a_server_that_does_not_embed_is_an_error() -> None:
    async with scripted_server(silent) as server, lms.AsyncClient(server.host) as client:
        server.loaded = [EMBEDDING_INSTANCE]
        server.answers["embedString"] = failure("No")
        with pytest.raises(lms.LMStudioServerError, match="RPC error: No"):
            await (await client.embedding.model()).embed("x")
