"""The engine as a process: what it says, how it ends, and that nothing of it stays."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import lmstudio as sdk
import msgspec
import psutil
import pytest

from lmchat.client.lmstudio import LMStudioBackend
from lmchat.protocol.auth import Credentials, new_token
from lmchat.protocol.child_process import EngineOptions, EngineReady
from lmchat.protocol.discovery import LOCAL_HOST
from lmchat.values.errors import LMStudioServerError
from tests.engine.engines import EMBEDDER, MODEL, ROOT, EngineProcess, client_of, fails_to_start, running_engine


@pytest.fixture
def own_options(engine_options: EngineOptions, tmp_path: Path) -> EngineOptions:
    """Those of an engine that loads the model, and logs to a folder of its own."""
    return msgspec.structs.replace(engine_options, logs_folder=str(tmp_path / "logs"), preload=True, context_length=256)


def loaded(engine: EngineProcess) -> list[psutil.Process]:
    """Wait for the preload as any early client does, and give the workers."""
    with sdk.Client(str(engine.address)) as client:
        assert [model.identifier for model in client.llm.list_loaded()] == [MODEL]
    workers = [child for child in engine.children() if "lmchat.engine.worker" in child.cmdline()]
    assert len(workers) == 1
    return workers


def all_gone_within(seconds: float, processes: list[psutil.Process]) -> bool:
    deadline = time.monotonic() + seconds
    while any(is_alive(process) for process in processes):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def is_alive(process: psutil.Process) -> bool:
    """An ended process whose parent has not looked yet is a zombie."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def test_closed_standard_input_ends_it_and_its_workers(own_options: EngineOptions) -> None:
    with running_engine(own_options) as engine:
        processes = [*loaded(engine), psutil.Process(engine.process.pid)]
        engine.stdin.close()
        assert all_gone_within(2.0, processes)
        assert engine.process.wait() == 0
    logs = Path(own_options.logs_folder)
    assert [log.name for log in logs.iterdir()] == ["engine.log"]


def test_a_killed_engine_takes_its_workers_along(own_options: EngineOptions) -> None:
    with running_engine(own_options) as engine:
        workers = loaded(engine)
        engine.process.kill()
        assert all_gone_within(2.0, workers)


def test_a_starter_that_is_killed_leaves_nothing(own_options: EngineOptions) -> None:
    script = (
        "import subprocess, sys, time\n"
        "engine = subprocess.Popen([sys.executable, '-m', 'lmchat.engine'], stdin=subprocess.PIPE, stdout=1)\n"
        "engine.stdin.write(sys.stdin.buffer.readline()); engine.stdin.flush()\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT
    ) as starter:
        assert starter.stdin is not None
        assert starter.stdout is not None
        starter.stdin.write(msgspec.json.encode(own_options) + b"\n")
        starter.stdin.flush()
        ready = msgspec.json.decode(starter.stdout.readline(), type=EngineReady)
        family = EngineProcess(starter, ready)
        processes = [*loaded(family), *family.children()]
        assert len(processes) == 3
        starter.kill()
        assert all_gone_within(2.0, processes)


@pytest.mark.skipif(sys.platform == "win32", reason="a Windows process cannot be asked to end by a signal")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_end_it_in_order(own_options: EngineOptions, number: int) -> None:
    with running_engine(own_options) as engine:
        processes = [*loaded(engine), psutil.Process(engine.process.pid)]
        engine.process.send_signal(number)
        assert all_gone_within(2.0, processes)
        assert engine.process.wait() == 0


def test_it_ends_in_the_middle_of_a_load(own_options: EngineOptions) -> None:
    with running_engine(own_options) as engine:
        processes = [*engine.children(), psutil.Process(engine.process.pid)]
        engine.stdin.close()
        assert all_gone_within(2.0, processes)


def test_a_port_of_ones_own(own_options: EngineOptions) -> None:
    with socket.create_server((LOCAL_HOST, 0)) as taken:
        port: int = taken.getsockname()[1]
        assert f"Port {port} is in use" in fails_to_start(msgspec.structs.replace(own_options, port=port))
    options = msgspec.structs.replace(own_options, port=port, preload=False)
    with running_engine(options) as engine:
        assert engine.address.port == port
    assert "no port" in fails_to_start(msgspec.structs.replace(own_options, port=70000))


def test_a_token_that_is_none(own_options: EngineOptions) -> None:
    assert "API token" in fails_to_start(msgspec.structs.replace(own_options, api_token="hunter2"))


async def test_only_holders_of_the_token_are_let_in(own_options: EngineOptions) -> None:
    token = new_token()
    with running_engine(msgspec.structs.replace(own_options, api_token=token, preload=False)) as engine:
        holder = LMStudioBackend(engine.address, Credentials.from_token(token))
        assert await holder.loaded() == []
        await holder.aclose()
        async with client_of(engine) as stranger:
            with pytest.raises(LMStudioServerError, match="needs an API token"):
                await stranger.loaded()


def test_options_that_make_no_sense() -> None:
    command = [sys.executable, "-m", "lmchat.engine"]
    done = subprocess.run(command, input=b"[]\n", capture_output=True, cwd=ROOT, timeout=20, check=False)
    assert done.returncode == 1
    assert msgspec.json.decode(done.stdout)["event"] == "error"
    assert done.stderr == b""


async def test_a_model_of_ones_own_comes_first(own_options: EngineOptions, packaged_model: Path) -> None:
    options = msgspec.structs.replace(own_options, model_paths=(str(packaged_model),), models_folder="nowhere")
    with running_engine(options) as engine:
        async with client_of(engine) as backend:
            (info,) = await backend.loaded()
            assert info.path.endswith(packaged_model.name)


async def test_an_engine_without_a_model_serves_all_the_same(own_options: EngineOptions, tmp_path: Path) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"not a model")
    options = msgspec.structs.replace(own_options, model_paths=(str(broken),))
    with running_engine(options) as engine:
        async with client_of(engine) as backend:
            assert await backend.loaded() == []
            assert [info.model_key for info in await backend.downloaded()] == [MODEL, EMBEDDER]
    log = (Path(options.logs_folder) / "engine.log").read_text()
    assert "no model was loaded at start" in log
    assert "broken.gguf" in log
