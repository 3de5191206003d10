"""Conversations as a list shows them, read out of indices and small tables: no message is touched for it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Final

from lmchat.store.reading import AT_ONCE, no_conversation
from lmchat.store.rows import Row
from lmchat.values.history import ConversationSummary

_SELECT: Final = """
    SELECT id, title, created_at, updated_at, pinned_at, archived_at, deleted_at, model, title_by, forked_from,
        (SELECT count(*) FROM messages WHERE conversation_id = conversations.id)
        - (SELECT count(*) FROM messages WHERE conversation_id = conversations.id AND deleted_with IS NOT NULL)
    FROM conversations
"""


def summaries(db: sqlite3.Connection, which: str, values: Sequence[object]) -> list[ConversationSummary]:
    """The conversations that a piece of SQL after FROM conversations chooses, in its order."""
    found = db.execute(_SELECT + which, values).fetchall()
    tags = _tags(db, [row[0] for row in found])
    return [_summary(row, tags.get(row[0], ())) for row in found]


def summaries_of(db: sqlite3.Connection, ids: Iterable[int]) -> dict[int, ConversationSummary]:
    """The conversations of these numbers as far as they are there, deleted ones also."""
    wanted = list(ids)
    found: dict[int, ConversationSummary] = {}
    for begin in range(0, len(wanted), AT_ONCE):
        some = wanted[begin : begin + AT_ONCE]
        which = f"WHERE id IN ({','.join('?' * len(some))})"
        found.update((summary.id, summary) for summary in summaries(db, which, some))
    return found


def summary_of(db: sqlite3.Connection, conversation_id: int) -> ConversationSummary:
    """One conversation.

    Raises:
        StoreError: there is no such conversation, or it was deleted.
    """
    found = summaries(db, "WHERE id = ? AND deleted_at IS NULL", (conversation_id,))
    if not found:
        raise no_conversation(conversation_id)
    return found[0]


def _tags(db: sqlite3.Connection, ids: Sequence[int]) -> dict[int, tuple[str, ...]]:
    found: dict[int, tuple[str, ...]] = {}
    for begin in range(0, len(ids), AT_ONCE):
        some = ids[begin : begin + AT_ONCE]
        query = f"SELECT conversation_id, tag FROM tags WHERE conversation_id IN ({','.join('?' * len(some))})"
        for number, tag in sorted(db.execute(query, some)):
            found[number] = (*found.get(number, ()), tag)
    return found


def _summary(row: Row, tags: tuple[str, ...]) -> ConversationSummary:
    number, title, created_at, updated_at, pinned_at, archived_at, deleted_at, model, title_by, forked_from, count = row
    return ConversationSummary(
        id=number,
        title=title,
        created_at=created_at,
        updated_at=updated_at,
        message_count=count,
        tags=tags,
        pinned=pinned_at is not None,
        archived=archived_at is not None,
        deleted=deleted_at is not None,
        model=model,
        title_by=title_by,
        forked_from=forked_from,
    )
