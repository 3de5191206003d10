"""The program's own log: what servers complained of, and faults of ours. The terminal is for the conversation."""

from __future__ import annotations

import logging
import logging.handlers
from pathlib import Path
from typing import Final

from lmchat.values.safe_text import safe_text

_MAX_BYTES: Final = 1024 * 1024


class _SafeFormatter(logging.Formatter):
    """What servers sent may be part of any line, and logs are read in terminals."""

    def format(self, record: logging.LogRecord) -> str:
        return safe_text(super().format(record))


def log_to(file: Path | None) -> None:
    """Send all that is logged to a file, which is made when there is something to write and does not grow forever.

    Args:
        file: None sends it nowhere.
    """
    # A log that cannot be written must not write to the terminal instead.
    logging.raiseExceptions = False
    if file is None:
        logging.basicConfig(handlers=[logging.NullHandler()])
        return
    handler = logging.handlers.RotatingFileHandler(
        file, maxBytes=_MAX_BYTES, backupCount=1, encoding="utf-8", errors="backslashreplace", delay=True
    )
    handler.setFormatter(_SafeFormatter("%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(handlers=[handler], level=logging.WARNING)
