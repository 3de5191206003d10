"""A real terminal for tests: lmchat in a pseudo-terminal, what it wrote, and what a person would see."""

from __future__ import annotations

import codecs
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Final

import psutil
import pyte
from ptyprocess import PtyProcess

PATIENCE: Final = 30.0
"""Seconds that a test waits for what must come; far more than it takes."""
ENTER, ESCAPE, CTRL_N, CTRL_Q, CTRL_B, F1 = "\r", "\x1b", "\x0e", "\x11", "\x02", "\x1bOP"

_ISOLATES: Final = {0x2068: None, 0x2069: None}


class Terminal:
    """A running lmchat, its screen, and every byte that it sent there."""

    def __init__(self, *arguments: str, columns: int = 120, rows: int = 40) -> None:
        environment = os.environ | {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LC_ALL": "C.UTF-8"}
        environment.pop("NO_COLOR", None)
        self.output = bytearray()
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.Stream(self._screen)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._changed = threading.Condition()
        self._process = PtyProcess.spawn(
            [sys.executable, "-m", "lmchat", *arguments], env=environment, dimensions=(rows, columns)
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self._reader.join(PATIENCE)
        self._process.close(force=True)

    @property
    def text(self) -> str:
        """The screen, a line for each row."""
        with self._changed:
            return "\n".join(line.rstrip() for line in self._screen.display)

    def resize(self, columns: int, rows: int) -> None:
        """Make the terminal another size."""
        with self._changed:
            self._screen.resize(rows, columns)
        self._process.setwinsize(rows, columns)

    def type(self, keys: str) -> None:
        """Press keys."""
        self._process.write(keys.encode())

    def wait_for(self, wanted: str | Callable[[str], bool], patience: float = PATIENCE) -> str:
        """Wait until the screen has a text, or is as wanted; gives the screen."""
        fits = (lambda screen: wanted in screen) if isinstance(wanted, str) else wanted
        deadline = time.monotonic() + patience
        while not fits(self.text):
            with self._changed:
                if not self._changed.wait(max(deadline - time.monotonic(), 0)) and time.monotonic() > deadline:
                    raise AssertionError(f"{wanted!r} did not come; the screen is:\n{self.text}")
        return self.text

    def wait_for_end(self) -> int:
        """Wait until the program has ended; gives its exit code."""
        self._reader.join(PATIENCE)
        assert not self._reader.is_alive(), f"it has not ended; the screen is:\n{self.text}"
        return int(self._process.wait())

    def descendants(self) -> list[psutil.Process]:
        """The processes that the program started, and those that they started."""
        return list(psutil.Process(self._process.pid).children(recursive=True))

    def kill(self) -> None:
        """End the program as a crash would."""
        if self._process.isalive():
            self._process.kill(signal.SIGKILL)

    def _read(self) -> None:
        while True:
            try:
                data = self._process.read(65536)
            except EOFError:
                break
            with self._changed:
                self.output += data
                # pyte draws nothing more of a row after an isolate.
                self._stream.feed(self._decoder.decode(data).translate(_ISOLATES))
                self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()
