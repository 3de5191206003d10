"""A loaded model: the real engine with the real packaged model, used, misused, killed."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import psutil
import pytest
import pytest_asyncio

from lmchat.engine.logstream import LogStream
from lmchat.engine.models.catalog import Catalog
from lmchat.engine.models.instance import LoadOrder, worker_options
from lmchat.engine.models.instances import Instances
from lmchat.engine.prediction.generate import Answer
from lmchat.engine.prediction.tally import Tally
from lmchat.engine.serving.channel import ServerChannel
from lmchat.engine.uploads import Uploads
from lmchat.engine.worker.completion import (
    CompletionError,
    ContextExceededError,
    Finished,
    FinishReason,
    LlamaChunk,
    PromptProgress,
    TextDelta,
)
from lmchat.engine.worker.errors import WorkerDiedError, WorkerHungError, WorkerStartError
from lmchat.engine.worker.llama import LlamaWorker
from lmchat.engine.worker.protocol import WorkerOptions
from lmchat.protocol import endpoints as wire
from lmchat.protocol.kvconfig import prediction_stack
from lmchat.values.config import LlmPredictionConfig
from lmchat.values.errors import EngineError
from lmchat.values.model import LlmInfo
from tests.engine.engines import ENDLESS as GRAMMAR, place_model

pytestmark = pytest.mark.asyncio(loop_scope="module")

ROOT = Path(__file__).parents[2]
QUESTION = [{"role": "system", "content": "You are brief."}, {"role": "user", "content": "Count from one to fifty."}]
ENDLESS = {"n_predict": -1, "ignore_eos": True}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def worker(packaged_model: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[LlamaWorker]:
    """One worker for all tests that leave it as it was."""
    log = tmp_path_factory.mktemp("worker") / "worker.log"
    async with aclosing(await LlamaWorker.start(WorkerOptions(model_path=str(packaged_model)), log=log)) as running:
        yield running


async def collect(stream: AsyncGenerator[LlamaChunk]) -> list[LlamaChunk]:
    return [chunk async for chunk in stream]


def text_of(chunks: list[LlamaChunk]) -> str:
    return "".join(chunk.text for chunk in chunks if isinstance(chunk, TextDelta))


def finish(chunks: list[LlamaChunk]) -> Finished:
    assert isinstance(chunks[-1], Finished)
    assert not any(isinstance(chunk, Finished) for chunk in chunks[:-1])
    return chunks[-1]


def children() -> set[int]:
    return {child.pid for child in psutil.Process().children()}


async def until(condition: Callable[[], bool], *, seconds: float) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - processes have no event to wait for
            await asyncio.sleep(0.02)


async def first_delta(stream: AsyncGenerator[LlamaChunk]) -> TextDelta:
    async for chunk in stream:
        if isinstance(chunk, TextDelta):
            return chunk
    raise AssertionError("the stream ended without text")


async def test_an_answer_streams_with_true_token_counts(worker: LlamaWorker) -> None:
    prompt = await worker.apply_template(QUESTION)
    chunks = await collect(worker.complete(prompt, {"n_predict": 24, "ignore_eos": True, "cache_prompt": False}))
    end = finish(chunks)
    deltas = [chunk for chunk in chunks if isinstance(chunk, TextDelta)]
    assert all(delta.text and delta.tokens > 0 for delta in deltas)
    assert len(deltas) > 10
    assert end.predicted_tokens == 24 == end.timings.predicted_n
    assert 20 <= sum(delta.tokens for delta in deltas) <= 24
    assert end.reason is FinishReason.TOKEN_LIMIT
    assert end.prompt_tokens == len(await worker.tokenize(prompt)) == end.timings.prompt_n
    assert end.timings.predicted_ms > 0


async def test_prompt_progress_reaches_its_total_before_the_first_text(worker: LlamaWorker) -> None:
    chunks = await collect(worker.complete("word " * 300, {"n_predict": 1, "cache_prompt": False}))
    progress = [chunk for chunk in chunks if isinstance(chunk, PromptProgress)]
    assert len(progress) >= 3
    assert [step.processed for step in progress] == sorted(step.processed for step in progress)
    assert progress[-1].cached + progress[-1].processed == progress[-1].total == finish(chunks).prompt_tokens
    assert chunks[: len(progress)] == progress


async def test_what_was_asked_before_comes_from_the_cache(worker: LlamaWorker) -> None:
    prompt = await worker.apply_template([*QUESTION, {"role": "user", "content": "In Latin."}])
    await collect(worker.complete(prompt, {"n_predict": 1}))
    chunks = await collect(worker.complete(prompt, {"n_predict": 1}))
    assert finish(chunks).timings.cache_n > 0
    assert next(chunk for chunk in chunks if isinstance(chunk, PromptProgress)).cached > 0


async def test_the_model_ends_by_itself(worker: LlamaWorker) -> None:
    end = finish(await collect(worker.complete("x", {"grammar": 'root ::= "so be it"'})))
    assert end.reason is FinishReason.END_OF_TEXT


async def test_a_stop_string_is_named_and_left_out(worker: LlamaWorker) -> None:
    sampling = {"grammar": 'root ::= "one two three four"', "stop": ["nine", "three"]}
    chunks = await collect(worker.complete("x", sampling))
    assert text_of(chunks) == "one two "
    assert (finish(chunks).reason, finish(chunks).stop_string) == (FinishReason.STOP_STRING, "three")


async def test_a_schema_holds(worker: LlamaWorker) -> None:
    chunks = await collect(worker.complete("x", {"json_schema": {"enum": ["yes", "no"]}, "n_predict": 100}))
    assert json.loads(text_of(chunks)) in ("yes", "no")


async def test_text_with_other_line_ends_comes_whole(worker: LlamaWorker) -> None:
    chunks = await collect(worker.complete("x", {"grammar": 'root ::= "a\\u2028b\\u0085c 日本 😀"'}))
    assert text_of(chunks) == "a\u2028b\u0085c 日本 😀"


async def test_a_chat_becomes_a_prompt_and_an_answer_begun_stays_open(worker: LlamaWorker) -> None:
    asked = await worker.apply_template(QUESTION)
    begun = await worker.apply_template([*QUESTION, {"role": "assistant", "content": "One, tw"}])
    assert begun == asked + "One, tw"


async def test_stopped_after_ten_tokens_the_worker_answers_again(worker: LlamaWorker) -> None:
    seen = 0
    async with aclosing(worker.complete("Once", ENDLESS)) as stream:
        async for chunk in stream:
            seen += chunk.tokens if isinstance(chunk, TextDelta) else 0
            if seen >= 10:
                break
    async with asyncio.timeout(10):
        assert finish(await collect(worker.complete("Twice", {"n_predict": 2}))).predicted_tokens == 2


async def test_stopped_while_it_reads_a_long_prompt_the_worker_answers_again(worker: LlamaWorker) -> None:
    async with aclosing(worker.complete("word " * 3500, {"cache_prompt": False})) as stream:
        assert isinstance(await anext(stream), PromptProgress)
    async with asyncio.timeout(10):
        chunks = await collect(worker.complete("Twice", {"n_predict": 2}))
    assert finish(chunks).predicted_tokens == 2


async def test_a_cancelled_task_frees_the_worker(worker: LlamaWorker) -> None:
    stream = worker.complete("Once", ENDLESS)
    await first_delta(stream)
    rest = asyncio.create_task(collect(stream))
    await asyncio.sleep(0)
    rest.cancel()
    with pytest.raises(asyncio.CancelledError):
        await rest
    async with asyncio.timeout(10):
        assert finish(await collect(worker.complete("Twice", {"n_predict": 1}))).predicted_tokens == 1


async def test_a_prompt_too_long_says_by_how_much(worker: LlamaWorker) -> None:
    with pytest.raises(ContextExceededError) as caught:
        await collect(worker.complete("word " * 5000))
    assert caught.value.prompt_tokens >= 5000
    assert caught.value.context_length == worker.options.context_length == 4096


@pytest.mark.parametrize(
    "sampling",
    [{"temperature": "hot"}, {"stop": [5]}, {"grammar": "root ::= missing"}, {"json_schema": {"type": "objekt"}}],
)
async def test_a_bad_request_is_refused_and_the_worker_lives(worker: LlamaWorker, sampling: dict[str, object]) -> None:
    with pytest.raises(CompletionError) as caught:
        await collect(worker.complete("x", sampling))
    assert caught.value.status == 400
    assert worker.returncode is None


async def test_a_full_context_is_not_the_callers_limit(packaged_model: Path, tmp_path: Path) -> None:
    options = WorkerOptions(model_path=str(packaged_model), context_length=256)
    async with aclosing(await LlamaWorker.start(options, log=tmp_path / "log")) as small:
        chunks = await collect(small.complete("word " * 240, ENDLESS))
    assert finish(chunks).reason is FinishReason.CONTEXT_FULL


async def test_the_context_is_no_longer_than_the_model_was_made_for(packaged_model: Path, tmp_path: Path) -> None:
    options = WorkerOptions(model_path=str(packaged_model), context_length=1_000_000)
    async with aclosing(await LlamaWorker.start(options, log=tmp_path / "log")) as running:
        assert running.options.context_length == 8192


async def test_closing_leaves_no_process_and_no_answers(packaged_model: Path, tmp_path: Path) -> None:
    running = await LlamaWorker.start(WorkerOptions(model_path=str(packaged_model)), log=tmp_path / "log")
    await running.aclose()
    await running.aclose()
    assert running.returncode == 0
    assert not psutil.pid_exists(running.pid)
    with pytest.raises(WorkerDiedError):
        await collect(running.complete("x"))


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
async def test_killed_in_the_middle_it_is_a_dead_worker_and_not_a_bad_request(
    packaged_model: Path, tmp_path: Path
) -> None:
    options = WorkerOptions(model_path=str(packaged_model))
    async with aclosing(await LlamaWorker.start(options, log=tmp_path / "log")) as running:
        stream = running.complete("Once", ENDLESS)
        await first_delta(stream)
        os.kill(running.pid, signal.SIGKILL)
        with pytest.raises(WorkerDiedError, match="SIGKILL") as caught:
            await collect(stream)
        assert caught.value.returncode == running.returncode == -signal.SIGKILL
        with pytest.raises(WorkerDiedError):
            await running.tokenize("x")


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
async def test_a_worker_that_hangs_is_ended(
    packaged_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lmchat.engine.worker.llama.PATIENCE", 1.0 - 64.0)
    options = WorkerOptions(model_path=str(packaged_model), batch_size=128)
    async with aclosing(await LlamaWorker.start(options, log=tmp_path / "log")) as running:
        stream = running.complete("Once", ENDLESS)
        await first_delta(stream)
        os.kill(running.pid, signal.SIGSTOP)
        with pytest.raises(WorkerHungError, match="said nothing"):
            await collect(stream)
        async with asyncio.timeout(5):
            assert await running.wait() == -signal.SIGKILL


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
async def test_an_answer_of_a_hung_worker_fails_and_the_next_one_has_a_new_worker(
    packaged_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lmchat.engine.worker.llama.PATIENCE", 1.0 - 64.0)
    place_model(packaged_model, tmp_path / "one.gguf")
    (entry,) = Catalog(tmp_path).entries()

    async def start(order: LoadOrder) -> LlamaWorker:
        return await LlamaWorker.start(worker_options(order), log=tmp_path / "log")

    instances = Instances(start, default_context=256)
    packets: list[Any] = []

    async def transmit(packet: Any) -> None:
        packets.append(packet)
        if isinstance(packet, wire.Fragment):
            os.kill(instance.worker.pid, signal.SIGSTOP)

    async with instances.loading(instances.order(entry)) as load:
        instance = await load.done()
    stack = prediction_stack(LlmPredictionConfig(structured=GRAMMAR))
    request = wire.CompleteRawText(
        model_specifier=wire.by_identifier("one"), raw_prompt="Once", prediction_config_stack=stack
    )
    try:
        await Answer(instance, request, ServerChannel(transmit), Tally(), Uploads(), LogStream()).give()
        assert packets[-1].stats.stop_reason == "failed"
        assert packets[-1].stats.predicted_tokens_count >= 1
        await until(lambda: not instances.loaded(LlmInfo), seconds=5)
        revived = await instances.revived(wire.by_identifier("one"), LlmInfo)
        assert revived is not None
        assert await revived.worker.tokenize("one two")
    finally:
        await instances.aclose()


async def test_a_start_that_is_cancelled_leaves_no_process(packaged_model: Path, tmp_path: Path) -> None:
    before = children()
    start = asyncio.create_task(LlamaWorker.start(WorkerOptions(model_path=str(packaged_model)), log=tmp_path / "log"))
    await until(lambda: children() != before, seconds=10)
    start.cancel()
    with pytest.raises(asyncio.CancelledError):
        await start
    assert children() == before


PARENT = """
import asyncio, sys
from pathlib import Path
from lmchat.engine.worker.llama import LlamaWorker
from lmchat.engine.worker.protocol import WorkerOptions

async def main():
    worker = await LlamaWorker.start(WorkerOptions(model_path=sys.argv[1]), log=Path(sys.argv[2]))
    print(worker.pid, flush=True)
    async for _ in worker.complete("Once", {"n_predict": -1, "ignore_eos": True}):
        pass
    await asyncio.sleep(600)

asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
async def test_the_worker_goes_when_its_parent_is_killed(packaged_model: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-c", PARENT, str(packaged_model), str(tmp_path / "log")]
    parent = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=subprocess.PIPE)
    assert parent.stdout is not None
    orphan = psutil.Process(int(await parent.stdout.readline()))
    parent.kill()
    await parent.wait()
    await until(lambda: not orphan.is_running() or orphan.status() == psutil.STATUS_ZOMBIE, seconds=2)


async def test_a_file_that_is_no_model_starts_no_process(tmp_path: Path) -> None:
    model = tmp_path / "model.gguf"
    model.write_bytes(b"GGML" + bytes(100))
    with pytest.raises(EngineError, match=r"model\.gguf.*no GGUF"):
        await LlamaWorker.start(WorkerOptions(model_path=str(model)), log=tmp_path / "log")
    assert not (tmp_path / "log").exists()


async def test_a_truncated_model_says_why_it_does_not_load(packaged_model: Path, tmp_path: Path) -> None:
    model = tmp_path / "half.gguf"
    with packaged_model.open("rb") as whole:
        model.write_bytes(whole.read(8_000_000))
    with pytest.raises(WorkerStartError, match=r"half\.gguf does not load: .*(bounds|corrupt|incomplete)") as caught:
        await LlamaWorker.start(WorkerOptions(model_path=str(model)), log=tmp_path / "log")
    assert caught.value.stage == "load"


@pytest.mark.parametrize(
    ("engine", "stage", "words"),
    [
        ('raise ImportError("libgomp.so.1: cannot open shared object file")', "import", "libgomp1"),
        ("raise ModuleNotFoundError(\"No module named 'xllamacpp'\")", "import", "not installed"),
        ('raise ImportError("wrong ELF class")', "import", "wrong ELF class"),
        (
            "import os, sys; print('GGML_ASSERT(x) failed', file=sys.stderr, flush=True); os._exit(3)",
            "process",
            "GGML_",
        ),
    ],
)
async def test_an_engine_that_cannot_be_loaded_says_what_to_do(
    engine: str, stage: str, words: str, packaged_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "xllamacpp.py").write_text(engine)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(WorkerStartError, match=words) as caught:
        await LlamaWorker.start(WorkerOptions(model_path=str(packaged_model)), log=tmp_path / "log")
    assert caught.value.stage == stage


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
async def test_an_old_processor_is_named_as_the_cause(
    packaged_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_core_file = "import resource; resource.setrlimit(resource.RLIMIT_CORE, (0, 0))"
    (tmp_path / "xllamacpp.py").write_text(f"{no_core_file}\nimport os, signal\nos.kill(os.getpid(), signal.SIGILL)\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(WorkerStartError, match="processor is too old"):
        await LlamaWorker.start(WorkerOptions(model_path=str(packaged_model)), log=tmp_path / "log")


async def test_what_lies_in_the_working_directory_is_not_run(
    packaged_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "msgspec.py").write_text("raise SystemExit('this is not ours')")
    monkeypatch.chdir(tmp_path)
    options = WorkerOptions(model_path=str(packaged_model))
    async with aclosing(await LlamaWorker.start(options, log=tmp_path / "log")) as running:
        assert running.returncode is None
