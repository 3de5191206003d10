"""The engine as a process of its own: `python -m lmchat.engine`, started by the program that wants one.

It reads one line from standard input, an `EngineOptions` as JSON, and prints one line, an `EngineAnswer`. It lives for
as long as standard input is open: when the program that started it ends, by whatever means, the system closes that,
and the engine and its workers are gone within two seconds. Everything else that it has to say goes into its log.
"""

from __future__ import annotations

import _thread
import faulthandler
import logging
import os
import signal
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

from lmchat.engine.engine import run_blocking
from lmchat.engine.events import EngineEvent, Listening, PreloadFailed
from lmchat.protocol.child_process import EngineAnswer, EngineFailed, EngineOptions, EngineReady
from lmchat.values.errors import EngineError, LMStudioError

LOG_NAME: Final = "engine.log"
_MAX_LOG_BYTES: Final = 1024 * 1024
_GRACE_SECONDS: Final = 1.5
_STDIN, _STDOUT, _STDERR = 0, 1, 2

_log = logging.getLogger("lmchat.engine")


def main() -> int:
    """Run the process; gives its exit status."""
    # Who starts a program in the background may have it ignore interrupts, by which this one tells itself to end.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    answers = os.fdopen(os.dup(_STDOUT), "wb", buffering=0)
    # Read without a buffer: a thread that waits in one would hold up the interpreter's end.
    line = os.fdopen(os.dup(_STDIN), "rb", buffering=0).readline()
    if not line:
        return 0
    try:
        options = msgspec.json.decode(line, type=EngineOptions)
        _log_to(Path(options.logs_folder))
        threading.Thread(target=_end_with_stdin, daemon=True).start()
        run_blocking(options, lambda event: _report(event, answers))
    except (LMStudioError, msgspec.DecodeError) as error:
        _answer(answers, EngineFailed(str(error)))
        return 1
    return 0


def _report(event: EngineEvent, answers: BinaryIO) -> None:
    match event:
        case Listening(host, port):
            _answer(answers, EngineReady(host, port))
        case PreloadFailed(message):
            _log.warning("no model was loaded at start: %s", message)


def _answer(answers: BinaryIO, answer: EngineAnswer) -> None:
    with suppress(OSError):  # nobody reads any more
        answers.write(msgspec.json.encode(answer) + b"\n")


def _end_with_stdin() -> None:
    """Wait until the program that started this one is gone or wants no more; then end in order, or else at once."""
    while os.read(_STDIN, 4096):
        pass
    _thread.interrupt_main()
    time.sleep(_GRACE_SECONDS)
    os._exit(0)


def _log_to(folder: Path) -> None:
    """Send the log, and whatever anything prints, to a file that does not grow without end."""
    path = folder / LOG_NAME
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        full = path.exists() and path.stat().st_size > _MAX_LOG_BYTES
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | (os.O_TRUNC if full else 0)
        descriptor = os.open(path, flags, 0o600)
    except OSError as error:
        raise EngineError(f"The engine cannot write its log {path}: {error.strerror or error}.") from error
    os.dup2(descriptor, _STDOUT)
    os.dup2(descriptor, _STDERR)
    os.close(descriptor)
    faulthandler.enable()
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"
    )
    logging.getLogger("httpx").setLevel(logging.WARNING)


if __name__ == "__main__":
    sys.exit(main())
