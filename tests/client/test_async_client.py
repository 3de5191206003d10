"""The asynchronous client against a server that follows a script."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import lmchat as lms
from lmchat.client import lmstudio
from lmchat.protocol.errors import failure
from tests.scripted_server import STATS, Scene, fragment, progress, scripted_server, success


async def hello(scene: Scene) -> None:
    await scene.say("Hello there you")


async def test_a_whole_answer_with_its_figures() -> None:
    async with scripted_server(hello) as server, lms.AsyncClient(server.host) as client:
        model = await client.llm.model()
        result = await model.respond("hi", config={"maxTokens": 5})
    assert (str(result), result.content) == ("Hello there you", "Hello there you")
    assert result.model_info is not None
    assert result.model_info.display_name == "Scripted Model"
    assert result.stats.stop_reason == "eosFound"
    assert result.stats.predicted_tokens_count == 3
    assert result.stats.time_to_first_token_sec == STATS["timeToFirstTokenSec"]
    assert result.load_config.context_length == 4096
    asked = server.scenes[0].parameter
    assert asked["history"] == {"messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}]}
    assert asked["modelSpecifier"] == {"type": "query", "query": {"identifier": "scripted-model"}}


async def test_a_stream_may_be_awaited_first_or_iterated_at_once() -> None:
    async with scripted_server(hello) as server, lms.AsyncClient(server.host) as client:
        model = await client.llm.model("scripted-model")
        at_once = [fragment.content async for fragment in model.respond_stream("hi")]
        stream = await model.respond_stream("hi")
        awaited = [fragment.content async for fragment in stream]
        async with model.respond_stream("hi") as entered:
            inside = [fragment.content async for fragment in entered]
    assert at_once == awaited == inside == ["Hello ", "there ", "you"]
    assert stream.result().content == "Hello there you"
    assert stream.stats is not None


async def test_callbacks_come_in_order_and_a_failing_one_ends_nothing() -> None:
    heard: list[Any] = []

    def fail(fragment: lms.LlmPredictionFragment) -> None:
        heard.append(fragment.content)
        raise RuntimeError("my own fault")

    chat = lms.Chat()
    chat.add_user_message("hi")
    async with scripted_server(hello) as server, lms.AsyncClient(server.host) as client:
        model = await client.llm.model()
        await model.respond(
            chat,
            on_message=chat.append,
            on_first_token=lambda: heard.append("first"),
            on_prediction_fragment=fail,
            on_prompt_processing_progress=heard.append,
        )
    assert heard == [0.0, 1.0, "first", "Hello ", "there ", "you"]
    assert isinstance(chat.messages[-1], lms.AssistantResponse)


async def test_progress_is_told_from_0_to_1_even_by_a_server_that_sends_none() -> None:
    async def no_progress(scene: Scene) -> None:
        await scene.send(fragment("x"), success())
        await scene.close()

    heard: list[float] = []
    async with scripted_server(no_progress) as server, lms.AsyncClient(server.host) as client:
        await (await client.llm.model()).respond("hi", on_prompt_processing_progress=heard.append)
    assert heard == [0.0, 1.0]


async def test_cancel_keeps_what_came() -> None:
    async def script(scene: Scene) -> None:
        await scene.say_until_cancelled("one two")

    async with scripted_server(script) as server, lms.AsyncClient(server.host) as client:
        stream = await (await client.llm.model()).respond_stream("count")
        seen = []
        async for piece in stream:
            seen.append(piece.content)
            if len(seen) == 2:
                await stream.cancel()
    assert stream.result().content == "one two "
    assert stream.result().stats.stop_reason == "userStopped"


async def test_leaving_a_stream_tells_the_server_to_stop() -> None:
    async def script(scene: Scene) -> None:
        await scene.say_until_cancelled("one two")

    async with scripted_server(script) as server, lms.AsyncClient(server.host) as client:
        async with (await client.llm.model()).respond_stream("count") as stream:
            async for _ in stream:
                break
        await asyncio.wait_for(server.scenes[0].cancelled.wait(), 5)
        with pytest.raises(lms.LMStudioCancelledError):
            stream.result()
        server.script = hello
        assert str(await (await client.llm.model()).respond("hi")) == "Hello there you"


async def test_a_result_is_not_there_before_the_end() -> None:
    async with scripted_server(hello) as server, lms.AsyncClient(server.host) as client:
        stream = (await client.llm.model()).respond_stream("hi")
        with pytest.raises(lms.LMStudioRuntimeError, match="not finished"):
            stream.result()
        await stream.wait_for_result()
        with pytest.raises(lms.LMStudioRuntimeError, match="started already"):
            await stream.start()


async def test_an_error_of_the_server_is_the_callers_and_the_next_call_works() -> None:
    async def script(scene: Scene) -> None:
        await scene.send(fragment("half"))
        await scene.fail(failure("It broke", suggestion="Try another."))

    async with scripted_server(script) as server, lms.AsyncClient(server.host) as client:
        model = await client.llm.model()
        stream = model.respond_stream("hi")
        with pytest.raises(lms.LMStudioServerError, match=r"Chat response error: It broke\nTry another\."):
            await stream.wait_for_result()
        with pytest.raises(lms.LMStudioServerError):
            stream.result()
        server.script = hello
        assert str(await model.respond("hi")) == "Hello there you"


async def test_a_channel_without_its_last_packet_is_an_error() -> None:
    async def script(scene: Scene) -> None:
        await scene.send(fragment("half"))
        await scene.close()

    async with scripted_server(script) as server, lms.AsyncClient(server.host) as client:
        with pytest.raises(lms.LMStudioChannelClosedError):
            await (await client.llm.model()).respond("hi")


async def test_packets_that_are_unknown_or_wrong_are_left_out() -> None:
    async def script(scene: Scene) -> None:
        await scene.send(
            {"type": "news"}, {"nonsense": 1}, fragment("a"), {"type": "fragment"}, fragment("b"), success()
        )
        await scene.close()

    async with scripted_server(script) as server, lms.AsyncClient(server.host) as client:
        assert str(await (await client.llm.model()).respond("hi")) == "ab"


async def test_a_lost_connection_is_an_error_and_the_next_call_connects_again() -> None:
    async def script(scene: Scene) -> None:
        await scene.send(fragment("half"))
        await scene.drop()

    async with scripted_server(script) as server, lms.AsyncClient(server.host) as client:
        model = await client.llm.model()
        with pytest.raises(lms.LMStudioWebsocketError, match="was lost"):
            await model.respond("hi")
        server.script = hello
        assert str(await model.respond("hi")) == "Hello there you"
        assert len(server.handshakes) == 2


async def test_a_server_that_does_not_stop_when_told_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    async def script(scene: Scene) -> None:
        await scene.send(progress(1.0), fragment("one"))
        await asyncio.Event().wait()

    monkeypatch.setattr(lmstudio, "CANCEL_TIMEOUT", 0.05)
    async with scripted_server(script) as server, lms.AsyncClient(server.host) as client:
        stream = await (await client.llm.model()).respond_stream("hi")
        with pytest.raises(lms.LMStudioTimeoutError, match="told to stop"):
            async for _ in stream:
                await stream.cancel()


async def test_a_model_is_loaded_on_request_with_its_progress_told() -> None:
    heard: list[float] = []
    async with scripted_server(hello) as server, lms.AsyncClient(server.host) as client:
        model = await client.llm.model("scripted-model", on_load_progress=heard.append)
        assert model.identifier == "scripted-model"
        assert heard == [0.0, 0.5, 1.0]
        with pytest.raises(lms.LMStudioModelNotFoundError):
            await client.llm.model("no-such-model")


async def test_without_a_loaded_model_there_is_none_to_talk_to() -> None:
    async with scripted_server(hello) as server, lms.AsyncClient(server.host) as client:
        server.loaded = []
        with pytest.raises(lms.LMStudioClientError, match="No model is loaded"):
            await client.llm.model()


async def test_lists_leave_out_what_they_do_not_know() -> None:
    async with scripted_server(hello) as server, lms.AsyncClient(server.host) as client:
        assert [info.model_key for info in await client.list_downloaded_models()] == ["scripted-model"]
        assert [model.identifier for model in await client.list_loaded_models()] == ["scripted-model"]


async def test_a_refused_handshake_says_why() -> None:
    async with scripted_server(hello) as server, lms.AsyncClient(server.host) as client:
        server.refuses = "wrong token"
        with pytest.raises(lms.LMStudioServerError, match=r"Authentication failed: .* wrong token"):
            await client.llm.model()


async def test_the_token_comes_from_the_argument_or_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LM_API_TOKEN", "sk-lm-abcdefgh:ABCDEFGHIJKLMNOPQRST")
    async with scripted_server(hello) as server:
        for token, identifier in [
            (None, "abcdefgh"),
            ("sk-lm-12345678:ABCDEFGHIJKLMNOPQRST", "12345678"),
            ("", "guest:"),
        ]:
            async with lms.AsyncClient(server.host, token) as client:
                await client.list_loaded_models()
            assert server.handshakes[-1].identifier.startswith(identifier)


async def test_no_server_and_a_foreign_server_are_told_apart() -> None:
    async with scripted_server(hello) as server:
        server.greets = False
        with pytest.raises(lms.LMStudioClientError, match="is not LM Studio"):
            async with lms.AsyncClient(server.host):
                pass
        assert not await lms.AsyncClient.is_valid_api_host(server.host)
        server.greets = True
        assert await lms.AsyncClient.is_valid_api_host(server.host)
        gone = server.host
    with pytest.raises(lms.LMStudioClientError, match="not reachable"):
        async with lms.AsyncClient(gone):
            pass


async def test_many_predictions_at_once_do_not_mix() -> None:
    async def echo(scene: Scene) -> None:
        await scene.say(scene.parameter["history"]["messages"][0]["content"][0]["text"])

    async with scripted_server(echo) as server, lms.AsyncClient(server.host) as client:
        model = await client.llm.model()
        texts = [f"{n} " * 20 for n in range(20)]
        answers = await asyncio.gather(*(model.respond(text) for text in texts))
    assert [str(answer) for answer in answers] == texts


async def test_no_task_is_left_when_a_client_closes() -> None:
    async with scripted_server(hello) as server:
        before = asyncio.all_tasks()
        async with lms.AsyncClient(server.host) as client:
            await (await client.llm.model()).respond("hi")
        await asyncio.sleep(0)
        assert {task for task in asyncio.all_tasks() - before if task.get_name().startswith("lmchat-")} == set()
