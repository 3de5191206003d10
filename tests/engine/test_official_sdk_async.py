"""LM Studio's official Python SDK, its asynchronous half, against our engine with the real model."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from typing import Any

import lmstudio as sdk
import pytest

from tests.engine.engines import CONTEXT, EMBEDDER, ENDLESS, MODEL, EngineProcess

COLOUR = {
    "type": "object",
    "properties": {"colour": {"enum": ["red", "blue"]}},
    "required": ["colour"],
    "additionalProperties": False,
}


@pytest.fixture
async def client(engine: EngineProcess) -> AsyncIterator[sdk.AsyncClient]:
    async with sdk.AsyncClient(str(engine.address)) as client:
        yield client


@pytest.fixture(autouse=True)
def no_complaints(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """The SDK logs what it finds odd about a server."""
    yield
    assert [record.getMessage() for record in caplog.get_records("call") if record.levelno >= logging.WARNING] == []


async def test_lists_tokens_and_templates(client: sdk.AsyncClient) -> None:
    assert [model.model_key for model in await client.list_downloaded_models()] == [MODEL, EMBEDDER]
    assert [model.identifier for model in await client.list_loaded_models()] == [MODEL]
    model = await client.llm.model(MODEL)
    assert len(await model.tokenize("one two three")) == await model.count_tokens("one two three") == 3
    assert await model.get_context_length() == CONTEXT
    assert "Who?" in await model.apply_prompt_template(sdk.Chat.from_history("Who?"))


async def test_answers_whole_structured_and_completed(client: sdk.AsyncClient) -> None:
    model = await client.llm.model()
    result = await model.respond("Go on.", response_format=ENDLESS, config={"maxTokens": 6})
    assert result.stats.predicted_tokens_count == 6
    result = await model.respond("Pick a colour.", response_format=COLOUR, config={"maxTokens": 40})
    assert result.parsed in ({"colour": "red"}, {"colour": "blue"})
    result = await model.complete("Once upon a", response_format=ENDLESS, config={"maxTokens": 3})
    assert (result.stats.prompt_tokens_count, result.stats.predicted_tokens_count) == (3, 3)


async def test_a_stream_and_its_cancel(client: sdk.AsyncClient) -> None:
    model = await client.llm.model()
    stream = await model.respond_stream("Go on.", response_format=ENDLESS)
    async for _ in stream:
        await stream.cancel()
    assert stream.result().stats.stop_reason == "userStopped"


async def test_loads_embeddings_and_unloads(client: sdk.AsyncClient) -> None:
    progress: list[float] = []
    model: Any = await client.embedding.load_new_instance(
        EMBEDDER, config={"contextLength": 256}, on_load_progress=progress.append
    )
    try:
        assert progress == [0.0, 1.0]
        one, two = await asyncio.gather(model.embed("one"), model.embed("two"))
        assert len(one) == len(two) == 576
    finally:
        await model.unload()
    assert await client.embedding.list_loaded() == []


async def test_files_and_errors(client: sdk.AsyncClient) -> None:
    image = await client.files.prepare_image(b"\x89PNG\r\n\x1a\n" + bytes(20), "dot.png")
    assert (image.file_type, image.size_bytes) == ("image", 28)
    with pytest.raises(sdk.LMStudioServerError, match="no-such-model"):
        await client.llm.model("no-such-model")
    with pytest.raises(sdk.LMStudioModelNotFoundError):
        await client.llm.unload("no-such-model")
