"""The full-text index: which messages and titles have which words.

It is SQLite's FTS5, used for postings alone: no copy of the text, no positions, no lengths; so it takes about a third
of the room of the text. It only proposes: whoever asks it checks the proposals in the text itself. So it may be behind
(what it lacks is listed in `unindexed`), may hold too much, and may be thrown away and built again at any time.

Words come from `words_of` alone, never from the tokenizer, which differs between versions of SQLite. What a message is
besides its text is in the index as well, as words of characters for private use, which no text has as a word.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import suppress
from typing import Final

import msgspec

from lmchat.store import rows
from lmchat.store.codec import read_json, write_text
from lmchat.store.failure import is_damage
from lmchat.store.words import words_of
from lmchat.values.errors import StoreError

# Beginnings of one and two characters have lists of their own, for most of the index would have to be read for them.
_CREATE: Final = """
    CREATE VIRTUAL TABLE message_index USING fts5 (
        words, content = '', detail = none, columnsize = 0, prefix = '1 2', tokenize = 'ascii'
    )
"""
_AT_ONCE: Final = 500
"""Entries to a transaction."""
_MONTH: Final = 2_629_746.0
"""Seconds."""
_MONTHS: Final = 1_200
"""Until 2070; what is later is in the last."""
_ROLES: Final = dict(zip(rows.ROLES, "\ue000\ue001\ue002\ue003", strict=True))
_FIRST_MONTH: Final = 0xE010
_MODELS: Final = 0xF0000
_MOST_MODELS: Final = 0xFFF0
_CONVERSATIONS: Final = 0x100000
_A_CHARACTER_HAS: Final = 0xFF00


class _ModelKey(msgspec.Struct, rename="camel"):
    model_key: str


class _Origin(msgspec.Struct):
    model: _ModelKey | None = None


_ORIGIN: Final = msgspec.json.Decoder(_Origin)


def role_word(role: str) -> str:
    """What each message of a role has in the index."""
    return _ROLES.get(rows.ROLES.get(role, "user"), "")


def month_of(at: float) -> int:
    """The number of a stretch of time of about a month; what is out of all bounds is in the first or last."""
    return int(min(max(at / _MONTH, 0.0), float(_MONTHS)))


def month_word(month: int) -> str:
    """What each message of that time has in the index."""
    return chr(_FIRST_MONTH + month)


def conversation_word(conversation_id: int) -> str:
    """What each message of a conversation has in the index."""
    high, low = divmod(conversation_id, _A_CHARACTER_HAS)
    return chr(_CONVERSATIONS + high % _A_CHARACTER_HAS) + chr(_CONVERSATIONS + low)


def model_word(model_id: int) -> str:
    """What each answer of a model has in the index."""
    return chr(_MODELS + model_id % _MOST_MODELS)


def model_key(provenance: str | None) -> str | None:
    """The model that an answer is of."""
    if provenance is None:
        return None
    with suppress(StoreError):
        model = read_json(provenance, _ORIGIN).model
        return None if model is None else model.model_key
    return None


def expression(every: Iterable[Iterable[tuple[str, bool]]]) -> str:
    """What FTS5 is asked: of each group at least one word, or with True a word that begins so."""
    return " AND ".join(
        "(" + " OR ".join(f'"{word}"*' if begins else f'"{word}"' for word, begins in any_of) + ")" for any_of in every
    )


def is_usable(db: sqlite3.Connection) -> bool:
    """Whether the index can be read: not so where it was never made, is damaged, or SQLite has no FTS5."""
    return _problem(db) is None


def _problem(db: sqlite3.Connection) -> sqlite3.DatabaseError | None:
    try:
        db.execute("SELECT rowid FROM message_index WHERE message_index MATCH '\"a\"' LIMIT 1").fetchone()
    except sqlite3.DatabaseError as error:
        return error
    return None


def remaining(db: sqlite3.Connection) -> int:
    """How many messages and titles the index does not have yet."""
    return int(db.execute("SELECT count(*) FROM unindexed").fetchone()[0])


def has_all(db: sqlite3.Connection) -> bool:
    """Whether the index lacks nothing."""
    return db.execute("SELECT 1 FROM unindexed LIMIT 1").fetchone() is None


def advance(db: sqlite3.Connection) -> int:
    """Take some entries into the index, making it if need be; how many.

    0 when there are none, or when this SQLite has no FTS5: then everything is found by reading.
    """
    if (problem := _problem(db)) is not None:
        if _is_missing(problem):
            return 0
        discard(db)
        if not _make(db):
            return 0
    entries = [entry for (entry,) in db.execute("SELECT entry FROM unindexed ORDER BY entry DESC LIMIT ?", (_AT_ONCE,))]
    models: dict[str, int] = {name: number for number, name in db.execute("SELECT id, name FROM models")}
    texts = [(entry, " ".join(_words(db, entry, models))) for entry in entries]
    db.executemany("INSERT INTO message_index (rowid, words) VALUES (?, ?)", texts)
    db.executemany("DELETE FROM unindexed WHERE entry = ?", [(entry,) for entry in entries])
    return len(entries)


def forget(db: sqlite3.Connection, which: str, value: object) -> None:
    """Take messages that are about to be removed out of the index, as far as it has them."""
    if not is_usable(db):
        return
    models: dict[str, int] = {name: number for number, name in db.execute("SELECT id, name FROM models")}
    query = f"SELECT id FROM messages WHERE {which} AND owner IS NULL AND id NOT IN (SELECT entry FROM unindexed)"
    texts = [(number, " ".join(_words(db, number, models))) for (number,) in db.execute(query, (value,)).fetchall()]
    db.executemany("INSERT INTO message_index (message_index, rowid, words) VALUES ('delete', ?, ?)", texts)


def discard(db: sqlite3.Connection) -> None:
    """Throw the index away; it is built again as time goes on."""
    if _exists(db):
        try:
            db.execute("DROP TABLE message_index")
        except sqlite3.DatabaseError as error:
            if not is_damage(error) and not isinstance(error, sqlite3.OperationalError):
                raise
            _tear_out(db)


def _tear_out(db: sqlite3.Connection) -> None:
    """Remove an index that is too broken to be dropped in the usual way."""
    db.execute("PRAGMA writable_schema = ON")
    try:
        db.execute("DELETE FROM sqlite_master WHERE name = 'message_index'")
    finally:
        db.execute("PRAGMA writable_schema = OFF")
    version = db.execute("PRAGMA schema_version").fetchone()[0]
    db.execute(f"PRAGMA schema_version = {version + 1}")
    for part in ("data", "idx", "content", "docsize", "config"):
        db.execute(f"DROP TABLE IF EXISTS message_index_{part}")


def _exists(db: sqlite3.Connection) -> bool:
    return db.execute("SELECT 1 FROM sqlite_master WHERE name = 'message_index'").fetchone() is not None


def _make(db: sqlite3.Connection) -> bool:
    try:
        db.execute(_CREATE)
    except sqlite3.OperationalError as error:
        if _is_missing(error):
            return False
        raise
    db.execute("INSERT OR IGNORE INTO unindexed SELECT id FROM messages WHERE owner IS NULL")
    db.execute("INSERT OR IGNORE INTO unindexed SELECT -id FROM conversations")
    return True


def _is_missing(error: sqlite3.DatabaseError) -> bool:
    return "no such module" in str(error)


def _words(db: sqlite3.Connection, entry: int, models: dict[str, int]) -> set[str]:
    if entry < 0:
        row = db.execute("SELECT title FROM conversations WHERE id = ?", (-entry,)).fetchone()
        return set() if row is None else words_of(row[0])
    row = db.execute(
        f"SELECT conversation_id, role, created_at, provenance, {rows.TEXT_COLUMNS} FROM messages WHERE id = ?",
        (entry,),
    ).fetchone()
    if row is None:
        return set()
    conversation_id, role, created_at, provenance, *text_row = row
    words = {role_word(role), month_word(month_of(created_at)), conversation_word(conversation_id)}
    if (key := model_key(provenance)) is not None:
        words.add(model_word(_model_id(db, key, models)))
    # What a newer lmchat wrote cannot be read, and so not be found; the rest can.
    with suppress(StoreError):
        for text in rows.texts(tuple(text_row)):
            words |= words_of(text)
    return words


def _model_id(db: sqlite3.Connection, key: str, models: dict[str, int]) -> int:
    if key not in models:
        db.execute("INSERT INTO models (name) VALUES (CAST(? AS TEXT))", (write_text(key),))
        models[key] = int(db.execute("SELECT last_insert_rowid()").fetchone()[0])
    return models[key]
