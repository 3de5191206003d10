"""Programs that tests start, and Ctrl+C."""

from __future__ import annotations

import signal
import sys
from typing import Any


def hears_ctrl_c() -> dict[str, Any]:
    """Arguments with which a started program hears Ctrl+C, even where the tests themselves run out of its reach.

    A shell has its background jobs ignore it, and they hand that down to all that they start.
    """
    if sys.platform == "win32":
        return {}
    return {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)}
