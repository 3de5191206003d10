"""The synchronous client against a server that follows a script; the programs run on a thread of their own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import lmchat as lms
from lmchat.client import default
from lmchat.client.portal import Portal
from tests.client.test_async_models import EMBEDDING, EMBEDDING_INSTANCE, ESTIMATE, loads
from tests.client.test_async_services import DOWNLOAD, LOGS, OPTION, PNG, RESULT
from tests.scripted_server import INSTANCE, MODEL, Scene, ScriptedServer, fragment, scripted_server, success


async def hello(scene: Scene) -> None:
    await scene.say("Hello there")


async def run(program: Callable[[lms.Client], Any], server: ScriptedServer) -> Any:
    def on_a_thread() -> Any:
        with lms.Client(server.host) as client:
            return program(client)

    return await asyncio.to_thread(on_a_thread)


@pytest.fixture(autouse=True)
def usual_timeout() -> Iterator[None]:
    yield
    lms.set_sync_api_timeout(60.0)


async def test_answers_and_completions() -> None:
    def program(client: lms.Client) -> list[str]:
        model = client.llm.model()
        streamed = model.complete_stream("My name is")
        pieces = [piece.content for piece in streamed]
        assert streamed.result().stats.stop_reason == "eosFound"
        return [str(model.respond("hi")), str(model.complete("hi")), "".join(pieces)]

    async with scripted_server(hello) as server:
        assert await run(program, server) == ["Hello there"] * 3
    layers = [len(scene.parameter["predictionConfigStack"]["layers"]) for scene in server.scenes]
    assert sorted(layers) == [1, 2, 2]


async def test_models_on_disk_and_in_memory() -> None:
    heard: list[float] = []

    def program(client: lms.Client) -> None:
        llm, embedding = client.list_downloaded_models()
        assert isinstance(llm, lms.DownloadedLlm)
        assert isinstance(embedding, lms.DownloadedEmbeddingModel)
        assert [repr(model) for model in client.list_downloaded_models("embedding")] == [repr(embedding)]
        assert [model.path for model in client.llm.list_downloaded()] == [llm.path]
        assert [model.type for model in client.embedding.list_downloaded()] == [embedding.type]
        assert repr(llm).startswith("DownloadedLlm(model_key='scripted-model', ")
        assert llm.model().identifier == "scripted-model"
        assert llm.load_new_instance(instance_identifier="second").identifier == "second"
        second = client.llm.load_new_instance("scripted-model", "second", on_load_progress=heard.append)
        assert client.llm.list_loaded() == [client.llm.model()] != [second]
        assert len({second, client.llm.model()}) == 2
        assert [repr(model) for model in client.list_loaded_models()] == [
            "LLM(identifier='scripted-model')",
            "EmbeddingModel(identifier='scripted-embedding')",
        ]
        assert client.list_loaded_models("embedding") == client.embedding.list_loaded()
        assert client.llm.estimate_usage("scripted-model").memory.total_bytes == 9
        assert client.llm.get_model_info("second").identifier == "scripted-model"
        second.unload()
        client.llm.unload("second")
        with pytest.raises(lms.LMStudioModelNotFoundError):
            client.llm.model("no-such-model")

    async with scripted_server(hello) as server:
        server.loaded = [INSTANCE, EMBEDDING_INSTANCE]
        server.packets["loadModel"] = loads({**INSTANCE, "identifier": "second"})
        server.answers |= {
            "listDownloadedModels": [MODEL, EMBEDDING],
            "estimateModelUsage": ESTIMATE,
            "unloadModel": None,
        }
        await run(program, server)
    assert heard == [0.0, 0.5, 1.0]


async def test_what_models_are_asked_besides_answers() -> None:
    def program(client: lms.Client) -> None:
        model, embedder = client.llm.model(), client.embedding.model()
        assert model.get_info().display_name == "Scripted Model"
        assert model.get_context_length() == 4096
        assert model.get_load_config().context_length == 4096
        assert (model.tokenize("abc"), model.tokenize(["a", "bc"])) == ([3], [[1], [2]])
        assert model.count_tokens("abc") == 3
        assert model.apply_prompt_template("hi", {"omitEosToken": True}) == "{'omitEosToken': True}"
        model.preload_draft_model("tiny")
        assert (embedder.embed("abc"), embedder.embed(["a"])) == ([3.0], [[1.0]])
        assert embedder.count_tokens("abc") == 3

    async with scripted_server(hello) as server:
        server.loaded = [INSTANCE, EMBEDDING_INSTANCE]
        server.answers |= {
            "getLoadConfig": {"fields": [{"key": "llm.load.contextLength", "value": 4096}]},
            "tokenize": lambda given: {"tokens": [len(given["inputString"])]},
            "countTokens": {"tokenCount": 3},
            "applyPromptTemplate": lambda given: {"formatted": str(given["opts"])},
            "embedString": lambda given: {"embedding": [len(given["inputString"])]},
            "preloadDraftModel": None,
        }
        await run(program, server)


async def test_files_downloads_logs_and_the_version(tmp_path: Path) -> None:
    heard: list[object] = []
    path = tmp_path / "cat.png"
    path.write_bytes(PNG)

    def program(client: lms.Client) -> None:
        assert client.files.prepare_image(path) == client.prepare_image(PNG, "cat.png")
        assert client.prepare_file(b"x", "cat.png") == client.files.prepare_file(b"x", "cat.png")
        (found,) = client.repository.search_models("tiny")
        (option,) = found.get_download_options()
        assert (found.search_result.name, option.info.size_bytes) == ("Tiny", 10)
        assert option.download(heard.append, lambda: heard.append("finalizing")) == "tiny"
        assert client.system.get_version() == "1.2.3"
        with closing(client.diagnostics.stream_logs()) as entries:
            assert isinstance(next(entries).data, lms.ServerLog)
        client.list_loaded_models()

    async with scripted_server(hello) as server:
        server.answers |= {
            "uploadFileBase64": {"identifier": "f1", "fileType": "image", "sizeBytes": 1},
            "searchModels": {"results": [RESULT]},
            "getModelDownloadOptions": {"results": [OPTION]},
            "version": {"version": "1.2.3"},
        }
        server.packets |= {"downloadModel": DOWNLOAD, "streamLogs": [*LOGS, None]}
        await run(program, server)
    assert heard == [lms.DownloadProgressUpdate(5, 10, 2.5), "finalizing"]
    assert server.told == [("streamLogs", {"type": "stop"})]


async def test_a_long_load_that_tells_its_progress_meets_no_timeout() -> None:
    """The timeout is for the next sign of the server, not for the whole load, which takes longer here."""
    steps = 8

    def program(client: lms.Client) -> str:
        lms.set_sync_api_timeout(1.0)
        return client.llm.model("x").identifier

    async def slow(socket: Any, protocol: Any, opened: Any) -> None:
        for step in range(steps):
            await socket.send(protocol.send(opened.channel_id, {"type": "loadProgress", "progress": step / steps}))
            await asyncio.sleep(0.2)
        await socket.send(protocol.send(opened.channel_id, {"type": "loadSuccess", "info": INSTANCE}))
        await socket.send(protocol.close_channel(opened.channel_id))

    async with scripted_server(hello) as server:
        server._load = slow  # type: ignore[method-assign]  # a load that takes its time
        assert await run(program, server) == "scripted-model"


async def test_a_load_without_a_sign_is_given_up_and_cancelled() -> None:
    def program(client: lms.Client) -> None:
        client.llm.list_loaded()
        lms.set_sync_api_timeout(0.2)
        with pytest.raises(lms.LMStudioTimeoutError, match=r"no sign for 0\.2 seconds"):
            client.llm.model("x")
        lms.set_sync_api_timeout(None)
        client.list_loaded_models()

    async with scripted_server(hello) as server:
        server.packets["getOrLoad"] = [None]
        await run(program, server)
    assert server.told == [("getOrLoad", {"type": "cancel"})]


def test_timeouts_are_zero_or_more() -> None:
    assert lms.get_sync_api_timeout() == 60.0
    lms.set_sync_api_timeout(0)
    assert lms.get_sync_api_timeout() == Portal.timeout == 0
    with pytest.raises(lms.LMStudioValueError, match="0 seconds or more"):
        lms.set_sync_api_timeout(-1)


async def test_a_stream_that_is_left_tells_the_server_to_stop() -> None:
    async def script(scene: Scene) -> None:
        await scene.say_until_cancelled("one two")

    def program(client: lms.Client) -> None:
        with client.llm.model().respond_stream("count") as stream:
            for _ in stream:
                break
        with pytest.raises(lms.LMStudioCancelledError):
            stream.result()

    async with scripted_server(script) as server:
        await run(program, server)
        await asyncio.wait_for(server.scenes[0].cancelled.wait(), 5)


async def test_the_next_call_after_a_loss_connects_again() -> None:
    async def script(scene: Scene) -> None:
        await scene.drop()

    def program(client: lms.Client) -> str:
        model = client.llm.model()
        with pytest.raises(lms.LMStudioWebsocketError, match="was lost"):
            model.respond("hi")
        server.script = hello
        return str(model.respond("hi"))

    async with scripted_server(script) as server:
        assert await run(program, server) == "Hello there"


async def test_a_structured_answer_is_decoded() -> None:
    async def script(scene: Scene) -> None:
        await scene.send(fragment('{"title": "x"}'), success())
        await scene.close()

    class Book(lms.BaseModel):
        title: str

    def program(client: lms.Client) -> Any:
        stream = client.llm.model().respond_stream("hi", response_format=Book)
        return stream.wait_for_result().parsed

    async with scripted_server(script) as server:
        assert await run(program, server) == {"title": "x"}


async def test_the_default_client_is_shared_and_configured_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(default, "_default", default._Default())

    def program() -> None:
        lms.configure_default_client("nowhere")
        with pytest.raises(lms.LMStudioValueError, match="no address"):
            lms.llm()
        lms.configure_default_client(server.host, "sk-lm-abcdefgh:ABCDEFGHIJKLMNOPQRST")
        client = lms.get_default_client()
        try:
            assert client is lms.get_default_client() is lms.get_default_client(server.host)
            assert client.api_host == server.host
            assert lms.llm().identifier == lms.list_loaded_models("llm")[0].identifier == "scripted-model"
            assert lms.embedding_model().identifier == "scripted-embedding"
            assert [model.model_key for model in lms.list_downloaded_models("llm")] == ["scripted-model"]
            assert lms.prepare_image(PNG, "x") == lms.prepare_file(PNG, "x")
            with pytest.raises(lms.LMStudioClientError, match="in use already"):
                lms.configure_default_client(server.host)
            with pytest.raises(lms.LMStudioClientError, match="speaks to"):
                lms.get_default_client("127.0.0.1:1")
        finally:
            client.close()

    async with scripted_server(hello) as server:
        server.loaded = [INSTANCE, EMBEDDING_INSTANCE]
        server.answers["uploadFileBase64"] = {"identifier": "f1", "fileType": "image", "sizeBytes": 1}
        await asyncio.to_thread(program)
    assert {handshake.identifier for handshake in server.handshakes} == {"abcdefgh"}


async def test_hosts_are_looked_at_in_passing() -> None:
    def program() -> None:
        assert lms.Client.is_valid_api_host(server.host)
        server.greets = False
        assert not lms.Client.is_valid_api_host(server.host)
        found = lms.Client.find_default_local_api_host()
        assert found is None or lms.Client.is_valid_api_host(found)

    async with scripted_server(hello) as server:
        await asyncio.to_thread(program)
