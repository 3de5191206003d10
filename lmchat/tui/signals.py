"""What ends the program from outside: a signal, a console that is closed, a terminal that is gone.

The end is an orderly one, with the answer kept and the engine gone; but one that does not take long, whatever hangs.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any, Final, TextIO

from textual.driver import Driver

PATIENCE: Final = 2.5
"""Seconds that an orderly end may take. What was said is on disk by then, so nothing is lost by a hard one."""
_HANGUP: Final = 1
"""The signal's number where there is such a signal, and the word for it where there is none."""
_NAMES: Final = ("SIGTERM", "SIGHUP", "SIGINT", "SIGBREAK")
_LOOKS: Final = 1.0
"""Seconds between two looks whether the terminal is still there."""


class Ending:
    """Watches, within a `with` block, for what ends the program; tells it once, and sees that it does end."""

    def __init__(self, on_end: Callable[[], object]) -> None:
        """`on_end` is called on a thread of its own."""
        self._on_end = on_end
        self._before: dict[int, Any] = {}
        self._told = threading.Event()
        self._over = False
        self.signal: int | None = None
        """The number of the signal that ends the program, or would; None while none does."""

    def __enter__(self) -> Ending:
        for number in (getattr(signal, name) for name in _NAMES if hasattr(signal, name)):
            # Whoever has had signals ignored, as nohup does, means it.
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._handle)
        if sys.platform == "win32":
            _on_console_closed(self._close)
        threading.Thread(target=self._watch, args=(terminal_is_there(),), daemon=True, name="lmchat-end").start()
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        if self.signal is None:
            self._over = True
            self._told.set()

    @property
    def exit_code(self) -> int:
        """As a shell reports a program that a signal has ended; 0 if none has."""
        return 0 if self.signal is None else 128 + self.signal

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.signal is None:
            self.signal = number
            self._told.set()

    def _close(self) -> None:
        self._handle(_HANGUP, None)
        # When this returns, the system ends the program at once.
        threading.Event().wait(PATIENCE)

    def _watch(self, on_terminal: bool) -> None:
        # A hung event loop must not keep the program from its end, so this is a thread.
        while not self._told.wait(_LOOKS):
            if on_terminal and not terminal_is_there():
                self._handle(_HANGUP, None)
        if self._over:
            return
        self._on_end()
        threading.Event().wait(PATIENCE)
        os._exit(self.exit_code)


def terminal_is_there() -> bool:
    """Whether standard input is a terminal that nobody has closed."""
    try:
        return sys.__stdin__ is not None and os.isatty(sys.__stdin__.fileno())
    except (OSError, ValueError):
        return False


def lasting(driver_class: type[Driver]) -> type[Driver]:
    """The same driver, but writing on into nothing when its terminal is gone, so that the program can end in order."""

    class LastingDriver(driver_class):  # type: ignore[misc, valid-type]  # known only at run time
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            self._file: Any = _LastingFile(self._file)

    return LastingDriver


class _LastingFile:
    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, text: str) -> None:
        try:
            self._file.write(text)
        except (OSError, ValueError):
            return

    def flush(self) -> None:
        try:
            self._file.flush()
        except (OSError, ValueError):
            return

    def fileno(self) -> int:
        return self._file.fileno()

    def isatty(self) -> bool:
        return self._file.isatty()


if sys.platform == "win32":
    import ctypes
    from ctypes import wintypes

    _LEAVING: Final = frozenset({2, 5, 6})
    """The console is closed, the user logs off, the system shuts down."""
    _handlers: list[object] = []

    def _on_console_closed(close: Callable[[], None]) -> None:
        """Call back, on a thread of the system's, when the console is closed."""

        def handle(event: int) -> bool:
            if event not in _LEAVING:
                return False
            close()
            return True

        handler = ctypes.WINFUNCTYPE(wintypes.BOOL, wintypes.DWORD)(handle)
        # The system keeps no reference of its own.
        _handlers.append(handler)
        ctypes.windll.kernel32.SetConsoleCtrlHandler(handler, True)
