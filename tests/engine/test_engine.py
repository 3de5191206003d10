"""An engine run inside a program, as `lmchat serve` does it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import psutil

from lmchat.client.address import ServerAddress
from lmchat.client.lmstudio import LMStudioBackend
from lmchat.engine.engine import run
from lmchat.engine.events import EngineEvent, Listening, Preloaded, PreloadFailed, Preloading
from lmchat.protocol.auth import Credentials
from lmchat.protocol.child_process import Alias, EngineOptions
from tests.engine.engines import MODEL


@asynccontextmanager
async def running(options: EngineOptions) -> AsyncIterator[asyncio.Queue[EngineEvent]]:
    """Run an engine, give what it tells, and see that it ends within two seconds."""
    told: asyncio.Queue[EngineEvent] = asyncio.Queue()
    task = asyncio.create_task(run(options, told.put_nowait))
    try:
        async with asyncio.timeout(20):
            yield told
    finally:
        task.cancel()
        _, still_running = await asyncio.wait({task}, timeout=2)
        assert not still_running
        assert task.cancelled()


async def test_it_tells_what_it_does(engine_options: EngineOptions) -> None:
    before = len(psutil.Process().children())
    async with running(msgspec.structs.replace(engine_options, preload=True)) as told:
        listening = await told.get()
        assert isinstance(listening, Listening)
        assert listening.port > 0
        assert await told.get() == Preloading(MODEL)
        preloaded = await told.get()
        assert isinstance(preloaded, Preloaded)
        assert preloaded.info.identifier == MODEL
        assert preloaded.info.ttl_ms is None
    assert len(psutil.Process().children()) == before


async def test_a_model_under_another_name_can_be_the_one_that_is_loaded(engine_options: EngineOptions) -> None:
    options = msgspec.structs.replace(
        engine_options, preload=True, aliases={"mine": Alias(MODEL)}, preload_model="mine"
    )
    async with running(options) as told:
        assert isinstance(await told.get(), Listening)
        assert await told.get() == Preloading("mine")
        preloaded = await told.get()
        assert isinstance(preloaded, Preloaded)
        assert preloaded.info.identifier == "mine"
    async with running(msgspec.structs.replace(options, preload_model="lost")) as told:
        assert isinstance(await told.get(), Listening)
        failed = await told.get()
        assert isinstance(failed, PreloadFailed)
        assert "no model lost" in failed.message


async def test_without_any_model_it_says_so(engine_options: EngineOptions, tmp_path: Path) -> None:
    options = msgspec.structs.replace(engine_options, models_folder=str(tmp_path / "none"), preload=True)
    async with running(options) as told:
        assert isinstance(await told.get(), Listening)
        failed = await told.get()
        assert isinstance(failed, PreloadFailed)
        assert "no model" in failed.message


async def test_it_ends_while_clients_are_connected(engine_options: EngineOptions) -> None:
    async with running(engine_options) as told:
        listening = await told.get()
        assert isinstance(listening, Listening)
        backend = LMStudioBackend(ServerAddress(listening.host, listening.port), Credentials.guest())
        assert await backend.loaded() == []
    await backend.aclose()
