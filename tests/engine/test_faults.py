"""What goes wrong around an engine: it says so, keeps serving, and nothing of it is left."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import psutil
import pytest
from websockets.exceptions import ConnectionClosed

from lmchat.client.lmstudio import LMStudioBackend
from lmchat.engine.models.packaged import packaged_model_path
from lmchat.protocol.child_process import EngineOptions
from lmchat.values.config import LlmLoadModelConfig, LlmPredictionConfig
from lmchat.values.errors import LMStudioServerError
from tests.engine.engines import CONTEXT, ENDLESS, MODEL, EngineProcess, answer, client_of, place_model, running_engine
from tests.engine.wire import ANY_MODEL, session

FEW = LlmPredictionConfig(max_tokens=2, structured=ENDLESS)
MEGABYTE = 2**20


@pytest.fixture(scope="module")
def faulty(packaged_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    """An engine beside whose model lie files that are none, or too much of one."""
    models, logs = tmp_path_factory.mktemp("models"), tmp_path_factory.mktemp("logs")
    place_model(packaged_model, packaged_model_path(models))
    folder = models / "somebody" / "broken"
    folder.mkdir(parents=True)
    (folder / "noise.gguf").write_bytes(os.urandom(MEGABYTE))
    with packaged_model.open("rb") as whole:
        (folder / "truncated.gguf").write_bytes(whole.read(20 * MEGABYTE))
    huge = folder / "huge.gguf"
    shutil.copyfile(packaged_model, huge)
    # The file has a hole: it is said to be as long, and takes no more of the disk.
    os.truncate(huge, 8 * 10**12)
    options = EngineOptions(models_folder=str(models), logs_folder=str(logs), port=0, context_length=CONTEXT)
    with running_engine(msgspec.structs.replace(options, preload=True)) as engine:
        yield engine


async def load(backend: LMStudioBackend, key: str) -> None:
    async for _ in backend.load(key, LlmLoadModelConfig(), ttl=None):
        pass


async def serves(backend: LMStudioBackend) -> None:
    """The engine answers as if nothing had been."""
    await load(backend, MODEL)
    assert (await answer(backend, "Hi", FEW))[1].stats.stop_reason == "maxPredictedTokensReached"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("truncated", r"truncated\.gguf does not load"),
        ("huge", r"would take about 8000\.\d GB.*this machine has \d+\.\d GB\. Load a smaller model"),
        ("noise", "is no GGUF file"),
    ],
)
async def test_a_model_that_cannot_be_loaded_says_why(faulty: EngineProcess, name: str, said: str) -> None:
    async with client_of(faulty) as backend:
        key = next((info.model_key for info in await backend.downloaded() if name in info.path), name)
        with pytest.raises(LMStudioServerError, match=said):
            await load(backend, key)
        await serves(backend)
    assert len(faulty.children()) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not count open sockets this way")
async def test_clients_that_come_and_go_leave_nothing(faulty: EngineProcess) -> None:
    process = psutil.Process(faulty.process.pid)

    async def come_and_go() -> None:
        async with session(faulty) as wire:
            await wire.predict()
            await wire.packet("promptProcessingProgress")
            wire.socket.transport.abort()

    async with client_of(faulty) as backend:
        await serves(backend)
        await asyncio.gather(*(come_and_go() for _ in range(50)))
        await serves(backend)
        files, threads, memory = process.num_fds(), process.num_threads(), process.memory_info().rss
        await asyncio.gather(*(come_and_go() for _ in range(50)))
        await serves(backend)
        async with asyncio.timeout(30):
            while process.num_fds() > files + 2:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert process.num_threads() <= threads + 2
        assert process.memory_info().rss < memory + 30 * MEGABYTE
    assert len(faulty.children()) == 1


async def test_a_message_of_fifty_megabytes_is_answered(faulty: EngineProcess) -> None:
    parts = [{"type": "text", "text": "x" * (50 * MEGABYTE)}]
    parameter = {
        "specifier": ANY_MODEL,
        "history": {"messages": [{"role": "user", "content": parts}]},
        "opts": {},
        "predictionConfigStack": {"layers": []},
    }
    call = {"type": "rpcCall", "endpoint": "applyPromptTemplate", "callId": 1, "parameter": parameter}
    async with session(faulty) as wire, client_of(faulty) as backend:
        await wire.socket.send(json.dumps(call))
        async with asyncio.timeout(60):
            reply = json.loads(await wire.socket.recv(decode=True))
        assert len(reply["result"]["formatted"]) > 50 * MEGABYTE
        await serves(backend)


async def test_a_message_that_is_too_large_ends_its_socket_only(faulty: EngineProcess) -> None:
    async with session(faulty) as other, client_of(faulty) as backend:
        async with session(faulty) as wire:
            with pytest.raises(ConnectionClosed):
                await wire.socket.send("x" * (129 * MEGABYTE))
                async with asyncio.timeout(60):
                    await wire.socket.recv()
        assert await other.silent()
        await serves(backend)
