"""Saying it again, answering again, going on: what was there stays beside it, and models see only one branch."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from lmchat.app import paths
from lmchat.app.conversation import Conversation
from lmchat.app.events import AnswerStarted, BranchCut, ConversationEvent, MessageAdded
from lmchat.store.store import Store
from lmchat.values.errors import LMStudioError, LMStudioValueError
from tests.app.talks import answer_to, conversation_with, finished, kept
from tests.scripted_server import Scene, fragment, scripted_server, success


async def counted(scene: Scene) -> None:
    """Each answer tells how many messages it was given."""
    await scene.say(f"answer to {len(scene.parameter['history']['messages'])}")


async def every(events: AsyncIterator[ConversationEvent]) -> list[ConversationEvent]:
    return [event async for event in events]


def said(conversation: Conversation) -> list[str]:
    records = [conversation.branch.record(index) for index in range(len(conversation.branch))]
    return [record.text for record in records if record is not None]


def asked(scene: Scene) -> list[str]:
    messages = scene.parameter["history"]["messages"]
    return ["".join(part["text"] for part in message["content"]) for message in messages]


def siblings(message_id: int) -> int:
    store = Store.open(paths.store_file())
    try:
        return len(store.siblings(message_id))
    finally:
        store.close()


async def test_another_answer_stands_in_the_place_of_the_first_and_leaves_it_beside() -> None:
    async with scripted_server(counted) as server, conversation_with(server.host) as conversation:
        await answer_to(conversation, "one")
        await answer_to(conversation, "two")
        first = kept()
        events = await every(conversation.regenerate(1))
        assert [type(event) for event in events[:2]] == [BranchCut, AnswerStarted]
        assert asked(server.scenes[-1]) == ["one"]
        assert said(conversation) == ["one", "answer to 1"] == [message.text for message in kept()]
        assert kept()[1].id != first[1].id
        assert kept()[1].parent_id == first[1].parent_id
        assert siblings(first[1].id) == 2


async def test_nothing_is_cut_when_no_model_can_be_asked() -> None:
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(scripted_server(counted))
        async with conversation_with(server.host) as conversation:
            await answer_to(conversation, "one")
            before = kept()
            await stack.aclose()
            with pytest.raises(LMStudioError):
                await every(conversation.regenerate(1))
            assert said(conversation) == ["one", "answer to 1"]
            assert kept() == before
            assert not conversation.answering


async def test_a_question_is_put_in_other_words_and_answered_anew() -> None:
    async with scripted_server(counted) as server, conversation_with(server.host) as conversation:
        await answer_to(conversation, "one")
        await answer_to(conversation, "two")
        old = kept()
        events = await every(conversation.revise(2, "three"))
        assert [type(event) for event in events[:3]] == [BranchCut, MessageAdded, AnswerStarted]
        assert asked(server.scenes[-1]) == ["one", "answer to 1", "three"]
        assert said(conversation) == ["one", "answer to 1", "three", "answer to 3"]
        assert siblings(old[2].id) == 2
        await every(conversation.revise(0, "zero"))
        assert said(conversation) == ["zero", "answer to 1"] == [message.text for message in kept()]
        assert kept()[0].parent_id is None


async def test_an_answer_goes_on_where_it_ended() -> None:
    async def cut(scene: Scene) -> None:
        await scene.send(fragment("one, two,"), success("maxPredictedTokensReached"))
        await scene.close()

    async def rest(scene: Scene) -> None:
        await scene.send(fragment(" three"), success())
        await scene.close()

    async with scripted_server(cut) as server, conversation_with(server.host) as conversation:
        await answer_to(conversation, "count")
        server.script = rest
        events = await every(conversation.extend())
        started = next(event for event in events if isinstance(event, AnswerStarted))
        assert started.message.text == "one, two,"
        assert asked(server.scenes[-1]) == ["count", "one, two,"]
        assert finished(events).text == "one, two, three"
        assert [message.text for message in kept()] == ["count", "one, two, three"]
        assert siblings(kept()[1].id) == 2


async def test_what_an_answer_goes_on_from_is_on_disk_before_it_goes_on() -> None:
    async def held(scene: Scene) -> None:
        await scene.say_until_cancelled("and more")

    async with scripted_server(counted) as server, conversation_with(server.host) as conversation:
        await answer_to(conversation, "one")
        server.script = held
        async for event in conversation.extend():
            if isinstance(event, AnswerStarted):
                assert kept()[-1].text == "answer to 1"
                await conversation.stop()
        assert kept()[-1].text.startswith("answer to 1and")


async def test_other_words_are_put_in_the_place_of_an_answer() -> None:
    async with scripted_server(counted) as server, conversation_with(server.host) as conversation:
        await answer_to(conversation, "one")
        await answer_to(conversation, "two")
        await every(conversation.rewrite(1, "my words"))
        assert said(conversation) == ["one", "my words"] == [message.text for message in kept()]
        assert kept()[1].role == "assistant"
        await answer_to(conversation, "three")
        assert asked(server.scenes[-1]) == ["one", "my words", "three"]


@pytest.mark.parametrize("text", ["", " \n "])
async def test_no_words_change_nothing(text: str) -> None:
    async with scripted_server(counted) as server, conversation_with(server.host) as conversation:
        await answer_to(conversation, "one")
        before = kept()
        for attempt in (conversation.revise(0, text), conversation.rewrite(1, text)):
            with pytest.raises(LMStudioValueError):
                await every(attempt)
        assert said(conversation) == ["one", "answer to 1"]
        assert kept() == before


async def test_there_must_be_an_answer_to_go_on_from() -> None:
    async with scripted_server(counted) as server, conversation_with(server.host) as conversation:
        with pytest.raises(LMStudioValueError):
            await every(conversation.extend())
