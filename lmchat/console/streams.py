"""Standard streams that are missing, that nobody reads any more, or whose disk is full."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import Final

_MODES: Final = {"stdin": "r", "stdout": "w", "stderr": "w"}


def complete() -> None:
    """Stand in for the streams that the program was started without: nothing comes, and what goes there is lost."""
    for name, mode in _MODES.items():
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode, encoding="utf-8"))


def say(text: str) -> None:
    """Print a line on standard error; if nobody can read it there is nobody left to tell."""
    with suppress(OSError):
        print(text, file=sys.stderr)


def settle() -> None:
    """Write out what still waits. What cannot be written is dropped, so that the interpreter's end is a quiet one."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
