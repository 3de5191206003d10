"""What tests of bad servers share: nothing of a client may be left when its test ends."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator

import pytest


@pytest.fixture(autouse=True)
async def nothing_left() -> AsyncIterator[None]:
    """No task and no thread of a client outlives it."""
    before = asyncio.all_tasks()
    yield
    async with asyncio.timeout(30):
        while any(thread.name == "lmchat-client" for thread in threading.enumerate()):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        while left := {task for task in asyncio.all_tasks() - before if task.get_name().startswith("lmchat")}:
            await asyncio.wait(left)
