"""The engine as a child: it starts, it ends with its starter's word, and a start that fails is said in words."""

from __future__ import annotations

import socket
import sys

import pytest

from lmchat.app import engine_process, paths
from lmchat.app.engine_process import EngineProcess
from lmchat.client.discovery import probe
from lmchat.protocol import child_process
from lmchat.protocol.child_process import EngineOptions
from lmchat.protocol.discovery import LOCAL_HOST
from lmchat.values.errors import EngineError
from tests.app.conftest import engines

pytestmark = pytest.mark.usefixtures("no_process_left")


@pytest.fixture
def options() -> EngineOptions:
    """Those of an engine on any port, with folders of its own."""
    return EngineOptions(models_folder=str(paths.models_dir()), logs_folder=str(paths.log_dir()), port=0)


def start_instead(monkeypatch: pytest.MonkeyPatch, *command: str) -> None:
    monkeypatch.setattr(child_process, "command", lambda module: list(command))


async def test_it_listens_when_it_has_started_and_is_gone_when_it_is_closed(options: EngineOptions) -> None:
    others = engines()
    engine = await EngineProcess.start(options)
    (process,) = [process for process in engines() if process not in others]
    try:
        assert await probe(engine.address) == "server"
    finally:
        await engine.close()
    assert not process.is_running()
    assert await probe(engine.address) == "silent"


async def test_a_start_that_the_engine_itself_gives_up(options: EngineOptions) -> None:
    with socket.create_server((LOCAL_HOST, 0)) as taken:
        port: int = taken.getsockname()[1]
        with pytest.raises(EngineError, match=f"{port} is in use"):
            await EngineProcess.start(
                EngineOptions(models_folder=options.models_folder, logs_folder=options.logs_folder, port=port)
            )


@pytest.mark.parametrize("program", ["pass", "print('what?')", "import os; os.close(0); os._exit(1)"])
async def test_an_engine_that_dies_at_once(
    options: EngineOptions, monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    start_instead(monkeypatch, sys.executable, "-c", program)
    with pytest.raises(EngineError, match="ended as it started") as caught:
        await EngineProcess.start(options)
    assert options.logs_folder in str(caught.value)


async def test_an_engine_that_never_says_a_word(options: EngineOptions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_process, "_START_TIMEOUT", 0.2)
    monkeypatch.setattr(engine_process, "_END_TIMEOUT", 0.2)
    start_instead(monkeypatch, sys.executable, "-c", "import time; time.sleep(60)")
    with pytest.raises(EngineError, match="did not start within"):
        await EngineProcess.start(options)


async def test_a_program_that_is_not_there(options: EngineOptions, monkeypatch: pytest.MonkeyPatch) -> None:
    start_instead(monkeypatch, "/no/such/python")
    with pytest.raises(EngineError, match="cannot be started"):
        await EngineProcess.start(options)
