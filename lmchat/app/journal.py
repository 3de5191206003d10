"""The text of an answer on its way to disk: never more than a moment behind what has been seen."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import groupby
from operator import attrgetter
from typing import Final

from lmchat.store.store import Store
from lmchat.store.thread import StoreThread
from lmchat.values.chat import TextData
from lmchat.values.history import ReasoningData
from lmchat.values.prediction import LlmPredictionFragment

DELAY: Final = 0.1
"""Seconds from a fragment to its write; with the write itself it stays under the 0.15 s that are promised."""

_PATIENCE: Final = 1.0
"""Seconds that a disk gets for what is to be shown. Most take a hundredth of it; one that is busy may take half."""


class Journal:
    """Gathers fragments and appends them to the store's journal, several at a time."""

    def __init__(self, store: StoreThread, message_id: int) -> None:
        self._store = store
        self._message_id = message_id
        self._unsaved: list[LlmPredictionFragment] = []
        self._timer: asyncio.TimerHandle | None = None

    def write(self, fragment: LlmPredictionFragment) -> None:
        """Take a fragment."""
        self._unsaved.append(fragment)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(DELAY, self.flush)

    async def settle(self) -> None:
        """Wait until all that was taken is on disk, or could not be written; a disk that hangs is not waited for."""
        self.flush()
        await asyncio.wait({asyncio.ensure_future(self._store.run(_nothing))}, timeout=_PATIENCE)

    def flush(self) -> None:
        """Hand what was gathered to the store; what it could not write goes there again, in front of what comes."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._unsaved:
            self._store.post(self._append)

    def _append(self, store: Store) -> None:
        """Done on the store's thread, while more fragments may come at the end."""
        taken = self._unsaved[:]
        if pieces := _pieces(taken):
            store.append_to_answer(self._message_id, pieces)
        del self._unsaved[: len(taken)]


def _nothing(store: Store) -> None:
    """Work that is done when all work before it is."""


def _pieces(fragments: Sequence[LlmPredictionFragment]) -> list[TextData | ReasoningData]:
    """The text of the fragments, each run of one kind in one piece; the tags round the reasoning are left out."""
    pieces: list[TextData | ReasoningData] = []
    for kind, run in groupby(fragments, key=attrgetter("reasoning_type")):
        text = "".join(fragment.content for fragment in run)
        match kind:
            case "none":
                pieces.append(TextData(text))
            case "reasoning":
                pieces.append(ReasoningData(text=text))
    return pieces
