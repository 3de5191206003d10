"""OpenAI's HTTP interface, over real sockets, by the real model."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec
import pytest

from lmchat.protocol.auth import new_token
from lmchat.protocol.child_process import EngineOptions
from tests.engine.engines import EMBEDDER, MODEL, EngineProcess, fails_to_start, running_engine
from tests.engine.test_other_endpoints import TOOLS
from tests.engine.wire import session

QUESTION = [{"role": "system", "content": "You are terse."}, {"role": "user", "content": "Name a colour."}]


def client_of(engine: EngineProcess, **headers: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=f"http://{engine.address}", headers=headers, trust_env=False, timeout=30)


@pytest.fixture
async def client(engine: EngineProcess) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(engine) as client:
        yield client


async def chat(client: httpx.AsyncClient, **fields: Any) -> httpx.Response:
    return await client.post("/v1/chat/completions", json={"model": MODEL, "messages": QUESTION, **fields})


async def test_models(client: httpx.AsyncClient) -> None:
    listed = (await client.get("/v1/models")).json()
    assert [model["id"] for model in listed["data"]] == [MODEL, EMBEDDER]


async def test_an_answer(client: httpx.AsyncClient) -> None:
    reply = (await chat(client, max_tokens=4, temperature=0, seed=1, stop="zzz")).json()
    (choice,) = reply["choices"]
    assert reply["object"] == "chat.completion"
    assert reply["model"] == MODEL
    assert choice["message"]["role"] == "assistant"
    assert choice["message"]["content"]
    assert choice["finish_reason"] == "length"
    assert reply["usage"]["completion_tokens"] == 4
    assert reply["usage"]["total_tokens"] == reply["usage"]["prompt_tokens"] + 4


async def test_a_stream_says_the_same_piece_by_piece(client: httpx.AsyncClient) -> None:
    fields = {"max_tokens": 6, "temperature": 0}
    whole = (await chat(client, **fields)).json()["choices"][0]["message"]["content"]
    reply = await chat(client, **fields, stream=True, stream_options={"include_usage": True})
    assert reply.headers["content-type"].startswith("text/event-stream")
    *lines, end = [line.removeprefix("data: ") for line in reply.text.split("\n\n") if line]
    assert end == "[DONE]"
    *chunks, usage = [json.loads(line) for line in lines]
    assert chunks[0]["choices"][0]["delta"]["role"] == "assistant"
    assert "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in chunks) == whole
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks[-2:]] == [None, "length"]
    assert (usage["choices"], usage["usage"]["completion_tokens"]) == ([], 6)


async def test_a_schema_and_a_tool(client: httpx.AsyncClient) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer", "maximum": 9}}, "required": ["n"]}
    wanted = {
        "type": "json_schema",
        "json_schema": {"name": "digit", "schema": {**schema, "additionalProperties": False}},
    }
    reply = (await chat(client, response_format=wanted, max_tokens=40)).json()
    assert list(json.loads(reply["choices"][0]["message"]["content"])) == ["n"]
    reply = (await chat(client, tools=TOOLS["tools"], tool_choice="required", max_tokens=80)).json()
    (choice,) = reply["choices"]
    assert choice["finish_reason"] == "tool_calls"
    (call,) = choice["message"]["tool_calls"]
    assert call["function"]["name"] == "add"
    assert "a" in json.loads(call["function"]["arguments"])
    messages = [*QUESTION, choice["message"], {"role": "tool", "tool_call_id": call["id"], "content": "3"}]
    assert (await chat(client, messages=messages, max_tokens=1)).status_code == 200


@pytest.fixture
async def embedder(engine: EngineProcess) -> AsyncIterator[None]:
    """The embedding model loaded for good, so that the chat model need not make way for it."""
    async with session(engine, "embedding") as wire:
        parameter = {"modelKey": EMBEDDER, "loadConfigStack": {"layers": []}}
        await wire.send(type="channelCreate", endpoint="loadModel", channelId=1, creationParameter=parameter)
        await wire.packet("success")
        assert (await wire.receive())["type"] == "channelClose"
        yield
        await wire.call("unloadModel", identifier=EMBEDDER)


@pytest.mark.usefixtures("embedder")
async def test_embeddings(client: httpx.AsyncClient) -> None:
    asked = {"model": EMBEDDER, "input": ["one", "two three"]}
    reply = (await client.post("/v1/embeddings", json=asked)).json()
    vectors = [entry["embedding"] for entry in reply["data"]]
    assert [len(vector) for vector in vectors] == [576, 576]
    assert reply["usage"]["prompt_tokens"] == 3
    packed = (await client.post("/v1/embeddings", json={**asked, "input": "one", "encoding_format": "base64"})).json()
    unpacked = struct.unpack("<576f", base64.b64decode(packed["data"][0]["embedding"]))
    assert unpacked == pytest.approx(vectors[0], abs=1e-5)


@pytest.mark.parametrize(
    ("fields", "status", "words"),
    [
        ({"model": "nobody"}, 404, "nobody"),
        ({"messages": "hello"}, 400, "does not fit"),
        ({"messages": []}, 400, "empty"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, 400, "text only"),
        ({"messages": [{"role": "user", "content": "blah " * 600}]}, 400, "too long"),
        ({"response_format": {"type": "json_schema", "json_schema": {"schema": {"type": "objekt"}}}}, 400, ""),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
async def test_what_cannot_be(
    client: httpx.AsyncClient, fields: dict[str, Any], status: int, words: str, stream: bool
) -> None:
    reply = await chat(client, **fields, stream=stream)
    assert words in reply.text
    if reply.status_code != 200:
        assert reply.status_code == status
        assert reply.json()["error"]["message"]
    else:
        assert '"error"' in reply.text


async def test_a_client_that_leaves_stops_its_answer(client: httpx.AsyncClient, engine: EngineProcess) -> None:
    fields = {"model": MODEL, "messages": QUESTION, "stream": True, "logit_bias": {"2": -100}, "max_tokens": -1}
    async with client.stream("POST", "/v1/chat/completions", json=fields) as reply:
        async for _ in reply.aiter_lines():
            break
    assert (await chat(client, max_tokens=1)).status_code == 200


async def test_pages_from_elsewhere_are_refused(engine: EngineProcess) -> None:
    async with client_of(engine, origin="https://example.com") as client:
        assert (await client.get("/v1/models")).status_code == 403
    async with client_of(engine, origin="http://localhost:3000") as client:
        assert (await client.get("/v1/models")).status_code == 200


def test_without_a_token_the_network_is_not_served(engine_options: EngineOptions) -> None:
    assert "everyone on the network" in fails_to_start(msgspec.structs.replace(engine_options, host="0.0.0.0"))


async def test_a_token_is_asked_for(engine_options: EngineOptions) -> None:
    token = new_token()
    with running_engine(msgspec.structs.replace(engine_options, api_token=token)) as engine:
        for sent, status in ((f"Bearer {token}", 200), (f"Bearer {new_token()}", 401), ("Bearer lm-studio", 401)):
            async with client_of(engine, authorization=sent) as client:
                assert (await client.get("/v1/models")).status_code == status
                # Nothing is loaded yet: what is asked for is loaded then.
                assert (await chat(client, max_tokens=1)).status_code == status
                asked = {"model": EMBEDDER, "input": "one"}
                assert (await client.post("/v1/embeddings", json=asked)).status_code == status
        async with client_of(engine) as client:
            assert (await client.get("/v1/models")).status_code == 401
            assert (await client.get("/lmstudio-greeting")).status_code == 200
