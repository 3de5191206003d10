"""The worker process, `python -m lmchat.engine.worker`: llama.cpp with one model, behind HTTP on the loopback address.

It is a process of its own because loading a model holds the interpreter lock for seconds, and because a native crash
must not take conversations with it. This is the only module that imports llama.cpp.
"""

from __future__ import annotations

import os
import sys
import time
from typing import Any, BinaryIO

import msgspec

from lmchat.engine.worker.parameters import parameters
from lmchat.engine.worker.protocol import WorkerFailed, WorkerOrder, WorkerReady

_STDOUT, _STDERR = 1, 2


def main() -> None:
    """Load the model named on standard input, say so, and serve until standard input closes."""
    answers = _claim_stdout()
    line = sys.stdin.buffer.readline()
    if not line:
        return
    try:
        order = msgspec.json.decode(line, type=WorkerOrder)
        server, load_seconds = _serve(order)
    except msgspec.DecodeError as error:
        _answer(answers, WorkerFailed("order", str(error)))
    except ImportError as error:
        _answer(answers, WorkerFailed("import", str(error)))
    except Exception as error:  # whatever a native constructor throws, the parent has to hear of it
        _answer(answers, WorkerFailed("load", str(error)))
    else:
        _answer(answers, WorkerReady(server.listening_address, load_seconds))
        while sys.stdin.buffer.read(4096):
            pass
        # Taking the server apart would wait for requests that run; the system frees everything at once.
        os._exit(0)


def _serve(order: WorkerOrder) -> tuple[Any, float]:
    """The server, which answers already, and the seconds that loading took."""
    import xllamacpp

    began = time.monotonic()
    server = xllamacpp.Server(parameters(xllamacpp, order.options, order.api_key))
    return server, time.monotonic() - began


def _claim_stdout() -> BinaryIO:
    """Keep standard output for answers, and send whatever native code prints there to standard error."""
    answers = os.fdopen(os.dup(_STDOUT), "wb", buffering=0)
    os.dup2(_STDERR, _STDOUT)
    return answers


def _answer(answers: BinaryIO, message: WorkerReady | WorkerFailed) -> None:
    answers.write(msgspec.json.encode(message) + b"\n")


if __name__ == "__main__":
    main()
