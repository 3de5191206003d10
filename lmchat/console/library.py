"""The library for commands that do one thing after the other, and so wait for each."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

from lmchat.app import paths
from lmchat.app.library import Library
from lmchat.console.streams import say
from lmchat.store.thread import StoreThread
from lmchat.values.safe_text import safe_text

T = TypeVar("T")


class Wait(Protocol):
    """Waits for work with the library. Ctrl+C gives up the waiting, never half of the work."""

    def __call__(self, work: Coroutine[Any, Any, T], /) -> T: ...


@contextmanager
def opened_library() -> Iterator[tuple[Library, Wait]]:
    """The library, open for the block, and what waits for its methods.

    Raises:
        StoreError: the store cannot be opened.
    """
    with asyncio.Runner() as runner:
        store = StoreThread(paths.store_file(), _tell)
        try:
            if notice := runner.run(store.run(lambda store: store.notice)):
                say(safe_text(notice))
            yield Library(store), runner.run
        finally:
            runner.run(store.close())


def _tell(failure: BaseException) -> None:
    say(f"lmchat: {safe_text(str(failure))}")
