"""The programs that are compared: how each is started, asked and left."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from tests.benchmarks.terminal import Terminal

QUIET: Final = 0.5
"""Seconds that a client gets to settle before it is asked."""
FINISHED: Final = "finished"
"""What each client shows when the reply is there."""
LEAVE: Final = "\x11"
"""Ctrl+Q."""


@dataclass(frozen=True, slots=True)
class Client:
    """A program that shows a reply."""

    module: str
    arguments: tuple[str, ...]
    ready: str
    """What it shows when it can be asked."""
    question: str
    leave: str = LEAVE


CLIENTS: Final = {
    "plain": Client("tests.benchmarks.plain_client", (), "ready", "\r", "\r"),
    "lmchat": Client("lmchat", ("--host",), "Scripted Model", "Hello\r"),
    "stock": Client("tests.benchmarks.stock_app", (), "ready", "\r"),
}


@contextmanager
def waiting(client: Client, host: str) -> Iterator[Terminal]:
    """A client that can be asked now; it is left at the end."""
    command = [sys.executable, "-m", client.module, *client.arguments, host]
    with (
        tempfile.TemporaryDirectory(prefix="lmchat-benchmark-") as folder,
        Terminal(command, {"LMCHAT_DATA_DIR": folder, "LMCHAT_CONFIG_DIR": folder}) as terminal,
    ):
        terminal.wait_for(client.ready)
        time.sleep(QUIET)
        yield terminal
        terminal.type(client.leave)
        terminal.wait_for_end()
