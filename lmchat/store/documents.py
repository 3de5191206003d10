"""Whole conversations as values: given out, taken in, and copied up to a message."""

from __future__ import annotations

import math
import sqlite3
import time
from collections.abc import Iterable, Sequence

import msgspec

from lmchat.store import reading
from lmchat.store.answers import INTERRUPTED
from lmchat.store.codec import write_text
from lmchat.store.conversations import add_conversation, add_tags
from lmchat.store.messages import add_record
from lmchat.store.repository import Repository
from lmchat.store.summaries import summary_of
from lmchat.values.errors import StoreError
from lmchat.values.history import ConversationDocument, ConversationSummary, MessageRecord


class Documents(Repository):
    """Conversations that come from elsewhere or go elsewhere."""

    def export_conversation(self, conversation_id: int) -> ConversationDocument:
        """All of a conversation, but for deleted messages. An answer that is being written is as far as it came."""
        with self._database.reading() as db:
            summary = summary_of(db, conversation_id)
            found = db.execute(
                "SELECT id FROM messages WHERE conversation_id = ? AND deleted_with IS NULL ORDER BY id",
                (conversation_id,),
            )
            return ConversationDocument(
                title=summary.title,
                created_at=summary.created_at,
                updated_at=summary.updated_at,
                messages=tuple(reading.records(db, [number for (number,) in found])),
                leaf_id=reading.leaf(db, conversation_id),
                tags=summary.tags,
                pinned=summary.pinned,
                archived=summary.archived,
            )

    def import_conversation(self, document: ConversationDocument) -> ConversationSummary:
        """Take in a conversation, as a new one whatever is there already. Its messages get new ids.

        Raises:
            StoreError: its messages are no tree; nothing was taken in.
        """
        messages = _parents_first(document.messages)
        with self._database.writing() as db:
            number = add_conversation(db, document.title, "user", _moment(document.created_at))
            ids = _copy(db, number, messages)
            newest = ids[document.messages[-1].id] if messages else None
            leaf = newest if document.leaf_id is None else ids.get(document.leaf_id, newest)
            models = [each.provenance.model for each in messages if each.provenance is not None]
            model = next((each.model_key for each in reversed(models) if each is not None), None)
            _complete(db, number, leaf, _moment(document.updated_at), model)
            now = time.time()
            db.execute(
                "UPDATE conversations SET pinned_at = ?, archived_at = ? WHERE id = ?",
                (now if document.pinned else None, now if document.archived else None, number),
            )
            add_tags(db, number, {" ".join(tag.split()) for tag in document.tags} - {""})
            return summary_of(db, number)

    def fork(self, conversation_id: int, message_id: int) -> ConversationSummary:
        """Begin a conversation with copies of the messages from the first to this one; tags come along.

        What has come of an answer that is being written is copied as an interrupted one.
        """
        with self._database.writing() as db:
            origin = summary_of(db, conversation_id)
            if reading.place(db, message_id)[0] != conversation_id:
                raise reading.no_place()
            messages = reading.records(db, _way_to(db, message_id))
            now = time.time()
            number = add_conversation(db, origin.title, origin.title_by, now)
            ids = _copy(db, number, messages)
            _complete(db, number, ids[message_id], now, origin.model)
            db.execute("UPDATE conversations SET forked_from = ? WHERE id = ?", (message_id, number))
            add_tags(db, number, origin.tags)
            return summary_of(db, number)


def _way_to(db: sqlite3.Connection, message_id: int) -> list[int]:
    """The messages from the first to this one."""
    found = db.execute(
        """
        WITH RECURSIVE way (id, parent_id) AS (
            SELECT id, parent_id FROM messages WHERE id = ?
            UNION ALL SELECT messages.id, messages.parent_id FROM way JOIN messages ON messages.id = way.parent_id
        )
        SELECT id FROM way ORDER BY id
        """,
        (message_id,),
    )
    return [number for (number,) in found]


def _copy(db: sqlite3.Connection, conversation_id: int, messages: Iterable[MessageRecord]) -> dict[int, int]:
    """Add messages to a conversation, parents first; their new numbers by the old ones."""
    ids: dict[int, int] = {}
    for message in messages:
        parent_id = None if message.parent_id is None else ids[message.parent_id]
        unfinished = message.role == "assistant" and message.stats is None and message.provenance is not None
        copy = msgspec.structs.replace(
            message,
            parent_id=parent_id,
            created_at=_moment(message.created_at),
            stats=INTERRUPTED if unfinished else message.stats,
        )
        ids[message.id] = add_record(db, conversation_id, copy)
    return ids


def _complete(
    db: sqlite3.Connection, conversation_id: int, leaf: int | None, updated_at: float, model: str | None
) -> None:
    db.execute(
        "UPDATE conversations SET leaf_id = ?, updated_at = ?, model = CAST(? AS TEXT) WHERE id = ?",
        (leaf, updated_at, None if model is None else write_text(model), conversation_id),
    )


def _parents_first(messages: Sequence[MessageRecord]) -> list[MessageRecord]:
    """The messages in an order in which each comes after its parent, which mostly is theirs already."""
    waiting = {message.id: message for message in messages}
    if len(waiting) < len(messages):
        raise StoreError("The conversation has two messages of the same number. Export it again, and try again.")
    ordered: list[MessageRecord] = []
    for message in messages:
        way: list[MessageRecord] = []
        parent: MessageRecord | None = message
        while parent is not None and waiting.pop(parent.id, None) is not None:
            way.append(parent)
            parent = waiting.get(parent.parent_id) if parent.parent_id is not None else None
        ordered += reversed(way)
    known: set[int | None] = {None}
    for message in ordered:
        if message.parent_id not in known:
            raise StoreError("The conversation has messages that answer to nothing. Export it again, and try again.")
        known.add(message.id)
    return ordered


def _moment(at: float) -> float:
    """A time that SQLite can keep; what is none becomes now."""
    return at if math.isfinite(at) else time.time()
