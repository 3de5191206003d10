"""The life of a worker process, seen from its parent: started, ready, watched, ended. Nothing of it is left behind."""

from __future__ import annotations

import asyncio
import os
import secrets
import subprocess
import sys
from asyncio.subprocess import Process
from pathlib import Path
from typing import Final

import msgspec

from lmchat.engine.worker.errors import (
    WorkerDiedError,
    worker_ended_while_loading,
    worker_lost,
    worker_not_started,
    worker_refused,
)
from lmchat.engine.worker.protocol import WorkerAnswer, WorkerOptions, WorkerOrder, WorkerReady
from lmchat.protocol import child_process

_POLITE_SECONDS: Final = 2.0
_LAST_BREATH_SECONDS: Final = 1.0


class WorkerProcess:
    """A worker whose model is loaded."""

    def __init__(self, process: Process, ready: WorkerReady, api_key: str) -> None:
        self._process = process
        self.ready: Final = ready
        self.api_key: Final = api_key

    @classmethod
    async def start(cls, options: WorkerOptions, log: Path) -> WorkerProcess:
        """Start a worker and wait, without a limit, until its model is loaded.

        The worker's standard error goes to `log`, which is overwritten. Raises WorkerStartError. No process is left
        when that happens or when the wait is cancelled.
        """
        api_key = secrets.token_urlsafe(32)
        process = await _spawn(log)
        try:
            ready = await _order(process, WorkerOrder(options, api_key), log)
        except BaseException:
            await _kill(process)
            raise
        return cls(process, ready, api_key)

    @property
    def pid(self) -> int:
        """The process id, also after the worker ended."""
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """None while the worker lives, then its exit status; below zero it is the number of the signal."""
        return self._process.returncode

    async def wait(self) -> int:
        """Wait until the worker has ended, and give its exit status."""
        return await self._process.wait()

    def kill(self) -> None:
        """End the worker at once."""
        if self._process.returncode is None:
            self._process.kill()

    async def lost(self) -> WorkerDiedError:
        """The error for a connection to the worker that broke."""
        try:
            return worker_lost(await asyncio.wait_for(self._process.wait(), _LAST_BREATH_SECONDS))
        except TimeoutError:
            return worker_lost(None)

    async def aclose(self) -> None:
        """Let the worker end by closing its standard input, and kill it if it has not after two seconds."""
        _stdin(self._process).close()
        try:
            await asyncio.wait_for(self._process.wait(), _POLITE_SECONDS)
        except TimeoutError:
            pass
        finally:
            await _kill(self._process)


async def _spawn(log: Path) -> Process:
    try:
        log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    except OSError as error:
        raise worker_not_started(log, error) from error
    try:
        return await asyncio.create_subprocess_exec(
            *child_process.command("lmchat.engine.worker"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=descriptor,
            # Without the variable a native check that fails starts a debugger to print where it was.
            env=child_process.environment(GGML_NO_BACKTRACE="1"),
            **child_process.own_group(),
        )
    except OSError as error:
        raise worker_not_started(sys.executable, error) from error
    finally:
        os.close(descriptor)


async def _order(process: Process, order: WorkerOrder, log: Path) -> WorkerReady:
    assert process.stdout is not None
    _stdin(process).write(msgspec.json.encode(order) + b"\n")
    line = await process.stdout.readline()
    model = Path(order.options.model_path)
    if not line:
        raise worker_ended_while_loading(await process.wait(), model, log)
    answer = msgspec.json.decode(line, type=WorkerAnswer)
    if isinstance(answer, WorkerReady):
        return answer
    raise worker_refused(answer, model, log)


async def _kill(process: Process) -> None:
    if process.returncode is None:
        process.kill()
        await process.wait()


def _stdin(process: Process) -> asyncio.StreamWriter:
    assert process.stdin is not None
    return process.stdin
