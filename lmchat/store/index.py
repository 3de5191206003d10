"""The full-text index: which messages and titles have which words.

It is SQLite's FTS5, used for postings alone: no copy of the text, no positions, no lengths; so it takes about half
of the room of the text. It only proposes: whoever asks it checks the proposals in the text itself. So it may be behind
(what it lacks is listed in `unindexed`), may hold too much, and may be thrown away and built again at any time.

Words come from `words_of` alone, never from the tokenizer, which differs between versions of SQLite; what a message is
besides its text is in the index as the words of `facets`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import suppress
from typing import Final

from lmchat.store import rows
from lmchat.store.codec import write_text
from lmchat.store.facets import conversation_word, model_key, model_word, month_of, month_word, role_word
from lmchat.store.failure import is_damage
from lmchat.store.words import words_of
from lmchat.values.errors import StoreError

# Beginnings of up to three characters have lists of their own, for all the lists of their words would have to be read:
# with a million messages up to a second. Those of four take 0.15 s at worst, and another list would cost each message.
_CREATE: Final = """
    CREATE VIRTUAL TABLE message_index USING fts5 (
        words, content = '', detail = none, columnsize = 0, prefix = '1 2 3', tokenize = 'ascii'
    )
"""
_AT_ONCE: Final = 1_000
"""Entries to a transaction."""


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


def forget(db: sqlite3.Connection, entries: Iterable[int]) -> None:
    """Take messages and titles that are about to be removed out of the index, as far as it has them."""
    if not is_usable(db):
        return
    models: dict[str, int] = {name: number for number, name in db.execute("SELECT id, name FROM models")}
    for entry in entries:
        if db.execute("SELECT 1 FROM unindexed WHERE entry = ?", (entry,)).fetchone() is None:
            words = " ".join(_words(db, entry, models))
            db.execute(
                "INSERT INTO message_index (message_index, rowid, words) VALUES ('delete', ?, ?)", (entry, words)
            )


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
