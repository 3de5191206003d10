"""Engine processes and their clients, as tests use them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import msgspec
import psutil

from lmchat.client.address import ServerAddress
from lmchat.client.lmstudio import LMStudioBackend
from lmchat.protocol.auth import Credentials
from lmchat.protocol.child_process import EngineAnswer, EngineFailed, EngineOptions, EngineReady
from lmchat.values.chat import Chat
from lmchat.values.config import LlmPredictionConfig
from lmchat.values.prediction import PredictionEvent, PredictionFinished

MODEL = "smollm2-135m-instruct"
EMBEDDER = f"text-embedding-{MODEL}"
"""The same file, as a model of another kind."""
CONTEXT = 512
"""Tokens, of the shared engine: what fills it up is read in a few seconds."""
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class EngineProcess:
    """An engine that runs as a process of its own."""

    process: subprocess.Popen[bytes]
    answer: EngineAnswer

    @property
    def address(self) -> ServerAddress:
        assert isinstance(self.answer, EngineReady)
        return ServerAddress(self.answer.host, self.answer.port)

    @property
    def stdin(self) -> IO[bytes]:
        assert self.process.stdin is not None
        return self.process.stdin

    def children(self) -> list[psutil.Process]:
        children: list[psutil.Process] = psutil.Process(self.process.pid).children(recursive=True)
        return children


@contextmanager
def running_engine(options: EngineOptions) -> Iterator[EngineProcess]:
    """Start an engine process, and see to it that nothing of it is left."""
    command = [sys.executable, "-m", "lmchat.engine"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT)
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    with process:
        try:
            process.stdin.write(msgspec.json.encode(options) + b"\n")
            process.stdin.flush()
            yield EngineProcess(process, msgspec.json.decode(process.stdout.readline(), type=EngineAnswer))
        finally:
            if not process.stdin.closed:
                process.stdin.close()
            try:
                process.wait(5)
            finally:
                process.kill()
            assert process.stdout.read() == b""
            assert process.stderr.read() == b""


def fails_to_start(options: EngineOptions) -> str:
    """What an engine process says that cannot start."""
    with running_engine(options) as engine:
        assert isinstance(engine.answer, EngineFailed)
        assert engine.process.wait(5) == 1
        return engine.answer.message


def place_model(model: Path, place: Path) -> None:
    """Put a model file somewhere, by a link where the system has them."""
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        place.symlink_to(model)
    except OSError:
        shutil.copyfile(model, place)


@asynccontextmanager
async def client_of(engine: EngineProcess) -> AsyncIterator[LMStudioBackend]:
    """A client of an engine."""
    backend = LMStudioBackend(engine.address, Credentials.guest())
    try:
        yield backend
    finally:
        await backend.aclose()


async def answer(
    backend: LMStudioBackend,
    history: str | Chat,
    config: LlmPredictionConfig,
    *,
    model: str = MODEL,
    cancel_when: Callable[[PredictionEvent], bool] | None = None,
) -> tuple[list[PredictionEvent], PredictionFinished]:
    """All events of a prediction but the last, and the last."""
    stream = await backend.predict(model, Chat.from_history(history), config)
    events: list[PredictionEvent] = []
    try:
        while True:
            for event in await stream.take():
                if isinstance(event, PredictionFinished):
                    return events, event
                events.append(event)
                if cancel_when is not None and cancel_when(event):
                    await stream.cancel()
    finally:
        await stream.aclose()


def grammar(text: str) -> dict[str, Any]:
    """The option that lets a model say only what a GBNF grammar allows."""
    return {"type": "gbnf", "gbnfGrammar": text}


ENDLESS = grammar('root ::= "ab " root')
