"""The thread of the store: order, cancellation, failures and the end."""

from __future__ import annotations

import asyncio
import threading
from functools import partial
from pathlib import Path

import pytest

from lmchat.store.store import Store
from lmchat.store.thread import StoreThread
from lmchat.values.errors import LMStudioRuntimeError, StoreError

from .conftest import StartProgram


class Failures(list[BaseException]):
    """Collects what nobody waits for, and tells when there is something."""

    def __init__(self) -> None:
        self.came = asyncio.Event()

    def take(self, error: BaseException) -> None:
        self.append(error)
        self.came.set()


async def test_work_is_done_in_order_on_one_thread_that_is_not_this_one(path: Path) -> None:
    failures = Failures()
    thread = await StoreThread.open(path, on_error=failures.take)
    done: list[int] = []
    threads: set[int] = set()

    def work(number: int, store: Store) -> int:
        done.append(number)
        threads.add(threading.get_ident())
        return number

    for number in range(0, 50, 2):
        thread.post(partial(work, number))
        assert await thread.run(partial(work, number + 1)) == number + 1
    await thread.close()
    assert done == list(range(50))
    assert len(threads) == 1
    assert threading.get_ident() not in threads
    assert not failures


async def test_a_cancelled_caller_does_not_cancel_its_work(path: Path) -> None:
    failures = Failures()
    thread = await StoreThread.open(path, on_error=failures.take)
    gate = threading.Event()
    thread.post(lambda store: gate.wait(10))
    kept = asyncio.create_task(thread.run(lambda store: store.create_conversation("kept")))
    failing = asyncio.create_task(thread.run(lambda store: store.conversation(77)))
    await asyncio.sleep(0)
    kept.cancel()
    failing.cancel()
    gate.set()
    ended = await asyncio.gather(kept, failing, return_exceptions=True)
    assert [type(end) for end in ended] == [asyncio.CancelledError] * 2
    assert [found.title for found in await thread.run(Store.conversations)] == ["kept"]
    assert [type(failure) for failure in failures] == [StoreError]
    await thread.close()


async def test_a_failure_goes_to_who_waits_for_it_else_to_on_error(path: Path) -> None:
    failures = Failures()
    thread = await StoreThread.open(path, on_error=failures.take)
    with pytest.raises(StoreError):
        await thread.run(lambda store: store.conversation(77))
    assert not failures
    thread.post(lambda store: store.conversation(78))
    await asyncio.wait_for(failures.came.wait(), 10)
    assert [type(failure) for failure in failures] == [StoreError]
    await thread.run(lambda store: store.create_conversation())
    await thread.close()


async def test_close_does_what_was_posted_and_takes_no_more(path: Path) -> None:
    thread = await StoreThread.open(path, on_error=Failures().take)
    for number in range(20):
        thread.post(partial(Store.create_conversation, title=str(number)))
    await thread.close()
    await thread.close()
    with pytest.raises(LMStudioRuntimeError):
        thread.post(lambda store: store.create_conversation())
    with pytest.raises(LMStudioRuntimeError):
        await thread.run(lambda store: store.create_conversation())
    store = Store.open(path)
    assert sorted(int(found.title) for found in store.conversations()) == list(range(20))
    store.close()


async def test_a_store_that_does_not_open_leaves_no_thread(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    before = threading.active_count()
    with pytest.raises(StoreError):
        await StoreThread.open(tmp_path / "file" / "chats.db", on_error=Failures().take)
    for thread in threading.enumerate():
        if thread.name.startswith("lmchat-store"):
            thread.join(10)
    assert threading.active_count() == before


def test_a_program_that_forgets_to_close_ends_and_loses_nothing(path: Path, start_program: StartProgram) -> None:
    program = start_program("""
import asyncio
from lmchat.store.thread import StoreThread

async def main():
    thread = await StoreThread.open(path, on_error=print)
    for number in range(20):
        thread.post(lambda store: store.create_conversation())

asyncio.run(main())
""")
    program.communicate(timeout=30)
    assert program.returncode == 0
    store = Store.open(path)
    assert len(store.conversations()) == 20
    store.close()


async def test_a_private_store_is_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    thread = await StoreThread.open(None, on_error=Failures().take)
    await thread.run(lambda store: store.create_conversation("Secret"))
    assert [found.title for found in await thread.run(lambda store: store.conversations())] == ["Secret"]
    await thread.close()
    assert await asyncio.to_thread(lambda: list(tmp_path.iterdir())) == []
