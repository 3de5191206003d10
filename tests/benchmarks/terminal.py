"""A program in a pseudo-terminal of 120x40, and what it has cost so far."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Final

import psutil
from ptyprocess import PtyProcess

from tests.benchmarks.recording import Recording

COLUMNS, LINES = 120, 40
_SAMPLING: Final = 0.1
"""Seconds between two looks at the memory."""
_END: Final = 10.0
"""Seconds that a program gets to end when it is told to."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a program has taken since it was started."""

    cpu: float
    """Seconds, user and system, of the program and those that it has started; in hundredths on Linux."""
    wall: float
    """Seconds."""
    memory: float
    """Resident megabytes at most."""


class Terminal:
    """Runs a program; its output is read as it comes, and thrown away unless it is recorded."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        environment = os.environ | {"TERM": "xterm-256color", "COLORTERM": "truecolor"} | dict(environment or {})
        # As when it is installed, a program's modules are compiled once and not at each start.
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        self._arrived = threading.Condition()
        self._unread = bytearray()
        self._recording: Recording | None = None
        self._ended = False
        self._peak = 0
        self._began = time.monotonic()
        self._process = PtyProcess.spawn(list(command), env=environment, dimensions=(LINES, COLUMNS))
        self._program = psutil.Process(self._process.pid)
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._read, self._sample)]
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate(force=True)
        for thread in self._threads:
            thread.join()
        self._process.close()

    def type(self, text: str) -> None:
        """Press keys."""
        self._process.write(text.encode())

    def resize(self, columns: int, lines: int) -> None:
        """Make the terminal larger or smaller; the program is told."""
        self._process.setwinsize(lines, columns)

    def record(self) -> Recording:
        """Keep what is written from now on, in a recording of its own."""
        self._recording = Recording()
        return self._recording

    def wait_for(self, text: str, timeout: float = 60.0) -> None:
        """Wait until the program writes this, after what was waited for last.

        Raises:
            TimeoutError: it does not, in so many seconds.
            EOFError: it has ended without.
        """
        wanted = text.encode()
        deadline = time.monotonic() + timeout
        with self._arrived:
            while (at := self._unread.find(wanted)) < 0:
                if self._ended:
                    raise EOFError(f"The program ended: {self._unread[-2000:].decode(errors='replace')}")
                if not self._arrived.wait(deadline - time.monotonic()):
                    raise TimeoutError(f"{text!r} was not shown within {timeout:.0f} s.")
            del self._unread[: at + len(wanted)]

    def wait_for_end(self) -> None:
        """Wait until the program has ended by itself."""
        self._threads[0].join(_END)

    def cost(self) -> Cost:
        """What it has taken until now. It must still run."""
        self._look()
        family = [self._program, *self._program.children(recursive=True)]
        cpu = sum(sum(member.cpu_times()[:4]) for member in family)
        return Cost(cpu, time.monotonic() - self._began, self._peak / 1e6)

    def _read(self) -> None:
        while not self._ended:
            try:
                output = self._process.read(1 << 16)
            except EOFError:
                output = b""
            if self._recording is not None:
                self._recording.add(time.monotonic(), output)
            with self._arrived:
                # Only the end of what nobody waited for can be the beginning of what somebody will wait for.
                self._unread = self._unread[-(1 << 16) :] + output
                self._ended = not output
                self._arrived.notify()

    def _sample(self) -> None:
        while not self._ended:
            self._look()
            time.sleep(_SAMPLING)

    def _look(self) -> None:
        try:
            family = [self._program, *self._program.children(recursive=True)]
            self._peak = max(self._peak, sum(member.memory_info().rss for member in family))
        except psutil.Error:
            # One of them has just ended.
            return
