"""A conversation against a server that follows a script, with a real store: what is said is kept, whatever happens."""

from __future__ import annotations

import asyncio
import re
from contextlib import AsyncExitStack, aclosing, suppress

import pytest

from lmchat.app import paths
from lmchat.app.conversation import Conversation
from lmchat.app.events import AnswerFinished, AnswerStarted, MessageAdded
from lmchat.app.session import Session
from lmchat.app.settings import Settings
from lmchat.protocol.errors import failure
from lmchat.store.store import Store
from lmchat.values.chat import TextData
from lmchat.values.config import LlmPredictionConfig
from lmchat.values.errors import (
    LMStudioClientError,
    LMStudioError,
    LMStudioValueError,
    LMStudioWebsocketError,
    StoreError,
)
from lmchat.values.history import MessageRecord, ReasoningData
from lmchat.values.prediction import LlmPredictionFragment
from tests.app.conftest import engines
from tests.app.talks import (
    answer_to,
    conversation_with,
    events_of,
    finished,
    kept,
    long_conversation,
    names,
    other_program,
    session_with,
    shown,
    until,
)
from tests.scripted_server import STATS, Scene, Script, fragment, scripted_server, success

HOSTILE = "\x1b]52;c;ZXZpbA==\x07 \x1b[2J \u202edrow\u202c \x9b31m \u200b"


async def hello(scene: Scene) -> None:
    await scene.say("Hello there you")


def held(*words: str, gate: asyncio.Event) -> Script:
    """An answer that stops after its first words until the gate opens."""

    async def script(scene: Scene) -> None:
        await scene.send(*(fragment(word) for word in words))
        await gate.wait()
        await scene.send(fragment("end"), success(**STATS))
        await scene.close()

    return script


async def held_forever(scene: Scene) -> None:
    await scene.say_until_cancelled("one two three")


def last_text(conversation: Conversation) -> str:
    """The text of the last message in memory."""
    assert conversation.branch.last is not None
    return conversation.branch.last.text


def asked(scene: Scene) -> list[tuple[str, str]]:
    """The history that a request carried, as (role, text)."""
    messages = scene.parameter["history"]["messages"]
    return [(message["role"], "".join(part["text"] for part in message["content"])) for message in messages]


async def test_a_turn_from_the_question_to_the_figures() -> None:
    async with scripted_server(hello) as server, conversation_with(server.host) as conversation:
        events = await events_of(conversation, "hi")
        answer = finished(events)
        assert (conversation.answering, conversation.title) == (False, "hi")
        assert await conversation.branch.whole() == kept()
    assert names(events) == [
        "MessageAdded",
        "AnswerStarted",
        "PromptProgress",
        "LlmPredictionFragment",
        "PredictionFinished",
        "AnswerFinished",
    ]
    question, last = kept()
    assert (question.role, question.text) == ("user", "hi")
    assert last == answer
    assert (last.parts, last.parent_id, last.error) == ((TextData("Hello there you"),), question.id, None)
    assert last.stats is not None
    assert (last.stats.stop_reason, last.stats.tokens_per_second) == ("eosFound", STATS["tokensPerSecond"])
    assert last.provenance is not None
    assert last.provenance.model is not None
    assert last.provenance.model.model_key == "scripted-model"
    assert last.provenance.load_config.context_length == 4096
    assert (last.provenance.server, last.provenance.measured_by) == (f"LM Studio at {server.host}", "server")


async def test_the_question_is_on_disk_before_it_is_sent() -> None:
    found: list[list[MessageRecord]] = []

    async def script(scene: Scene) -> None:
        found.append(kept())
        await scene.say("yes")

    async with scripted_server(script) as server, conversation_with(server.host) as conversation:
        events = conversation.send("is it kept?")
        assert isinstance(await anext(events), MessageAdded)
        assert ([message.text for message in kept()], server.scenes) == (["is it kept?"], [])
        assert [event async for event in events]
    assert found[0][0].text == "is it kept?"


async def test_the_store_is_at_most_150_ms_behind_what_was_seen() -> None:
    steps = [asyncio.Event() for _ in range(4)]

    async def script(scene: Scene) -> None:
        for number, step in enumerate(steps):
            await scene.send(fragment(f"{number} "))
            await step.wait()
        await scene.send(success(**STATS))
        await scene.close()

    delays: list[float] = []
    seen: list[str] = []
    async with scripted_server(script) as server, conversation_with(server.host) as conversation:
        with other_program() as read:
            async for event in conversation.send("count"):
                if isinstance(event, LlmPredictionFragment):
                    seen.append(event.content)
                    delays.append(await until(lambda: read()[-1].text == "".join(seen)))
                    assert read()[-1].stats is None
                    steps[len(delays) - 1].set()
    assert "".join(seen) == kept()[-1].text == "0 1 2 3 "
    # The machine may be busy with other things for a moment; the promise is lmchat's own part.
    assert min(delays) < 0.15


async def test_the_second_question_is_asked_with_the_first_in_mind() -> None:
    async with scripted_server(hello) as server, conversation_with(server.host) as conversation:
        await answer_to(conversation, "first")
        await answer_to(conversation, "second")
    assert asked(server.scenes[0]) == [("user", "first")]
    assert asked(server.scenes[1]) == [("user", "first"), ("assistant", "Hello there you"), ("user", "second")]


async def test_system_prompt_and_options_are_sent_and_kept() -> None:
    config = LlmPredictionConfig(temperature=0.5, max_tokens=7)
    async with (
        scripted_server(hello) as server,
        conversation_with(server.host, system_prompt="Be brief.", prediction=config) as conversation,
    ):
        await answer_to(conversation, "hi")
    assert asked(server.scenes[0]) == [("system", "Be brief."), ("user", "hi")]
    layers = server.scenes[0].parameter["predictionConfigStack"]["layers"]
    fields = {field["key"]: field["value"] for layer in layers for field in layer["config"]["fields"]}
    assert fields["llm.prediction.temperature"] == 0.5
    assert fields["llm.prediction.maxPredictedTokens"] == {"checked": True, "value": 7}
    assert [message.role for message in kept()] == ["system", "user", "assistant"]


async def test_stop_keeps_what_came() -> None:
    async with scripted_server(held_forever) as server, conversation_with(server.host) as conversation:
        events = []
        async for event in conversation.send("count"):
            events.append(event)
            if shown(events) == "one two three ":
                await conversation.stop()
        answer = finished(events)
        assert server.scenes[0].cancelled.is_set()
    assert (answer.text, answer.error) == ("one two three ", None)
    assert answer.stats is not None
    assert answer.stats.stop_reason == "userStopped"
    assert answer == kept()[-1]


async def test_a_server_that_fails_in_the_middle() -> None:
    async def script(scene: Scene) -> None:
        await scene.send(fragment("half an "))
        await scene.fail(failure("The GPU fell over", suggestion="Pick it up"))

    async with scripted_server(script) as server, conversation_with(server.host) as conversation:
        answer = await answer_to(conversation, "hi")
        server.script = hello
        second = await answer_to(conversation, "again")
    assert (answer.text, answer) == ("half an ", kept()[1])
    assert answer.error is not None
    assert "The GPU fell over" in answer.error
    assert "Pick it up" in answer.error
    assert answer.stats is not None
    assert answer.stats.stop_reason == "failed"
    assert answer.stats.tokens_per_second is None
    assert answer.provenance is not None
    assert answer.provenance.measured_by == "client"
    assert second.text == "Hello there you"
    assert asked(server.scenes[1])[1] == ("assistant", "half an ")


async def test_a_connection_lost_in_the_middle() -> None:
    async def script(scene: Scene) -> None:
        await scene.send(fragment("so f"), fragment("ar"))
        await scene.drop()

    async with scripted_server(script) as server, conversation_with(server.host) as conversation:
        answer = await answer_to(conversation, "hi")
        server.script = hello
        second = await answer_to(conversation, "again")
    assert answer.text == "so far"
    assert answer.stats is not None
    assert answer.stats.stop_reason == "connectionLost"
    assert answer.stats.predicted_tokens_count == 2
    assert answer.error is not None
    assert "was lost" in answer.error
    assert (second.text, second.error) == ("Hello there you", None)
    assert [message.text for message in kept()] == ["hi", "so far", "again", "Hello there you"]


async def test_a_channel_closed_before_the_answer_is_complete() -> None:
    async def script(scene: Scene) -> None:
        await scene.send(fragment("half"))
        await scene.close()

    async with scripted_server(script) as server, conversation_with(server.host) as conversation:
        answer = await answer_to(conversation, "hi")
    assert answer.text == "half"
    assert answer.error is not None
    assert answer.stats is not None
    assert answer.stats.stop_reason == "failed"


async def test_without_a_server_the_question_is_kept_and_can_be_asked_again() -> None:
    async with scripted_server(hello) as server:
        port, host = server.port, server.host
    async with conversation_with(host) as conversation:
        with pytest.raises(LMStudioClientError, match="not reachable"):
            await events_of(conversation, "anybody there?")
        assert conversation.awaits_answer
        assert not conversation.answering
        assert [message.text for message in kept()] == ["anybody there?"]
        async with scripted_server(hello, port) as server:
            events = [event async for event in conversation.answer()]
            assert asked(server.scenes[0]) == [("user", "anybody there?")]
        assert not conversation.awaits_answer
    assert finished(events).text == "Hello there you"
    assert [message.text for message in kept()] == ["anybody there?", "Hello there you"]


async def test_a_server_that_was_started_anew_since_the_last_answer() -> None:
    async with AsyncExitStack() as first_server:
        server = await first_server.enter_async_context(scripted_server(hello))
        async with conversation_with(server.host) as conversation:
            await answer_to(conversation, "first")
            await first_server.aclose()
            async with scripted_server(hello, server.port) as second_server:
                assert (await answer_to(conversation, "second")).text == "Hello there you"
                assert asked(second_server.scenes[0])[-1] == ("user", "second")
    assert [message.text for message in kept()] == ["first", "Hello there you", "second", "Hello there you"]


@pytest.mark.usefixtures("own_model", "local_ports", "no_process_left")
async def test_our_own_engine_is_started_anew_when_it_died_since_the_last_answer() -> None:
    others = engines()
    async with session_with(None, prediction=LlmPredictionConfig(max_tokens=8)) as session:
        conversation = session.new_conversation()
        first = await answer_to(conversation, "Say hello.")
        assert session.connection.model is not None
        (engine,) = [engine for engine in engines() if engine not in others]
        engine.kill()
        with pytest.raises(LMStudioWebsocketError):
            while True:
                await session.connection.model.backend.loaded()
        second = await answer_to(conversation, "Say it again.")
    for answer in (first, second):
        assert answer.text
        assert answer.error is None
        assert answer.provenance is not None
        assert answer.provenance.server == "lmchat's engine"
    assert second.stats is not None
    assert first.stats is not None
    assert (second.stats.prompt_tokens_count or 0) > (first.stats.prompt_tokens_count or 0)


async def test_an_answer_that_never_began_is_asked_for_again_in_its_place() -> None:
    async def script(scene: Scene) -> None:
        await scene.fail(failure("Not now"))

    async with scripted_server(script) as server, conversation_with(server.host) as conversation:
        empty = await answer_to(conversation, "hi")
        assert (empty.parts, conversation.awaits_answer) == ((), True)
        server.script = hello
        answer = finished([event async for event in conversation.answer()])
        assert asked(server.scenes[1]) == [("user", "hi")]
    assert answer.parent_id == empty.parent_id
    assert [message.text for message in kept()] == ["hi", "Hello there you"]


@pytest.mark.parametrize("last_seen", [AnswerStarted, LlmPredictionFragment])
async def test_leaving_the_iterator_stops_the_answer_and_keeps_what_was_seen(last_seen: type) -> None:
    async with scripted_server(held_forever) as server, conversation_with(server.host) as conversation:
        events = []
        async with aclosing(conversation.send("count")) as coming:
            async for event in coming:
                events.append(event)
                if isinstance(event, last_seen):
                    break
        assert not conversation.answering
        assert last_text(conversation) == shown(events)
        await asyncio.wait_for(server.scenes[0].cancelled.wait(), 5)
        last = kept()[-1]
    assert last.text == shown(events)
    assert last.stats is not None
    assert last.stats.stop_reason == "userStopped"


async def test_a_task_that_is_cancelled_keeps_what_came() -> None:
    seen = asyncio.Event()

    async def follow(conversation: Conversation) -> None:
        async with aclosing(conversation.send("count")) as events:
            async for event in events:
                if isinstance(event, LlmPredictionFragment) and event.content == "three ":
                    seen.set()

    async with scripted_server(held_forever) as server, conversation_with(server.host) as conversation:
        task = asyncio.create_task(follow(conversation))
        await asyncio.wait_for(seen.wait(), 5)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await asyncio.wait_for(server.scenes[0].cancelled.wait(), 5)
        server.script = hello
        assert (await answer_to(conversation, "and now?")).text == "Hello there you"
    stopped = kept()[1]
    assert stopped.text == "one two three "
    assert stopped.stats is not None
    assert stopped.stats.stop_reason == "userStopped"


async def test_what_was_thought_is_kept_apart_and_not_sent_again() -> None:
    async def script(scene: Scene) -> None:
        await scene.send(
            fragment("<think>", "reasoningStartTag"),
            fragment("Hm, ", "reasoning"),
            fragment("well.", "reasoning"),
            fragment("</think>", "reasoningEndTag"),
            fragment("42"),
            success(**STATS),
        )
        await scene.close()

    async with scripted_server(script) as server, conversation_with(server.host) as conversation:
        answer = await answer_to(conversation, "the answer?")
        server.script = hello
        await answer_to(conversation, "sure?")
    thought, said = answer.parts
    assert isinstance(thought, ReasoningData)
    assert (thought.text, thought.tokens) == ("Hm, well.", 4)
    assert thought.seconds is not None
    assert said == TextData("42")
    assert kept()[1] == answer
    assert asked(server.scenes[1]) == [("user", "the answer?"), ("assistant", "42"), ("user", "sure?")]


async def test_thoughts_are_journaled_as_thoughts() -> None:
    gate = asyncio.Event()

    async def script(scene: Scene) -> None:
        await scene.send(fragment("deep", "reasoning"), fragment("said"))
        await gate.wait()
        await scene.send(success(**STATS))
        await scene.close()

    async with scripted_server(script) as server, conversation_with(server.host) as conversation:
        with other_program() as read:
            async for event in conversation.send("hm?"):
                if isinstance(event, LlmPredictionFragment) and event.content == "said":
                    await until(lambda: read()[-1].text == "said")
                    assert read()[-1].reasoning == "deep"
                    gate.set()


async def test_a_conversation_is_taken_up_where_it_was_left() -> None:
    async with scripted_server(hello) as server:
        async with conversation_with(server.host, system_prompt="Be brief.") as before:
            await answer_to(before, "first")
            number, messages = before.id, await before.branch.whole()
        async with session_with(server.host, system_prompt="Be long.") as session:
            opened = await session.open("latest")
            assert opened.resumed is not None
            after = session.new_conversation()
            await after.open(opened.resumed)
            assert (after.id, after.title, await after.branch.whole()) == (number, "first", messages)
            await answer_to(after, "second")
    assert [text for _, text in asked(server.scenes[1])] == ["Be brief.", "first", "Hello there you", "second"]


async def test_the_branch_follows_the_conversation() -> None:
    async def fail(scene: Scene) -> None:
        await scene.fail(failure("Not now"))

    async with scripted_server(fail) as server, conversation_with(server.host) as conversation:
        branch = conversation.branch
        assert (len(branch), branch.last, branch.last_answer) == (0, None, None)
        empty = await answer_to(conversation, "hi")
        assert (branch.turns, branch.last, len(branch)) == (1, empty, 2)
        server.script = hello
        answer = finished([event async for event in conversation.answer()])
        assert (branch.turns, branch.last, branch.last_answer, len(branch)) == (1, answer, answer, 2)
        assert branch.tokens_written == STATS["predictedTokensCount"]
        second = await answer_to(conversation, "again")
        assert (branch.turns, branch.last, len(branch)) == (2, second, 4)
        assert branch.tokens_written == 2 * STATS["predictedTokensCount"]
        assert list(branch.outlines) == [message.outline for message in kept()]


async def test_a_long_conversation_is_sent_whole_and_not_kept_in_memory() -> None:
    number = long_conversation(1000)
    async with scripted_server(hello) as server, session_with(server.host) as session:
        opened = await session.open(number)
        assert opened.resumed is not None
        conversation = session.new_conversation()
        await conversation.open(opened.resumed)
        assert conversation.branch.record(0) is None
        answer = await answer_to(conversation, "and now?")
        assert conversation.branch.record(0) is None
        assert conversation.branch.last == answer
    texts = [text.split()[0] for _, text in asked(server.scenes[0])]
    assert texts == [*map(str, range(1000)), "and"]
    assert kept()[-1] == answer


async def test_an_answer_that_never_began_before_the_end_of_the_program_is_asked_for_again() -> None:
    async def fail(scene: Scene) -> None:
        await scene.fail(failure("Not now"))

    async with scripted_server(fail) as server:
        async with conversation_with(server.host) as before:
            await answer_to(before, "hi")
        server.script = hello
        async with session_with(server.host) as session:
            opened = await session.open("latest")
            assert opened.resumed is not None
            conversation = session.new_conversation()
            await conversation.open(opened.resumed)
            assert conversation.awaits_answer
            assert finished([event async for event in conversation.answer()]).text == "Hello there you"
    assert [message.text for message in kept()] == ["hi", "Hello there you"]


async def test_what_has_come_of_an_answer_is_found_while_it_is_written() -> None:
    async def found(conversation: Conversation) -> list[tuple[int, int]]:
        async with aclosing(conversation.find(re.compile("one|deep", re.IGNORECASE))) as slices:
            return [hit async for hits in slices for hit in hits]

    gate = asyncio.Event()

    async def script(scene: Scene) -> None:
        await scene.send(fragment("Deep", "reasoning"), fragment("one and "), fragment("one"))
        await gate.wait()
        await scene.send(fragment(" and one"), success(**STATS))
        await scene.close()

    seen = ""
    async with scripted_server(script) as server, conversation_with(server.host) as conversation:
        assert await found(conversation) == []
        async for event in conversation.send("One?"):
            if isinstance(event, LlmPredictionFragment):
                seen += event.content
                assert await found(conversation) == [(1, seen.count("one") + 1), (0, 1)]
                if seen == "Deepone and one":
                    gate.set()
        assert await found(conversation) == [(1, 4), (0, 1)]
        assert conversation.branch.last == kept()[-1]


async def test_a_conversation_that_was_deleted_in_another_window_is_said() -> None:
    number = long_conversation(300)
    async with scripted_server(hello) as server, session_with(server.host) as session:
        conversation = session.new_conversation()
        opened = await session.open(number)
        assert opened.resumed is not None
        await conversation.open(opened.resumed)
        other = Store.open(paths.store_file())
        other.delete_conversation(number)
        other.close()
        with pytest.raises(StoreError, match="deleted"):
            await events_of(conversation, "hi")
        with pytest.raises(StoreError, match="deleted"):
            await conversation.chat()
        with pytest.raises(StoreError, match="deleted"):
            assert [found async for found in conversation.find(re.compile("word"))]
        with pytest.raises(StoreError, match="no conversation"):
            await session.new_conversation().open(opened.resumed)
        assert not conversation.answering
        assert server.scenes == []


async def test_hostile_text_is_stored_as_it_came() -> None:
    async def script(scene: Scene) -> None:
        await scene.send(fragment(HOSTILE), success(**STATS))
        await scene.close()

    async with scripted_server(script) as server, conversation_with(server.host) as conversation:
        answer = await answer_to(conversation, HOSTILE)
    assert answer.text == HOSTILE
    assert [message.text for message in kept()] == [HOSTILE, HOSTILE]
    assert asked(server.scenes[0]) == [("user", HOSTILE)]


async def test_line_ends_of_all_systems_become_newlines() -> None:
    async with scripted_server(hello) as server, conversation_with(server.host) as conversation:
        await answer_to(conversation, "a\r\nb\rc")
    assert kept()[0].text == "a\nb\nc"


@pytest.mark.parametrize("text", ["", " \n\t"])
async def test_there_must_be_something_to_say(text: str) -> None:
    async with scripted_server(hello) as server, conversation_with(server.host) as conversation:
        with pytest.raises(LMStudioValueError, match="nothing to send"):
            await events_of(conversation, text)
        assert (conversation.id, kept(), server.scenes) == (None, [], [])


async def test_one_answer_at_a_time() -> None:
    async with scripted_server(held_forever) as server, conversation_with(server.host) as conversation:
        events = conversation.send("count")
        assert isinstance(await anext(events), MessageAdded)
        assert isinstance(await anext(events), AnswerStarted)
        assert conversation.answering
        with pytest.raises(LMStudioValueError, match="still being written"):
            await events_of(conversation, "me too")
        await events.aclose()
    assert [message.text for message in kept()] == ["count", ""]


async def test_a_title_is_the_beginning_of_the_first_question() -> None:
    async with scripted_server(hello) as server, conversation_with(server.host) as conversation:
        await answer_to(conversation, "  why\n is   " + "very " * 30)
        assert conversation.title.startswith("why is very very")
        assert conversation.title.endswith("very …")
        assert len(conversation.title) <= 62


# A full disk


async def fill_disk(session: Session, *, room: int = 0) -> None:
    """Let the store's file grow by no more than some pages."""

    def limit(store: Store) -> None:
        with store._database.reading() as db:
            pages = db.execute("PRAGMA page_count").fetchone()[0]
            db.execute(f"PRAGMA max_page_count = {pages + room}")

    await session._store.run(limit)


async def test_a_question_for_which_there_is_no_room_is_not_sent() -> None:
    system = "Be brief. " * 2000
    async with scripted_server(hello) as server, session_with(server.host, system_prompt=system) as session:
        conversation = session.new_conversation()
        await fill_disk(session)
        with pytest.raises(StoreError, match="disk is full"):
            await events_of(conversation, "long")
        assert server.scenes == []
        await fill_disk(session, room=1000)
        await answer_to(conversation, "short")
        assert asked(server.scenes[0]) == [("system", system), ("user", "short")]


async def test_a_disk_that_fills_up_during_an_answer() -> None:
    text = "word " * 10_000
    gate = asyncio.Event()
    told: list[str] = []
    async with scripted_server(held(text, gate=gate)) as server, session_with(server.host) as session:
        session.on_trouble = told.append
        conversation = session.new_conversation()
        events = []
        with pytest.raises(StoreError, match="disk is full"):
            async for event in conversation.send("write"):
                events.append(event)
                if isinstance(event, AnswerStarted):
                    await fill_disk(session)
                if shown(events) == text:
                    await until(lambda: bool(told))
                    gate.set()
        assert shown(events) == f"{text}end"
        assert len(told) == 1
        assert "disk is full" in told[0]
        assert (conversation.answering, last_text(conversation)) == (False, f"{text}end")
        await fill_disk(session, room=1000)
        server.script = hello
        await answer_to(conversation, "and now?")
        assert asked(server.scenes[1])[1] == ("assistant", f"{text}end")
    assert [message.text for message in kept()] == ["write", f"{text}end", "and now?", "Hello there you"]
    assert kept()[1].stats is not None


async def test_an_answer_for_which_there_is_no_room_at_all_is_not_left_running() -> None:
    async with scripted_server(held_forever) as server, session_with(server.host) as session:
        conversation = session.new_conversation()
        with pytest.raises(StoreError, match="disk is full"):
            async for event in conversation.send("x" * 3900):
                if isinstance(event, MessageAdded):
                    await session._store.run(_eat_what_is_left)
        await asyncio.wait_for(server.scenes[0].cancelled.wait(), 5)
        assert not conversation.answering


def _eat_what_is_left(store: Store) -> None:
    with store._database.reading() as db:
        pages = db.execute("PRAGMA page_count").fetchone()[0]
        db.execute(f"PRAGMA max_page_count = {pages}")
    for size in (4000, 500, 50, 5):
        with suppress(StoreError):
            while True:
                store.create_conversation("x" * size)


# Unfinished answers of programs that are gone


async def test_an_answer_of_a_killed_program_is_taken_up_when_a_session_opens() -> None:
    gate = asyncio.Event()
    async with scripted_server(held("so ", "far", gate=gate)) as server:
        session = Session(Settings(host=server.host), paths.store_file())
        await session.open()
        conversation = session.new_conversation()
        events = conversation.send("hi")
        seen = ""
        with other_program() as read:
            while seen != "so far":
                event = await anext(events)
                seen += event.content if isinstance(event, LlmPredictionFragment) else ""
            await until(lambda: read()[-1].text == seen)
        # What a kill does: the store's locks go, and nothing is finished.
        await session._store.close()
        async with session_with(server.host) as later:
            assert (await later.open("latest")).resumed is not None
            last = kept()[-1]
        with suppress(LMStudioError):
            await events.aclose()
        await session.connection.close()
    assert last.text == "so far"
    assert last.stats is not None
    assert last.stats.stop_reason == "interrupted"
    assert not isinstance(event, AnswerFinished)
