"""Values of files whose shape nobody promises: each is taken if it is what it should be, else there is none.

What a foreign program keeps may be of another version, cut, or made to do harm, so nothing here fails on a value.
"""

from __future__ import annotations

import math
from collections import Counter
from datetime import UTC, datetime
from typing import Any, Final

_LATEST: Final = 253_402_300_799.0
"""The end of the year 9999 in Unix seconds, the last a date can be shown for."""
_MOST: Final = 2**53


def mapping(value: object) -> dict[str, Any]:
    """An object; empty if it is none."""
    return value if isinstance(value, dict) else {}


def sequence(value: object) -> list[Any]:
    """An array; empty if it is none."""
    return value if isinstance(value, list) else []


def text(value: object) -> str:
    """A string; empty if it is none."""
    return value if isinstance(value, str) else ""


def number(value: object) -> float | None:
    """A finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) else None


def count(value: object) -> int | None:
    """A whole number from 0 to 2**53."""
    found = number(value)
    return int(found) if found is not None and 0 <= found <= _MOST else None


def moment(value: object) -> float | None:
    """A time in Unix seconds, given as such or as an ISO date and time; without a zone it is UTC."""
    if isinstance(value, str):
        try:
            date = datetime.fromisoformat(value)
            value = (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
        except (ValueError, OverflowError):
            return None
    found = number(value)
    return found if found is not None and 0 < found <= _LATEST else None


def moment_of_milliseconds(value: object) -> float | None:
    """A time in Unix seconds from one in milliseconds."""
    found = number(value)
    return None if found is None else moment(found / 1000)


class Skipped:
    """Counts what is left out, so that a person can be told."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def add(self, what: str, times: int = 1) -> None:
        """Count a piece of this kind, named in the plural."""
        self._counts[what] += times

    @property
    def notes(self) -> tuple[str, ...]:
        """One sentence for each kind."""
        return tuple(f"Left out: {what} ({times})." for what, times in self._counts.items())
