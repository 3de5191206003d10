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
