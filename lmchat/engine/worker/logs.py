"""Where workers write their logs: those in which there is something are kept, for a week."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Final

_KEPT_SECONDS: Final = 7 * 24 * 3600.0


class WorkerLogs:
    """The log files of one engine's workers, in a folder that engines share."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = count(1)

    def next(self) -> Path:
        """A file that no other worker writes to."""
        return self._folder / f"worker-{os.getpid()}-{next(self._numbers)}.log"

    def sweep(self) -> None:
        """Remove this engine's logs that say nothing, once its workers are gone, and everybody's old ones."""
        for log in self._folder.glob("worker-*.log"):
            with suppress(OSError):  # another engine may sweep too
                status = log.stat()
                is_empty_own = status.st_size == 0 and log.name.startswith(f"worker-{os.getpid()}-")
                if is_empty_own or time.time() - status.st_mtime > _KEPT_SECONDS:
                    log.unlink()
