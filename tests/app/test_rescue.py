"""An answer without room on the disk: told whole, saved when there is room, left as a file when there never is."""

from __future__ import annotations

import asyncio
import os
import tempfile
from pathlib import Path

import pytest

from lmchat.app.conversation import Conversation
from lmchat.app.events import AnswerFinished, AnswerStarted
from lmchat.app.rescue import as_markdown, rescue
from lmchat.app.session import Session
from lmchat.store.store import Store
from lmchat.values.errors import StoreError
from tests.app.talks import events_of, kept, session_with
from tests.scripted_server import Scene, scripted_server

LONG = "word " * 10_000


async def say_much(scene: Scene) -> None:
    await scene.say(f"{LONG}end")


async def say_little(scene: Scene) -> None:
    await scene.say("Hello there")


async def limit(session: Session, room: int) -> None:
    """Let the store's file grow by no more than so many pages."""

    def set_limit(store: Store) -> None:
        with store._database.reading() as db:
            (pages,) = db.execute("PRAGMA page_count").fetchone()
            db.execute(f"PRAGMA max_page_count = {pages + room}")

    await session._store.run(set_limit)


async def unsaved_conversation(session: Session) -> Conversation:
    """A conversation whose answer met a full disk."""
    conversation = session.new_conversation()
    told = []
    with pytest.raises(StoreError, match="disk is full"):
        async for event in conversation.send("write"):
            told.append(event)
            if isinstance(event, AnswerStarted):
                await limit(session, 0)
    assert isinstance(told[-1], AnswerFinished)
    assert told[-1].message == conversation.unsaved
    return conversation


async def test_what_could_not_be_saved_is_saved_when_there_is_room_whatever_was_opened_since() -> None:
    async with scripted_server(say_much) as server, session_with(server.host) as session:
        conversation = await unsaved_conversation(session)
        session.new_conversation()
        session.new_conversation()
        assert await session.save() == [conversation]
        with pytest.raises(StoreError, match="disk is full"):
            await conversation.reload()
        assert conversation.branch.last == conversation.unsaved
        await limit(session, 1_000)
        assert await session.save() == []
        assert conversation.unsaved is None
    assert kept()[-1].text == f"{LONG}end"
    assert kept()[-1].stats is not None


async def test_no_change_for_which_there_is_no_room_takes_anything_from_the_branch() -> None:
    async with scripted_server(say_little) as server, session_with(server.host) as session:
        conversation = session.new_conversation()
        await events_of(conversation, "hi")
        before = list(conversation.branch.outlines)
        await limit(session, 0)
        for change in (conversation.revise(0, LONG), conversation.rewrite(1, LONG)):
            with pytest.raises(StoreError, match="disk is full"):
                assert [event async for event in change] == []
            assert list(conversation.branch.outlines) == before


async def test_an_answer_that_the_program_s_end_stops_is_marked_so() -> None:
    async def hold(scene: Scene) -> None:
        await scene.say_until_cancelled("so far")

    async with scripted_server(hold) as server, session_with(server.host) as session:
        conversation = session.new_conversation()
        async for event in conversation.send("hi"):
            if isinstance(event, AnswerStarted):
                await conversation.stop("interrupted")
    stats = kept()[-1].stats
    assert stats is not None
    assert stats.stop_reason == "interrupted"


async def test_the_last_resort_is_a_private_file_in_the_first_folder_that_takes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, temporary = tmp_path / "home", tmp_path / "temporary"
    home.mkdir()
    temporary.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    async with scripted_server(say_much) as server, session_with(server.host) as session:
        conversation = await unsaved_conversation(session)
        first = await asyncio.to_thread(rescue, conversation)
        home.rename(tmp_path / "away")
        second = await asyncio.to_thread(rescue, conversation)
        temporary.rename(tmp_path / "away too")
        assert await asyncio.to_thread(rescue, conversation) is None
        text = as_markdown(conversation)
    assert first is not None and first.parent == home
    assert second is not None and second.parent == temporary
    written = tmp_path / "away" / first.name
    assert written.read_text(encoding="utf-8") == text
    assert text.startswith("# write\n\n**User**\n\nwrite\n\n**Scripted Model**\n\nword word")
    assert text.endswith("word end\n")
    if os.name == "posix":
        assert written.stat().st_mode & 0o777 == 0o600
