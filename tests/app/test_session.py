"""A session: what it finds in the store when it opens, and what it hands on."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from lmchat.app import paths
from lmchat.app.session import Session
from lmchat.app.settings import Settings
from lmchat.store.store import Store
from lmchat.values.errors import StoreError
from tests.app.talks import answer_to, session_with
from tests.scripted_server import Scene, scripted_server


def make_newer(store_file: Path) -> None:
    """A store as a later lmchat would leave it."""
    Store.open(store_file).close()
    with closing(sqlite3.connect(store_file)) as db:
        db.execute("PRAGMA user_version = 1000000")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


async def hello(scene: Scene) -> None:
    await scene.say("Hello there you")


async def test_a_first_start_finds_nothing() -> None:
    async with session_with(None) as session:
        opened = await session.open("latest")
        assert (opened.notice, opened.resumed) == (None, None)
        assert await session.conversations() == []
        assert session.connection.model is None


async def test_a_conversation_is_found_by_number_and_as_the_latest() -> None:
    async with scripted_server(hello) as server, session_with(server.host) as session:
        for text in ("one", "two", "three"):
            await answer_to(session.new_conversation(), text)
        first = (await session.conversations())[-1]
        assert [summary.title for summary in await session.conversations()] == ["three", "two", "one"]
        assert (await session.open(first.id)).resumed == first
        latest = (await session.open("latest")).resumed
        assert latest is not None
        assert (latest.title, latest.message_count) == ("three", 2)
        assert (await session.open()).resumed is None


@pytest.mark.parametrize("number", [99, -1, 10**30])
async def test_a_conversation_that_does_not_exist(number: int) -> None:
    async with session_with(None) as session:
        with pytest.raises(StoreError, match="There is no"):
            await session.open(number)


async def test_statuses_of_the_way_to_the_model_are_handed_on() -> None:
    texts: list[str] = []
    async with scripted_server(hello) as server, session_with(server.host) as session:
        session.on_status = lambda status: texts.append(status.text)
        await session.connection.ready()
    assert texts == ["Looking for LM Studio …", f"Scripted Model on LM Studio at {server.host}"]


async def test_a_damaged_store_is_kept_aside_and_said() -> None:
    paths.store_file().write_bytes(b"not a database, but long enough to be taken for a damaged one " * 20)
    session = Session(Settings(), paths.store_file())
    opened = await session.open("latest")
    await session.close()
    (kept,) = paths.data_dir().glob("lmchat.db.corrupt-*")
    assert opened.notice is not None
    assert str(kept) in opened.notice
    assert kept.read_bytes().startswith(b"not a database")


async def test_a_newer_store_is_refused_and_left_as_it_is() -> None:
    make_newer(paths.store_file())
    before = paths.store_file().read_bytes()
    session = Session(Settings(), paths.store_file())
    with pytest.raises(StoreError, match="newer"):
        await session.open()
    await session.close()
    assert paths.store_file().read_bytes() == before


async def test_trouble_in_the_background_is_told_once_until_it_changes() -> None:
    told: list[str] = []
    async with session_with(None) as session:
        session.on_trouble = told.append
        for text in ("full", "full", "locked", "full"):
            session._note_failure(StoreError(text))
    assert told == ["full", "locked", "full"]
