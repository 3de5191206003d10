"""The public interface as a user's type checker sees it. This is checked, never run."""

from __future__ import annotations

from pathlib import Path
from typing import Any, assert_type

import lmchat as lms


class Book(lms.BaseModel):
    title: str
    year: int = 1937


def on_progress(progress: float) -> None:
    print(f"{progress:.0%}")


def on_details(progress: lms.PromptProcessingProgress) -> None:
    if progress.details is not None:
        assert_type(progress.details.cached_token_count, int)


def answers(model: lms.LLM, chat: lms.Chat) -> None:
    result = model.respond(
        chat,
        config={"temperature": 0.6, "maxTokens": 50},
        preset="mine",
        on_message=chat.append,
        on_first_token=lambda: print("first"),
        on_prediction_fragment=lambda fragment: print(fragment.content),
        on_prompt_processing_progress=on_progress,
    )
    assert_type(result, lms.PredictionResult)
    assert_type(result.stats.time_to_first_token_sec, float | None)
    assert_type(result.model_info, lms.LlmInfo)
    assert_type(result.load_model_config, lms.LlmLoadModelConfig)
    with model.complete_stream("My name is", on_prompt_processing_progress=on_details) as stream:
        for fragment in stream:
            assert_type(fragment, lms.LlmPredictionFragment)
            assert_type(fragment.tokens, tuple[lms.FragmentToken, ...] | None)
    assert_type(stream.wait_for_result().content, str)
    typed = lms.LlmPredictionConfig(seed=7, log_probs=2, enable_thinking=False, raw={"llm.prediction.new": 1})
    model.complete("x", config=typed)


def structured(model: lms.LLM) -> None:
    for form in (Book, {"type": "object"}, {"type": "gbnf", "gbnfGrammar": 'root ::= "x"'}):
        parsed = model.respond("Tell me about The Hobbit", response_format=form).parsed
        assert_type(parsed, str | dict[str, Any])
    schema: lms.ResponseSchema = Book
    model.respond_stream("Tell me about The Hobbit", response_format=schema)


def models() -> None:
    model = lms.llm("qwen2.5-7b-instruct", ttl=3600, config={"contextLength": 8192, "gpuOffload": 0.5})
    assert_type(model, lms.LLM)
    assert_type(model.get_info(), lms.LlmInstanceInfo)
    assert_type(model.get_load_config(), lms.LlmLoadModelConfig)
    assert_type(model.tokenize("Hello"), list[int])
    assert_type(model.tokenize(["Hello", "world"]), list[list[int]])
    embedder = lms.embedding_model("nomic-embed-text-v1.5", config=lms.EmbeddingLoadModelConfig(context_length=512))
    assert_type(embedder.embed("Hello"), list[float])
    assert_type(embedder.embed(text for text in ("a", "b")), list[list[float]])
    assert_type(embedder.get_info(), lms.EmbeddingModelInstanceInfo)
    assert_type(lms.list_downloaded_models("embedding"), list[lms.DownloadedEmbeddingModel])
    assert_type(lms.list_loaded_models("llm"), list[lms.LLM])
    for downloaded in lms.list_downloaded_models():
        assert_type(downloaded, lms.DownloadedLlm | lms.DownloadedEmbeddingModel)
        if isinstance(downloaded, lms.DownloadedLlm):
            assert_type(downloaded.model(), lms.LLM)
            assert_type(downloaded.info.vision, bool)
    for loaded in lms.list_loaded_models():
        assert_type(loaded.identifier, str)
        loaded.unload()


def scoped() -> None:
    with lms.Client("localhost:1234", api_token="sk-lm-abcdefgh:ABCDEFGHIJKLMNOPQRST") as client:
        second = client.llm.load_new_instance(
            "qwen2.5-7b-instruct",
            "second",
            config=lms.LlmLoadModelConfig(gpu=lms.GpuSetting(ratio="max", main_gpu=0)),
            on_load_progress=on_progress,
        )
        assert_type(second, lms.LLM)
        assert_type(client.llm.estimate_usage("qwen2.5-7b-instruct").memory.total_bytes, float)
        assert_type(client.embedding.list_downloaded(), list[lms.DownloadedEmbeddingModel])
        image = client.files.prepare_image(Path("cat.png"))
        assert_type(image, lms.FileHandle)
        with Path("cat.png").open("rb") as opened:
            client.prepare_image(opened, name="cat.png")
        chat = lms.Chat()
        chat.add_user_message("What is this?", images=[image, lms.prepare_image(b"")])
        for found in client.repository.search_models("llama 3.2 1b", limit=5, compatibility_types=["gguf"]):
            for option in found.get_download_options():
                assert_type(option.download(lambda update: print(update.downloaded_bytes), lambda: None), str)
        for entry in client.diagnostics.stream_logs():
            if isinstance(entry.data, lms.LlmPredictionInputLog):
                print(entry.data.input)


async def asynchronous() -> None:
    async with lms.AsyncClient() as client:
        model = await client.llm.model()
        assert_type(model, lms.AsyncLLM)
        assert_type(await model.respond("Hello", response_format=Book), lms.PredictionResult)
        assert_type(await model.tokenize("Hello"), list[int])
        assert_type(await model.tokenize(["Hello"]), list[list[int]])
        async for fragment in model.complete_stream("My name is"):
            assert_type(fragment.content, str)
        embedder = await client.embedding.model("nomic-embed-text-v1.5")
        assert_type(await embedder.embed(["a"]), list[list[float]])
        for downloaded in await client.llm.list_downloaded():
            assert_type(await downloaded.load_new_instance(ttl=None), lms.AsyncLLM)
        assert_type(await client.files.prepare_image("cat.png"), lms.FileHandle)
        async for entry in client.diagnostics.stream_logs():
            assert_type(entry, lms.LogEntry)


def errors(model: lms.LLM) -> None:
    try:
        model.respond("Hello", config={"maxTokens": 5})
    except lms.LMStudioPresetNotFoundError as missing:
        assert_type(missing.server_error, dict[str, Any] | None)
    except (lms.LMStudioWebsocketError, TimeoutError):
        lms.set_sync_api_timeout(None)


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def tools(model: lms.LLM) -> None:
    described: lms.ToolFunctionDef = lms.ToolFunctionDef.from_callable(add, name="sum")
    written: lms.ToolFunctionDefDict = {
        "name": "sum-up",
        "description": "Add two numbers.",
        "parameters": {"a": int, "b": int},
        "implementation": add,
    }
    offered: list[lms.ToolDefinition] = [add, described, written]

    def completed(result: lms.PredictionRoundResult) -> None:
        assert_type(result.round_index, int)
        assert_type(result.content, str)

    def heard(message: lms.AssistantResponse | lms.ToolResultMessage) -> None:
        print(message)

    def invalid(error: lms.LMStudioPredictionError, request: lms.ToolCallRequest | None) -> str:
        return f"{request.name if request else 'a call'}: {error}"

    done = model.act(
        "What is 1 + 2?",
        offered,
        max_prediction_rounds=3,
        on_message=heard,
        on_prediction_completed=completed,
        handle_invalid_tool_request=invalid,
    )
    assert_type(done, lms.ActResult)
    assert_type(done.total_time_seconds, float)


def nothing() -> None:
    pass


def callbacks(model: lms.LLM) -> None:
    def heard(message: lms.AssistantResponse) -> None:
        print(message.content)

    on_message: lms.PredictionMessageCallback = heard
    on_first: lms.PredictionFirstTokenCallback = nothing
    on_fragment: lms.PredictionFragmentCallback = print
    on_prompt: lms.PromptProcessingCallback = on_details
    on_load: lms.ModelLoadingCallback = on_progress
    options: lms.PredictionOptions = {"on_message": on_message, "on_first_token": on_first}
    model.complete_stream("Hello", **options)
    stream = model.respond_stream("Hello", on_prediction_fragment=on_fragment)
    assert_type(stream, lms.PredictionStream)
    assert_type(stream.stats, lms.LlmPredictionStats | None)
    model.respond("Hello", on_prompt_processing_progress=on_prompt)
    lms.llm("a", on_load_progress=on_load)


def conversations() -> None:
    chat = lms.Chat.from_history({"messages": [{"role": "user", "content": "Hello"}]})
    assert_type(chat.copy(), lms.Chat)
    messages: list[lms.AnyChatMessage] = [
        lms.SystemPrompt((lms.TextData("Be brief."),)),
        lms.UserMessage((lms.TextData("Hello"),)),
        lms.AssistantResponse((lms.TextData("Hi"),)),
        lms.ToolResultMessage((lms.ToolCallResultData(content="2", tool_call_id="1"),)),
    ]
    for message in messages:
        chat.append(message)


def services(source: lms.LocalFileInput) -> None:
    lms.configure_default_client("localhost:1234")
    client = lms.get_default_client()
    assert_type(lms.get_sync_api_timeout(), float | None)
    assert_type(lms.prepare_file(source), lms.FileHandle)
    assert_type(lms.prepare_file(source).file_type, lms.FileType)
    estimate = client.llm.estimate_usage("a")
    assert_type(estimate, lms.ModelUsageEstimate)
    assert_type(estimate.memory, lms.MemoryUsage)
    on_update: lms.DownloadProgressCallback = print
    on_end: lms.DownloadFinalizedCallback = nothing
    found: lms.AvailableModel = client.repository.search_models("a")[0]
    option: lms.ModelDownloadOption = found.get_download_options()[0]
    assert_type(option.download(on_update, on_end), str)
    for entry in client.diagnostics.stream_logs():
        match entry.data:
            case lms.LlmPredictionOutputLog(stats=stats):
                assert_type(stats, lms.LlmPredictionStats | None)
            case lms.ServerLog() | lms.RuntimeLog():
                print(entry.timestamp)


async def later(client: lms.AsyncClient) -> None:
    stream = await (await client.llm.model()).respond_stream("Hello")
    assert_type(stream, lms.AsyncPredictionStream)
    await stream.cancel()
    embedder = await client.embedding.model()
    assert_type(embedder, lms.AsyncEmbeddingModel)
    found: lms.AsyncAvailableModel = (await client.repository.search_models("a"))[0]
    option: lms.AsyncModelDownloadOption = (await found.get_download_options())[0]
    assert_type(await option.download(), str)
    listed = await client.llm.list_downloaded()
    assert_type(listed, list[lms.AsyncDownloadedLlm])


def failures(model: lms.LLM) -> None:
    """The most special comes first; all are `LMStudioError`."""
    try:
        model.respond("Hello")
    except (lms.LMStudioModelNotFoundError, lms.LMStudioPredictionError, lms.LMStudioServerError) as told:
        assert_type(told.server_error, dict[str, Any] | None)
    except (lms.LMStudioTimeoutError, lms.LMStudioChannelClosedError, lms.LMStudioCancelledError):
        print("nothing came of it")
    except (lms.LMStudioValueError, lms.LMStudioRuntimeError, lms.LMStudioOSError, lms.LMStudioClientError):
        print("asked in a wrong way")
    except lms.LMStudioError:
        raise
