"""Why there is no worker: the errors, and the words for what a worker left behind (answer, exit status, log)."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Final

from lmchat.engine.worker.protocol import WorkerFailed
from lmchat.values.errors import EngineError

_LOG_TAIL_BYTES: Final = 64 * 1024
_REASON_CHARACTERS: Final = 300
_WINDOWS_ILLEGAL_INSTRUCTION: Final = 0xC000001D


class WorkerStartError(EngineError):
    """No worker for this model.

    `stage` is `import` (no llama.cpp on this machine), `load` (the model did not load), `order` (the options made no
    sense) or `process` (the worker did not start, or ended by itself while it loaded).
    """

    def __init__(self, message: str, *, stage: str) -> None:
        super().__init__(message)
        self.stage = stage


class WorkerDiedError(EngineError):
    """The worker is gone; a new one can be started. `returncode` is None when only the connection to it broke."""

    def __init__(self, message: str, *, returncode: int | None) -> None:
        super().__init__(message)
        self.returncode = returncode


class WorkerHungError(WorkerDiedError):
    """The worker said nothing for so long that it was ended."""


def worker_hung(seconds: float) -> WorkerHungError:
    """The error for a worker that was ended because it said nothing."""
    return WorkerHungError(
        f"The engine's worker said nothing for {seconds:.0f} seconds and was ended. Ask again to start a new one.",
        returncode=None,
    )


def worker_refused(answer: WorkerFailed, model: Path, log: Path) -> WorkerStartError:
    """The error for a worker that said why it cannot serve."""
    if answer.stage == "import":
        return WorkerStartError(_import_advice(answer.message), stage="import")
    if answer.stage == "load":
        reason = _one_line(_load_reason(_tail(log)) or answer.message)
        text = f"{model.name} does not load: {reason}. Use another GGUF file, or get this one again."
        return WorkerStartError(text, stage="load")
    text = f"The engine's worker did not understand its order: {_one_line(answer.message)}. Reinstall lmchat."
    return WorkerStartError(text, stage=answer.stage)


def worker_ended_while_loading(code: int, model: Path, log: Path) -> WorkerStartError:
    """The error for a worker that was gone before it said anything."""
    reason = _one_line(_last_line(_tail(log)))
    text = f"The engine's worker ended while it loaded {model.name} ({_ending(code)})"
    text += f": {reason}" if reason else ""
    return WorkerStartError(f"{text}. Its whole log is in {log}.", stage="process")


def worker_not_started(path: str | Path, error: OSError) -> WorkerStartError:
    """The error for a log file or an interpreter that the system did not let us use."""
    reason = error.strerror or str(error)
    return WorkerStartError(f"The engine's worker cannot be started, because of {path}: {reason}.", stage="process")


def worker_lost(code: int | None) -> WorkerDiedError:
    """The error for a worker that is gone while something was asked of it; None when it lives and does not answer."""
    if code is None:
        return WorkerDiedError("The connection to the engine's worker broke. Ask again.", returncode=None)
    text = f"The engine's worker ended in the middle of its work ({_ending(code)}). Ask again to start a new one."
    return WorkerDiedError(text, returncode=code)


def _ending(code: int) -> str:
    if code in (-signal.Signals.SIGILL, _WINDOWS_ILLEGAL_INSTRUCTION):
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
            "Install libgomp1 (Debian, Ubuntu) or libgomp (Fedora)."
        )
    if "No module named 'xllamacpp'" in message:
        return (
            "The package xllamacpp, which is lmchat's engine, is not installed; not every platform has it. "
            "Try `pip install xllamacpp`, or use a server such as LM Studio."
        )
    return f"The engine cannot be loaded: {_one_line(message)}. Reinstall xllamacpp, or use a server such as LM Studio."


def _tail(log: Path) -> list[str]:
    try:
        with log.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _LOG_TAIL_BYTES))
            return file.read().decode(errors="replace").splitlines()
    except OSError:
        return []


def _load_reason(lines: list[str]) -> str:
    """The last reason that llama.cpp gave for not loading a model, without its prefix."""
    marker = "error loading model: "
    return next((line.partition(marker)[2] for line in reversed(lines) if marker in line), "")


def _last_line(lines: list[str]) -> str:
    return next((line for line in reversed(lines) if line.strip()), "")


def _one_line(text: str) -> str:
    shown = "".join(character if character.isprintable() else " " for character in text).strip().rstrip(".")
    return shown if len(shown) <= _REASON_CHARACTERS else shown[:_REASON_CHARACTERS] + "…"
