"""A real terminal for tests: lmchat in a pseudo-terminal, what it wrote, and what a person would see."""

from __future__ import annotations

import codecs
import os
import select
import signal
import sys
import termios
import threading
import time
from collections.abc import Callable, Sequence
from typing import Final

import psutil
import pyte
from ptyprocess import PtyProcess

from lmchat.protocol import child_process
from tests.signals import hears_ctrl_c

PATIENCE: Final = 30.0
"""Seconds that a test waits for what must come; far more than it takes."""
ENTER, ESCAPE, CTRL_N, CTRL_Q, CTRL_B, F1, UP = "\r", "\x1b", "\x0e", "\x11", "\x02", "\x1bOP", "\x1b[A"

_ISOLATES: Final = {0x2068: None, 0x2069: None}
_WHOLE_PICTURES, _PICTURE_ENDS = "\x1b[?2026;2$y", b"\x1b[?2026l"
"""Synchronized output, DEC's private mode 2026: a terminal's word that it has it, and what a picture ends with."""
_LOOKS: Final = 0.05
"""Seconds between two looks whether the terminal is to be closed."""


class Terminal:
    """A running lmchat, its screen, and every byte that it sent there."""

    def __init__(self, *arguments: str, columns: int = 120, rows: int = 40, under: Sequence[str] = ()) -> None:
        """Start it; `under` is a command that runs it, and takes its command line as further arguments."""
        environment = child_process.environment() | {
            "TERM": "xterm-256color",
            "COLORTERM": "truecolor",
            "LC_ALL": "C.UTF-8",
        }
        environment.pop("NO_COLOR", None)
        self.output = bytearray()
        self._size = columns, rows
        self._arrivals: list[tuple[float, int]] = []
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.Stream(self._screen)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._changed = threading.Condition()
        self._closing = False
        self._process = PtyProcess.spawn(
            [*under, sys.executable, "-m", "tests.other_ports", *arguments],
            env=environment,
            dimensions=(rows, columns),
            **hears_ctrl_c(),
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
            return _text(self._screen)

    @property
    def pid(self) -> int:
        """The process."""
        return int(self._process.pid)

    def text_at(self, moment: float) -> str:
        """The last picture that was whole at a moment of `time.monotonic`.

        `show_whole_pictures` must have been called before, and the size must be that of the start.
        """
        with self._changed:
            size = next((size for arrival, size in reversed(self._arrivals) if arrival <= moment), 0)
            output = bytes(self.output[: self.output.rfind(_PICTURE_ENDS, 0, size)])
        screen = pyte.Screen(*self._size)
        pyte.Stream(screen).feed(output.decode("utf-8", "replace").translate(_ISOLATES))
        return _text(screen)

    def resize(self, columns: int, rows: int) -> None:
        """Make the terminal another size."""
        with self._changed:
            self._screen.resize(rows, columns)
        self._process.setwinsize(rows, columns)

    def type(self, keys: str) -> None:
        """Press keys."""
        self._process.write(keys.encode())

    def show_whole_pictures(self) -> None:
        """Be a terminal that shows nothing of a picture before it is whole, and wait for the first such."""
        self.type(_WHOLE_PICTURES)
        self.wait_for(lambda screen: _PICTURE_ENDS in self.output)

    def wait_for(self, wanted: str | Callable[[str], bool], patience: float = PATIENCE) -> str:
        """Wait until the screen has a text, or is as wanted; gives the screen."""
        fits = (lambda screen: wanted in screen) if isinstance(wanted, str) else wanted
        deadline = time.monotonic() + patience
        while not fits(screen := self.text):
            if time.monotonic() > deadline:
                raise AssertionError(f"{wanted!r} did not come; the screen is:\n{screen}")
            with self._changed:
                # It may have changed since it was looked at, and not again.
                self._changed.wait(_LOOKS)
        return screen

    def wait_for_end(self, patience: float = PATIENCE) -> int:
        """Wait until the program has ended; gives its exit code, below zero when a signal has ended it."""
        deadline = time.monotonic() + patience
        while self._process.isalive():
            assert time.monotonic() < deadline, f"it has not ended; the screen is:\n{self.text}"
            time.sleep(_LOOKS / 5)
        self._reader.join(PATIENCE)
        code = self._process.exitstatus
        return -int(self._process.signalstatus) if code is None else int(code)

    def signal(self, number: int) -> None:
        """Send the program a signal."""
        os.kill(self.pid, number)

    def stall(self) -> None:
        """Take nothing more from the program, as a terminal does that is halted with Ctrl+S."""
        self._closing = True
        self._reader.join(PATIENCE)

    def hang_up(self) -> None:
        """Close the terminal, as one closes a window."""
        self.stall()
        self._process.fileobj.close()

    def echoes(self) -> bool:
        """Whether the terminal shows what is typed by itself, as it does for a shell."""
        return bool(termios.tcgetattr(self._process.fd)[3] & termios.ECHO)

    def descendants(self) -> list[psutil.Process]:
        """The processes that the program started, and those that they started."""
        return list(psutil.Process(self._process.pid).children(recursive=True))

    def kill(self) -> None:
        """End the program as a crash would."""
        if self._process.isalive():
            self._process.kill(signal.SIGKILL)

    def _read(self) -> None:
        while not self._closing:
            if not select.select([self._process.fd], [], [], _LOOKS)[0]:
                continue
            try:
                data = self._process.read(65536)
            except EOFError:
                break
            arrival = time.monotonic()
            with self._changed:
                self.output += data
                self._arrivals.append((arrival, len(self.output)))
                # pyte draws nothing more of a row after an isolate.
                self._stream.feed(self._decoder.decode(data).translate(_ISOLATES))
                self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()


def _text(screen: pyte.Screen) -> str:
    return "\n".join(line.rstrip() for line in screen.display)
