"""What a program wrote on its terminal and when it was read, on the clock that all processes share."""

from __future__ import annotations

import re
import statistics
import time
from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate
from typing import Final

_PICTURE: Final = 1_000
"""Bytes: what is shorter is no picture, but a cursor that blinks."""
_LOOK: Final = 0.01
"""Seconds between two looks."""


class Recording:
    """Grows while the program writes; one thread adds, another asks."""

    def __init__(self) -> None:
        self._outputs: list[tuple[float, bytes]] = []

    def add(self, moment: float, output: bytes) -> None:
        """Take what was read at a moment of the monotonic clock."""
        self._outputs.append((moment, output))

    def first_sights(self, pattern: bytes) -> dict[bytes, float]:
        """When each text that matches a pattern was written for the first time."""
        outputs = self._outputs[:]
        ends = list(accumulate(len(output) for _, output in outputs))
        sights: dict[bytes, float] = {}
        for match in re.finditer(pattern, b"".join(output for _, output in outputs)):
            if match[0] not in sights:
                sights[match[0]] = outputs[bisect_left(ends, match.end())][0]
        return sights

    def wait_until_quiet(self, seconds: float, limit: float = 30.0) -> float:
        """Wait until there is a picture and no other has followed for so long; when the end of it was written.

        Raises:
            TimeoutError: no end of it was seen before the limit.
        """
        deadline = time.monotonic() + limit
        while (now := time.monotonic()) < deadline:
            pictures = [moment for moment, output in self._outputs if len(output) >= _PICTURE]
            if pictures and now - pictures[-1] > seconds:
                return pictures[-1]
            time.sleep(_LOOK)
        raise TimeoutError(f"The screen was not quiet within {limit:.0f} s.")


def milliseconds(seconds: Sequence[float]) -> str:
    """The median, the 99th percentile and the worst of some delays: three columns of `DELAYS`."""
    if not seconds:
        return f"{'-':>10}" * 3
    worst = max(seconds)
    late = statistics.quantiles(seconds, n=100)[98] if len(seconds) >= 100 else worst
    return "".join(f"{1000 * value:>10.1f}" for value in (statistics.median(seconds), min(late, worst), worst))


DELAYS: Final = f"{'median ms':>10}{'p99 ms':>10}{'worst ms':>10}"
