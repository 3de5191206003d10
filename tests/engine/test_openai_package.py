"""OpenAI's official Python package against our engine with the real model."""

from __future__ import annotations

import asyncio
import json
import warnings
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.engine.engines import EMBEDDER, MODEL, EngineProcess
from tests.engine.test_other_endpoints import TOOLS

if TYPE_CHECKING:
    import openai
else:
    with warnings.catch_warnings():  # of what it imports itself
        warnings.simplefilter("ignore")
        openai = pytest.importorskip("openai")

NO_END: Any = {"2": -100}
"""A bias against the token that ends an answer, so that only a limit does."""
ASKED: Any = [{"role": "user", "content": "Name a colour."}]


@pytest.fixture
async def client(engine: EngineProcess) -> AsyncIterator[openai.AsyncOpenAI]:
    url = f"http://{engine.address}/v1"
    async with openai.AsyncOpenAI(base_url=url, api_key="none", max_retries=0, timeout=60) as client:
        yield client


async def test_models(client: openai.AsyncOpenAI) -> None:
    assert [model.id async for model in client.models.list()] == [MODEL, EMBEDDER]
    assert (await client.models.retrieve(MODEL)).id == MODEL
    with pytest.raises(openai.NotFoundError) as caught:
        await client.models.retrieve("nobody/such")
    assert (caught.value.code, caught.value.param, caught.value.type) == (
        "model_not_found",
        "model",
        "invalid_request_error",
    )


async def test_an_answer_and_its_probabilities(client: openai.AsyncOpenAI) -> None:
    asked: dict[str, Any] = {"model": MODEL, "messages": ASKED, "max_tokens": 4, "temperature": 0, "logit_bias": NO_END}
    reply = await client.chat.completions.create(**asked, logprobs=True, top_logprobs=2)
    (choice,) = reply.choices
    assert choice.message.content
    assert choice.finish_reason == "length"
    assert reply.usage is not None
    assert reply.usage.completion_tokens == 4
    assert choice.logprobs is not None
    tokens = choice.logprobs.content or []
    assert len(tokens) == 4
    assert all(token.logprob <= 0 and len(token.top_logprobs) == 2 for token in tokens)
    assert "".join(token.token for token in tokens) == choice.message.content
    assert (await client.chat.completions.create(**asked)).choices[0].logprobs is None


async def test_streams_of_two_clients_at_once(client: openai.AsyncOpenAI) -> None:
    async def ask(limit: int) -> int:
        options: Any = {"include_usage": True}
        stream = await client.chat.completions.create(
            model=MODEL,
            messages=ASKED,
            max_tokens=limit,
            temperature=0,
            logit_bias=NO_END,
            stream=True,
            stream_options=options,
            logprobs=True,
        )
        said, tokens = 0, 0
        async for chunk in stream:
            for choice in chunk.choices:
                said += bool(choice.delta.content)
                tokens += len(choice.logprobs.content or []) if choice.logprobs else 0
            usage = chunk.usage
        assert said
        assert usage is not None
        assert tokens == usage.completion_tokens
        return usage.completion_tokens

    assert list(await asyncio.gather(ask(3), ask(5))) == [3, 5]


async def test_a_tool_is_called(client: openai.AsyncOpenAI) -> None:
    tools: Any = TOOLS["tools"]
    reply = await client.chat.completions.create(
        model=MODEL, messages=ASKED, tools=tools, tool_choice="required", max_tokens=80
    )
    assert reply.choices[0].finish_reason == "tool_calls"
    (call,) = reply.choices[0].message.tool_calls or []
    assert call.type == "function"
    assert "a" in json.loads(call.function.arguments)


async def test_a_bare_completion_goes_on_with_the_text(client: openai.AsyncOpenAI) -> None:
    asked: dict[str, Any] = {"model": MODEL, "prompt": "one two three", "max_tokens": 3, "logit_bias": NO_END}
    asked["temperature"] = 0
    whole = await client.completions.create(**asked)
    assert whole.usage is not None
    assert whole.usage.prompt_tokens == whole.usage.completion_tokens == 3
    assert whole.choices[0].finish_reason == "length"
    said = [chunk.choices[0].text async for chunk in await client.completions.create(**asked, stream=True)]
    assert "".join(said) == whole.choices[0].text != ""


async def test_what_cannot_be_is_the_package_s_own_error(client: openai.AsyncOpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match="nobody"):
        await client.chat.completions.create(model="nobody", messages=ASKED)
    with pytest.raises(openai.BadRequestError, match="too long"):
        await client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": "blah " * 600}])
    with pytest.raises(openai.BadRequestError, match="top_logprobs"):
        await client.chat.completions.create(model=MODEL, messages=ASKED, logprobs=True, top_logprobs=99)
