"""What may be what a query asks for: proposed by the index, or, where it knows nothing, simply the newest messages."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Final

from lmchat.store import facets, index, reading, rows
from lmchat.store.codec import write_text
from lmchat.store.matching import Candidate, Matcher
from lmchat.store.words import Folded
from lmchat.values.errors import StoreError
from lmchat.values.search import SearchQuery

MOST_READ: Final = 10_000
"""Messages that are read where no index helps."""
_FEW: Final = 3_000
"""Conversations that the index is asked for by name; more of them are soon met among all messages."""
_COLUMNS: Final = """
    messages.conversation_id, messages.created_at, messages.provenance,
    messages.id, messages.parts, messages.error, messages.owner
"""
_FROM: Final = "FROM messages JOIN conversations ON conversations.id = messages.conversation_id"
# CROSS JOIN is SQLite's word for: in this order.
_FROM_INDEX: Final = """
    FROM message_index CROSS JOIN messages ON messages.id = message_index.rowid
    CROSS JOIN conversations ON conversations.id = messages.conversation_id
    WHERE message_index MATCH ? AND message_index.rowid > 0
        AND NOT EXISTS (SELECT 1 FROM unindexed WHERE entry = messages.id)
"""
_NOT_IN_INDEX: Final = f"""
    messages.id IN (
        SELECT * FROM (SELECT entry FROM unindexed WHERE entry > 0 ORDER BY entry DESC LIMIT {MOST_READ})
        UNION SELECT id FROM messages WHERE owner IS NOT NULL
    )
"""
_DELETED: Final = """
    messages.id IN (
        SELECT id FROM messages WHERE deleted_with IS NOT NULL
        UNION SELECT messages.id FROM conversations JOIN messages ON messages.conversation_id = conversations.id
            WHERE deleted_at IS NOT NULL
    )
"""
_THERE: Final = "messages.deleted_with IS NULL AND conversations.deleted_at IS NULL"
_TITLES: Final = "SELECT conversations.id, updated_at, title FROM"


def conditions(db: sqlite3.Connection, query: SearchQuery) -> tuple[str, list[object]]:
    """The SQL and its values that say which conversations a query is about."""
    found, values = _marks(db, query)
    found.append(f"conversations.deleted_at IS {'NOT' if query.deleted else ''} NULL")
    return " AND ".join(found), values


def titles(db: sqlite3.Connection, matcher: Matcher, *, use_index: bool) -> Iterator[Candidate]:
    """Titles, those of the newest conversations first."""
    query = matcher.query
    which, values = conditions(db, query)
    if query.before is not None:
        which, values = f"{which} AND updated_at < ?", [*values, query.before]
    if query.after is not None:
        which, values = f"{which} AND updated_at >= ?", [*values, query.after]
    if use_index and matcher.terms:
        rest = f"""
            message_index CROSS JOIN conversations ON conversations.id = -message_index.rowid
            WHERE message_index MATCH ? AND message_index.rowid < 0
                AND NOT EXISTS (SELECT 1 FROM unindexed WHERE entry = message_index.rowid) AND {which}
            ORDER BY message_index.rowid
        """
        yield from _titles(db, rest, [index.expression(matcher.terms), *values])
        lacking = "SELECT -entry FROM unindexed WHERE entry < 0"
    else:
        lacking = f"SELECT id FROM conversations ORDER BY updated_at DESC LIMIT {MOST_READ}"
    rest = f"conversations WHERE conversations.id IN ({lacking}) AND {which} ORDER BY id DESC"
    yield from _titles(db, rest, values)


def messages(db: sqlite3.Connection, matcher: Matcher, *, use_index: bool) -> Iterator[Candidate]:
    """Messages, newest first: those that the index lacks, then those that it has."""
    which, values = _message_conditions(db, matcher.query)
    if matcher.query.deleted:
        yield from _read(db, f"{_FROM} WHERE {which} ORDER BY messages.id DESC", values)
        return
    wanted = _index_terms(db, matcher) if use_index else []
    if wanted is None:
        return
    if not wanted:
        everything = f"{_FROM} WHERE {which} ORDER BY messages.id DESC LIMIT {MOST_READ}"
        yield from _read(db, everything, values)
        return
    yield from _read(db, f"{_FROM} WHERE {_NOT_IN_INDEX} AND {which} ORDER BY messages.id DESC", values)
    if all(wanted):
        indexed = f"{_FROM_INDEX} AND {which} ORDER BY message_index.rowid DESC"
        yield from _read(db, indexed, [index.expression(wanted), *values])


def _marks(db: sqlite3.Connection, query: SearchQuery) -> tuple[list[str], list[object]]:
    """What a conversation must have, be it deleted or not."""
    found: list[str] = []
    values: list[object] = []
    if query.pinned:
        found.append("conversations.pinned_at IS NOT NULL")
    if query.archived:
        found.append("conversations.archived_at IS NOT NULL")
    for tag in query.tags:
        names = _tags_like(db, tag)
        marks = ",".join(["CAST(? AS TEXT)"] * len(names))
        found.append(f"conversations.id IN (SELECT conversation_id FROM tags WHERE tag IN ({marks}))")
        values += map(write_text, names)
    return found, values


def _message_conditions(db: sqlite3.Connection, query: SearchQuery) -> tuple[str, list[object]]:
    found, values = _marks(db, query)
    found.append(_DELETED if query.deleted else _THERE)
    if query.roles:
        found.append(f"messages.role IN ({','.join('?' * len(query.roles))})")
        values += query.roles
    if query.before is not None:
        found.append("messages.created_at < ?")
        values.append(query.before)
    if query.after is not None:
        found.append("messages.created_at >= ?")
        values.append(query.after)
    return " AND ".join(found), values


def _index_terms(db: sqlite3.Connection, matcher: Matcher) -> list[Sequence[tuple[str, bool]]] | None:
    """What to ask the index for; nothing when it cannot help, and None when there is surely nothing to be found."""
    query = matcher.query
    wanted: list[Sequence[tuple[str, bool]]] = list(matcher.terms)
    if query.roles:
        wanted.append([(facets.role_word(role), False) for role in query.roles])
    if query.models:
        known = [number for number, name in db.execute("SELECT id, name FROM models") if matcher.fits_model(name)]
        wanted.append([(facets.model_word(number), False) for number in known])
    if query.before is not None or query.after is not None:
        first = facets.month_of(query.after or 0.0)
        last = facets.month_of(float("inf") if query.before is None else query.before)
        wanted.append([(facets.month_word(month), False) for month in range(first, last + 1)])
    if query.tags or query.pinned or query.archived:
        which, values = conditions(db, query)
        few = db.execute(f"SELECT id FROM conversations WHERE {which} LIMIT {_FEW + 1}", values).fetchall()
        if not few:
            return None
        if len(few) <= _FEW:
            wanted.append([(facets.conversation_word(number), False) for (number,) in few])
    return wanted


def _tags_like(db: sqlite3.Connection, wanted: str) -> list[str]:
    folded = Folded(wanted).lower
    return [tag for (tag,) in db.execute("SELECT DISTINCT tag FROM tags") if Folded(tag).lower == folded]


def _titles(db: sqlite3.Connection, rest: str, values: Sequence[object]) -> Iterator[Candidate]:
    for number, updated_at, title in db.execute(f"{_TITLES} {rest}", values):
        yield Candidate(None, number, updated_at, None, (title,))


def _read(db: sqlite3.Connection, rest: str, values: Sequence[object]) -> Iterator[Candidate]:
    for conversation_id, created_at, provenance, *row in db.execute(f"SELECT {_COLUMNS} {rest}", values):
        journal = reading.journal(db, row[0]) if rows.is_being_written(tuple(row)) else ()
        # What a newer lmchat wrote cannot be read, and so not be found; the rest can.
        with suppress(StoreError):
            texts = rows.texts(tuple(row), journal)
            yield Candidate(row[0], conversation_id, created_at, provenance, texts)
