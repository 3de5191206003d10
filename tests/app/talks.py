"""A session of our own with some server, and what another program would find in its store meanwhile."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from lmchat.app import paths
from lmchat.app.conversation import Conversation
from lmchat.app.events import AnswerFinished, ConversationEvent
from lmchat.app.session import Session
from lmchat.app.settings import Settings
from lmchat.store.codec import write_json
from lmchat.store.store import Store
from lmchat.values.chat import TextData
from lmchat.values.history import MessageRecord, size_of
from lmchat.values.prediction import LlmPredictionFragment, LlmPredictionStats


@asynccontextmanager
async def session_with(host: str | None, **settings: Any) -> AsyncIterator[Session]:
    """An open session; it is closed at the end, whatever came of it."""
    session = Session(Settings(host=host, **settings), paths.store_file())
    try:
        await session.open()
        yield session
    finally:
        await session.close()


@asynccontextmanager
async def conversation_with(host: str | None, **settings: Any) -> AsyncIterator[Conversation]:
    """A new conversation in a session of its own."""
    async with session_with(host, **settings) as session:
        yield session.new_conversation()


@contextmanager
def other_program() -> Iterator[Callable[[], list[MessageRecord]]]:
    """A second connection to the store; gives the messages of the latest conversation as they are now."""
    store = Store.open(paths.store_file())

    def kept() -> list[MessageRecord]:
        latest = store.latest_conversation()
        return [] if latest is None else store.branch(latest.id)

    try:
        yield kept
    finally:
        store.close()


def kept() -> list[MessageRecord]:
    """The messages of the latest conversation, as another program reads them."""
    with other_program() as read:
        return read()


def long_conversation(messages: int) -> int:
    """A conversation in the store, questions and answers of about 2,000 characters in turn; its number."""
    store = Store.open(paths.store_file())
    number = store.create_conversation("A long one").id
    stats = LlmPredictionStats(stop_reason="eosFound", predicted_tokens_count=500)
    parts = [(TextData(f"{count} " + "word " * 395),) for count in range(messages)]
    with store._database.writing() as db:
        first = db.execute("SELECT coalesce(max(id), 0) + 1 FROM messages").fetchone()[0]
        db.executemany(
            "INSERT INTO messages (id, conversation_id, parent_id, role, parts, size, stats, tokens, created_at)"
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0.0)",
            [
                (
                    first + count,
                    number,
                    first + count - 1 if count else None,
                    "assistant" if count % 2 else "user",
                    write_json(said).decode(),
                    size_of(said, None),
                    write_json(stats).decode() if count % 2 else None,
                    500 if count % 2 else 0,
                )
                for count, said in enumerate(parts)
            ],
        )
        db.execute("UPDATE conversations SET leaf_id = ? WHERE id = ?", (first + messages - 1, number))
    store.close()
    return number


async def events_of(conversation: Conversation, text: str) -> list[ConversationEvent]:
    """Everything that comes of a question."""
    return [event async for event in conversation.send(text)]


async def answer_to(conversation: Conversation, text: str) -> MessageRecord:
    """The answer to a question, as the conversation gives it at its end."""
    return finished(await events_of(conversation, text))


def finished(events: list[ConversationEvent]) -> MessageRecord:
    """The answer with which events end."""
    last = events[-1]
    assert isinstance(last, AnswerFinished)
    return last.message


def names(events: list[ConversationEvent]) -> list[str]:
    """The kinds of events in order, neighbours of one kind once."""
    kinds = [type(event).__name__ for event in events]
    return [kind for index, kind in enumerate(kinds) if index == 0 or kind != kinds[index - 1]]


def shown(events: list[ConversationEvent]) -> str:
    """The text of the fragments among events."""
    return "".join(event.content for event in events if isinstance(event, LlmPredictionFragment))


async def until(condition: Callable[[], bool], seconds: float = 5.0) -> float:
    """Wait until something holds; gives how long that took."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds, "it never came to that"
        await asyncio.sleep(0.005)
    return time.monotonic() - began
