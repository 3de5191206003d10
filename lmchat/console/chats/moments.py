"""Moments in local time: short for a table, complete for a program."""

from __future__ import annotations

from datetime import datetime
from typing import Final

UNKNOWN: Final = "–"


def table_time(seconds: float) -> str:
    """Unix seconds as a date and time of always 16 characters."""
    then = _local(seconds)
    return UNKNOWN.ljust(16) if then is None else then.strftime("%Y-%m-%d %H:%M").rjust(16, "0")


def full_time(seconds: float) -> str:
    """Unix seconds as ISO 8601 with the offset from UTC; empty where a calendar has no such day."""
    then = _local(seconds)
    return "" if then is None else then.isoformat(timespec="seconds")


def _local(seconds: float) -> datetime | None:
    try:
        return datetime.fromtimestamp(seconds).astimezone()
    except (ValueError, OverflowError, OSError):
        return None
