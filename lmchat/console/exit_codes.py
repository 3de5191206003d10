"""What a shell learns of a run."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """How a run ended."""

    COMPLETE = 0
    ERROR = 1
    USAGE = 2
    NO_MODEL = 3
    """No server or no model could be had."""
    CUT = 4
    """The answer met a limit before its end."""
    INTERRUPTED = 130
