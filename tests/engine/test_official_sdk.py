"""LM Studio's official Python SDK against our engine: it must not be able to tell."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Iterator
from typing import Any

import lmstudio as sdk
import msgspec
import pytest

from lmchat.protocol.child_process import EngineOptions
from lmchat.protocol.discovery import API_PORTS
from tests.engine.engines import CONTEXT, EMBEDDER, ENDLESS, MODEL, EngineProcess, running_engine


@pytest.fixture(scope="module")
def client(engine: EngineProcess) -> Iterator[sdk.Client]:
    with sdk.Client(str(engine.address)) as client:
        yield client


@pytest.fixture(autouse=True)
def no_complaints(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """The SDK logs what it finds odd about a server."""
    yield
    assert [record.getMessage() for record in caplog.get_records("call") if record.levelno >= logging.WARNING] == []


def test_models_are_listed(client: sdk.Client) -> None:
    assert [model.model_key for model in client.list_downloaded_models()] == [MODEL, EMBEDDER]
    (downloaded,) = client.list_downloaded_models("llm")
    assert downloaded.model_key == MODEL
    (loaded,) = client.list_loaded_models()
    assert loaded.identifier == MODEL
    (embedder,) = client.list_downloaded_models("embedding")
    assert "weak" in embedder.info.display_name
    assert client.embedding.list_loaded() == []


def test_any_model_and_a_named_one_are_the_same(client: sdk.Client) -> None:
    assert client.llm.model() == client.llm.model(MODEL)
    assert client.llm.model("HuggingFaceTB/smollm2-135m").identifier == MODEL


def test_a_quick_answer(client: sdk.Client) -> None:
    result = client.llm.model().respond("Go on.", response_format=ENDLESS, config={"maxTokens": 12})
    assert result.content
    assert str(result) == result.content
    assert result.model_info.display_name
    assert result.stats.stop_reason == "maxPredictedTokensReached"
    assert result.stats.predicted_tokens_count == 12
    assert result.stats.prompt_tokens_count
    assert result.stats.time_to_first_token_sec
    assert result.stats.tokens_per_second
    assert result.load_config.context_length == CONTEXT
    assert result.prediction_config.temperature == 0.2


def test_a_streamed_answer(client: sdk.Client) -> None:
    progress: list[float] = []
    messages: list[Any] = []
    stream = client.llm.model().respond_stream(
        "Go on.",
        response_format=ENDLESS,
        config={"temperature": 0.6, "maxTokens": 20},
        on_prompt_processing_progress=progress.append,
        on_message=messages.append,
    )
    fragments = list(stream)
    result = stream.result()
    assert "".join(fragment.content for fragment in fragments) == result.content
    assert all(fragment.content for fragment in fragments)
    assert sum(fragment.tokens_count for fragment in fragments) == result.stats.predicted_tokens_count
    assert progress[0] == 0.0
    assert progress[-1] == 1.0
    assert len(messages) == 1


def test_a_conversation(client: sdk.Client) -> None:
    model = client.llm.model()
    chat = sdk.Chat("You answer in few words.")
    for question in ("My name is Ada.", "What is my name?"):
        chat.add_user_message(question)
        stream = model.respond_stream(chat, on_message=chat.append, config={"maxTokens": 10})
        for _ in stream:
            pass
    formatted = model.apply_prompt_template(chat)
    assert "You answer in few words." in formatted
    assert formatted.index("My name is Ada.") < formatted.index("What is my name?")


def test_cancel(client: sdk.Client) -> None:
    stream = client.llm.model().respond_stream("Go on.", response_format=ENDLESS)
    for _ in stream:
        stream.cancel()
    result = stream.result()
    assert result.stats.stop_reason == "userStopped"
    assert result.stats.predicted_tokens_count is not None
    assert 0 < result.stats.predicted_tokens_count < 100


def test_complete(client: sdk.Client) -> None:
    result = client.llm.model().complete(
        "Once upon a", response_format=ENDLESS, config={"maxTokens": 3, "stopStrings": ["zzz"]}
    )
    assert result.stats.predicted_tokens_count == 3
    assert result.stats.prompt_tokens_count == 3


def test_a_structured_answer(client: sdk.Client) -> None:
    schema = {
        "type": "object",
        "properties": {"colour": {"enum": ["red", "blue"]}},
        "required": ["colour"],
        "additionalProperties": False,
    }
    result = client.llm.model().respond("Pick a colour.", response_format=schema, config={"maxTokens": 40})
    assert result.parsed in ({"colour": "red"}, {"colour": "blue"})


def test_tokens(client: sdk.Client) -> None:
    model = client.llm.model()
    assert len(model.tokenize("one two three")) == model.count_tokens("one two three") == 3
    assert model.get_context_length() == CONTEXT
    assert model.get_load_config().context_length == CONTEXT
    assert model.get_info().model_key == MODEL


def test_embeddings(client: sdk.Client) -> None:
    progress: list[float] = []
    model = client.embedding.load_new_instance(
        EMBEDDER, config={"contextLength": 256}, on_load_progress=progress.append
    )
    assert progress == [0.0, 1.0]
    assert model == client.embedding.model()
    vectors: Any = model.embed(["the cat sat on the mat", "the cat sat on the mat", "stock market crash"])
    first, again, other = vectors
    assert len(first) == 576
    assert first == pytest.approx(again)
    assert math.hypot(*first) == pytest.approx(1.0, abs=1e-4)
    assert sum(one * two for one, two in zip(first, other, strict=True)) < 0.99
    assert len(model.tokenize("one two three")) == model.count_tokens("one two three") == 3
    assert model.get_context_length() == 256
    assert model.get_load_config().context_length == 256
    assert model.get_info().model_key == EMBEDDER
    with pytest.raises(sdk.LMStudioServerError, match="too long to embed"):
        model.embed("word " * 300)
    with pytest.raises(sdk.LMStudioServerError, match="no text"):
        model.embed("")
    assert [loaded.identifier for loaded in client.list_loaded_models()] == [MODEL, EMBEDDER]
    model.unload()
    assert client.embedding.list_loaded() == []


def test_files(client: sdk.Client) -> None:
    model = client.llm.model()
    image = client.files.prepare_image(b"\x89PNG\r\n\x1a\n" + bytes(20), "dot.png")
    assert image.file_type == "image"
    chat = sdk.Chat()
    chat.add_user_message("What is this?", images=[image])
    assert "What is this?" in model.apply_prompt_template(chat)
    with pytest.raises(sdk.LMStudioServerError, match=r"dot\.png is no text"):
        model.respond(chat)


def test_a_tool_round(client: sdk.Client) -> None:
    def add(a: int, b: int) -> int:
        """Add two numbers."""
        return a + b

    messages: list[Any] = []
    result = client.llm.model().act(
        "Hi", [add], max_prediction_rounds=1, config={"maxTokens": 8}, on_message=messages.append
    )
    assert result.rounds == 1
    assert len(messages) == 1


def test_what_is_not_there(client: sdk.Client) -> None:
    with pytest.raises(sdk.LMStudioServerError, match="no-such-model"):
        client.llm.model("no-such-model")
    with pytest.raises(sdk.LMStudioModelNotFoundError):
        client.llm.unload("no-such-model")
    with pytest.raises(sdk.LMStudioModelNotFoundError):
        client.llm.get_model_info("no-such-model")
    with pytest.raises(sdk.LMStudioPresetNotFoundError):
        client.llm.model().respond("hi", preset="no-such-preset")


def test_instances_are_loaded_and_unloaded(client: sdk.Client) -> None:
    progress: list[float] = []
    instance = client.llm.load_new_instance(
        MODEL, ttl=60, config={"contextLength": 256}, on_load_progress=progress.append
    )
    assert instance.identifier == f"{MODEL}:2"
    assert instance.get_context_length() == 256
    assert progress == [0.0, 1.0]
    assert instance.respond("hi", config={"maxTokens": 1}).stats.predicted_tokens_count == 1
    with pytest.raises(sdk.LMStudioServerError, match="already exists"):
        client.llm.load_new_instance(MODEL, f"{MODEL}:2")
    instance.unload()
    assert [model.identifier for model in client.llm.list_loaded()] == [MODEL]


async def test_two_asynchronous_clients_at_once(engine: EngineProcess) -> None:
    async def ask(question: str) -> int | None:
        async with sdk.AsyncClient(str(engine.address)) as client:
            model = await client.llm.model()
            stream = await model.respond_stream(question, response_format=ENDLESS, config={"maxTokens": 8})
            async for fragment in stream:
                assert fragment.content
            return stream.result().stats.predicted_tokens_count

    questions = ("Name a bird.", "Name a fish.")
    assert await asyncio.gather(*(ask(question) for question in questions)) == [8, 8]


@pytest.mark.usefixtures("usual_ports")
def test_without_an_address_the_sdk_finds_us(engine_options: EngineOptions) -> None:
    with running_engine(msgspec.structs.replace(engine_options, port=None)) as engine:
        assert engine.address.port in API_PORTS
        # Another server may run on this machine; ours is there in any case.
        assert sdk.Client.find_default_local_api_host() is not None
        assert sdk.Client.is_valid_api_host(str(engine.address))
