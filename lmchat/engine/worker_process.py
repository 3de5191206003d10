"""Starting, watching and ending the worker process, and saying in words why one did not start or is gone."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import site
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import msgspec

from lmchat.engine.worker_protocol import WorkerAnswer, WorkerFailed, WorkerOptions, WorkerOrder, WorkerReady
from lmchat.values.errors import EngineError

_COMMAND: Final = (sys.executable, "-P", "-m", "lmchat.engine.worker")
_POLITE_SECONDS: Final = 2.0
_LOG_TAIL_BYTES: Final = 64 * 1024
_REASON_CHARACTERS: Final = 300
_WINDOWS_ILLEGAL_INSTRUCTION: Final = 0xC000001D


class WorkerStartError(EngineError):
    """No worker for this model.

    `stage` is `import` (no llama.cpp on this machine), `load` (the model did not load), `order` (the options made no
    sense) or `process` (the worker ended by itself while it loaded).
    """

    def __init__(self, message: str, *, stage: str) -> None:
        super().__init__(message)
        self.stage = stage


class WorkerDiedError(EngineError):
    """The worker is gone; a new one can be started. `returncode` is None when only the connection to it broke."""

    def __init__(self, message: str, *, returncode: int | None) -> None:
        super().__init__(message)
        self.returncode = returncode


class WorkerProcess:
    """A worker that is ready: where it listens, the key to it, and its life."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path, api_key: str) -> None:
        self._process = process
        self._log = log
        self.api_key = api_key
        self.ready = WorkerReady("", 0.0)

    @classmethod
    async def start(cls, options: WorkerOptions, log: Path) -> WorkerProcess:
        """Start a worker and wait until its model is loaded.

        The worker's standard error goes to `log`, which is overwritten. Raises WorkerStartError. When the wait is
        cancelled no process is left.
        """
        process = await _spawn(log)
        worker = cls(process, log, secrets.token_urlsafe(32))
        try:
            worker.ready = await worker._wait_until_ready(options)
        except BaseException:
            await worker._kill()
            raise
        return worker

    @property
    def pid(self) -> int:
        """The process id, also after the worker ended."""
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """None while the worker lives, then its exit status; a negative one is the number of the signal."""
        return self._process.returncode

    async def wait(self) -> int:
        """Wait until the worker has ended, and give its exit status."""
        return await self._process.wait()

    async def aclose(self) -> None:
        """Let the worker end by closing its standard input, and kill it if it does not within two seconds."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), _POLITE_SECONDS)
        except TimeoutError:
            pass
        finally:
            await self._kill()

    async def lost(self) -> WorkerDiedError:
        """The error for a connection to the worker that broke, after a moment for the process to end."""
        try:
            await asyncio.wait_for(self._process.wait(), 1.0)
        except TimeoutError:
            return WorkerDiedError("The connection to the engine's worker broke. Ask again.", returncode=None)
        code = self._process.returncode
        assert code is not None
        text = f"The engine's worker ended in the middle of its work ({_ending(code)}). Ask again to start a new one."
        return WorkerDiedError(text, returncode=code)

    async def _kill(self) -> None:
        if self._process.returncode is None:
            try:
                self._process.kill()
            except ProcessLookupError:
                return
            await self._process.wait()

    async def _wait_until_ready(self, options: WorkerOptions) -> WorkerReady:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(msgspec.json.encode(WorkerOrder(options, self.api_key)) + b"\n")
        line = await stdout.readline()
        if not line.endswith(b"\n"):
            raise self._ended_while_loading(options, await self._process.wait())
        answer: WorkerReady | WorkerFailed = msgspec.json.decode(line, type=WorkerAnswer)
        if isinstance(answer, WorkerReady):
            return answer
        raise self._refused(options, answer)

    def _refused(self, options: WorkerOptions, answer: WorkerFailed) -> WorkerStartError:
        if answer.stage == "import":
            return WorkerStartError(_import_advice(answer.message), stage="import")
        if answer.stage == "load":
            reason = _load_reason(_tail(self._log)) or answer.message
            name = Path(options.model_path).name
            text = f"{name} does not load: {_one_line(reason)}. Use another GGUF file, or get this one again."
            return WorkerStartError(text, stage="load")
        return WorkerStartError(f"The engine's worker did not take its order: {_one_line(answer.message)}.", stage="order")

    def _ended_while_loading(self, options: WorkerOptions, code: int) -> WorkerStartError:
        reason = _last_line(_tail(self._log))
        text = f"The engine's worker ended while it loaded {Path(options.model_path).name} ({_ending(code)})"
        text += f": {_one_line(reason)}" if reason else ""
        return WorkerStartError(f"{text}. The whole log is in {self._log}.", stage="process")


async def _spawn(log: Path) -> asyncio.subprocess.Process:
    try:
        log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    except OSError as error:
        raise WorkerStartError(f"The engine cannot write its log {log}: {error.strerror}.", stage="process") from error
    try:
        return await asyncio.create_subprocess_exec(
            *_COMMAND,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=descriptor,
            env=_environment(),
            **_own_group(),
        )
    except OSError as error:
        raise WorkerStartError(f"The engine cannot start {sys.executable}: {error.strerror}.", stage="process") from error
    finally:
        os.close(descriptor)


def _own_group() -> dict[str, Any]:
    """Ctrl+C in the terminal is for the front end, and must not reach the worker."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
    return {"start_new_session": True}


def _environment() -> dict[str, str]:
    # Without the variable a failed native check starts a debugger to print where it was.
    environment = {**os.environ, "GGML_NO_BACKTRACE": "1"}
    root = str(Path(__file__).resolve().parents[2])
    if root not in {*site.getsitepackages(), site.getusersitepackages()}:
        # Run from a checkout. -P keeps the working directory off the worker's path: what lies there is not ours.
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, (os.environ.get("PYTHONPATH"), root)))
    return environment


def _ending(code: int) -> str:
    if code in (-getattr(signal, "SIGILL", 4), _WINDOWS_ILLEGAL_INSTRUCTION):
        return "illegal instruction: this processor is too old for the engine, which needs AVX2"
    if code >= 0:
        return f"exit status {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"


def _import_advice(message: str) -> str:
    if "libgomp" in message:
        return (
            "The engine needs the system library libgomp.so.1, which is not here. "
            "Install libgomp1 (Debian, Ubuntu) or libgomp (Fedora), or use LM Studio with --host."
        )
    if "No module named" in message:
        return (
            "The package xllamacpp, lmchat's engine, is not installed: there may be no build of it for this platform. "
            "Try `pip install xllamacpp`, or use LM Studio with --host."
        )
    return f"The engine xllamacpp cannot be loaded: {_one_line(message)}. Reinstall it, or use LM Studio with --host."


def _tail(log: Path) -> list[str]:
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - _LOG_TAIL_BYTES))
            return file.read().decode(errors="replace").splitlines()
    except OSError:
        return []


def _load_reason(lines: list[str]) -> str:
    """The last reason that llama.cpp gave for not loading a model, without its prefix."""
    marker = "error loading model: "
    reasons = [line.partition(marker)[2] for line in lines if marker in line]
    return reasons[-1] if reasons else ""


def _last_line(lines: list[str]) -> str:
    return next((line for line in reversed(lines) if line.strip()), "")


def _one_line(text: str) -> str:
    shown = "".join(character if character.isprintable() else " " for character in text).strip().rstrip(".")
    return shown if len(shown) <= _REASON_CHARACTERS else shown[:_REASON_CHARACTERS] + "…"
