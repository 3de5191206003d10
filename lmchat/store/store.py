"""`Store`: conversations, their messages, answers while they are written, and prompts; in and out as values."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path

from lmchat.store import reading, rows
from lmchat.store.codec import write_json, write_text
from lmchat.store.database import Database
from lmchat.values.chat import Role, TextData
from lmchat.values.errors import StoreError
from lmchat.values.history import (
    ConversationSummary,
    MessageOutline,
    MessageRecord,
    Part,
    Provenance,
    ReasoningData,
    size_of,
    tokens_of,
)
from lmchat.values.prediction import LlmPredictionStats

_NEWEST_FIRST = rows.SELECT_SUMMARY + "ORDER BY updated_at DESC, id DESC LIMIT ? OFFSET ?"
_ADD_MESSAGE = """
    INSERT INTO messages (conversation_id, parent_id, role, parts, size, created_at, provenance, owner)
    VALUES (?, ?, ?, CAST(? AS TEXT), ?, ?, CAST(? AS TEXT), ?)
"""
_FINISH = """
    UPDATE messages
    SET parts = CAST(? AS TEXT), size = ?, stats = CAST(? AS TEXT), tokens = ?,
        provenance = coalesce(CAST(? AS TEXT), provenance), error = CAST(? AS TEXT), owner = NULL
    WHERE id = ?
"""


class Store:
    """All conversations of one file. Several programs may have the same file open.

    What a method has written when it returns survives a crash and a power cut. Used by one thread at a time. Every
    method raises `StoreError` when the file cannot be read or written, or when what it is to change is not there.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    @classmethod
    def open(cls, path: Path) -> Store:
        """Open the file, or make it and its folder, for this user's eyes only.

        A damaged file is kept aside and a new one begun; `notice` then says so.

        Raises:
            StoreError: it cannot be opened or made, or a newer lmchat has written it.
        """
        return cls(Database(path))

    @property
    def notice(self) -> str | None:
        """What a person should know about how the file was found; None when there is nothing to say."""
        return self._database.notice

    def close(self) -> None:
        """Close the file. An answer still being written counts as left over from now on."""
        self._database.close()

    # Conversations

    def create_conversation(self, title: str = "") -> ConversationSummary:
        """Begin a conversation without messages."""
        now = time.time()
        with self._database.writing() as db:
            db.execute(
                "INSERT INTO conversations (title, created_at, updated_at) VALUES (CAST(? AS TEXT), ?, ?)",
                (write_text(title), now, now),
            )
            return _conversation(db, _added_id(db))

    def conversation(self, conversation_id: int) -> ConversationSummary:
        """The conversation of that number."""
        with self._database.reading() as db:
            return _conversation(db, conversation_id)

    def conversations(self, *, limit: int = 100, offset: int = 0) -> list[ConversationSummary]:
        """The conversations with the newest messages first."""
        with self._database.reading() as db:
            return [rows.summary(row) for row in db.execute(_NEWEST_FIRST, (limit, offset))]

    def latest_conversation(self) -> ConversationSummary | None:
        """The conversation with the newest message, or None when there is no conversation."""
        newest = self.conversations(limit=1)
        return newest[0] if newest else None

    def rename_conversation(self, conversation_id: int, title: str) -> None:
        """Give a conversation another title; its place in the list stays."""
        with self._database.writing() as db:
            _conversation(db, conversation_id)
            db.execute(
                "UPDATE conversations SET title = CAST(? AS TEXT) WHERE id = ?", (write_text(title), conversation_id)
            )

    def delete_conversation(self, conversation_id: int) -> None:
        """Delete a conversation and its messages; one that is gone already is no error."""
        with self._database.writing() as db:
            db.execute("DELETE FROM conversations WHERE id = ?", (conversation_id,))

    # Messages

    def add_message(
        self, conversation_id: int, *, parent_id: int | None, role: Role, parts: tuple[Part, ...]
    ) -> MessageRecord:
        """Add a message under its parent, or as a first message; it becomes the conversation's leaf."""
        with self._database.writing() as db:
            return reading.records(db, [_add_leaf(db, conversation_id, parent_id, role, parts)])[0]

    def branch(self, conversation_id: int) -> list[MessageRecord]:
        """The messages from the first to the conversation's leaf.

        An answer that is being written, here or by another program, has no stats yet and shows what has come so far.
        """
        with self._database.reading() as db:
            return reading.records(db, [message.id for message in reading.outline(db, conversation_id)])

    def outline(self, conversation_id: int) -> list[MessageOutline]:
        """The messages of the branch in short; none of them is read for it, however many they are."""
        with self._database.reading() as db:
            return reading.outline(db, conversation_id)

    def messages(self, ids: Sequence[int]) -> list[MessageRecord]:
        """The messages of these numbers, in this order."""
        with self._database.reading() as db:
            return reading.records(db, ids)

    def texts(self, ids: Sequence[int]) -> list[tuple[str, ...]]:
        """The `MessageRecord.texts` of the messages of these numbers, in this order: less to read than the messages."""
        with self._database.reading() as db:
            return reading.texts(db, ids)

    def siblings(self, message_id: int) -> list[int]:
        """The messages that share this one's parent, itself among them, oldest first."""
        with self._database.reading() as db:
            conversation_id, parent_id = _place(db, message_id)
            found = db.execute(
                "SELECT id FROM messages WHERE conversation_id = ? AND parent_id IS ? ORDER BY id",
                (conversation_id, parent_id),
            )
            return [number for (number,) in found]

    def set_leaf(self, conversation_id: int, message_id: int) -> None:
        """Make a message the end of the conversation's branch; what comes after it stays, as another branch."""
        with self._database.writing() as db:
            _conversation(db, conversation_id)
            db.execute("UPDATE conversations SET leaf_id = ? WHERE id = ?", (message_id, conversation_id))

    # Answers

    def begin_answer(self, conversation_id: int, *, parent_id: int | None, provenance: Provenance) -> int:
        """Add an assistant message that is being written; it becomes the leaf. Its id."""
        with self._database.writing() as db:
            owner = self._database.locks.claim()
            return _add_leaf(db, conversation_id, parent_id, "assistant", (), provenance, owner)

    def append_to_answer(self, message_id: int, pieces: Sequence[TextData | ReasoningData]) -> None:
        """Keep what came since the last time, all of it or nothing. Of a piece only its text is kept."""
        with self._database.writing() as db:
            self._require_ours(db, message_id)
            (end,) = db.execute(
                "SELECT coalesce(max(seq), 0) FROM journal WHERE message_id = ?", (message_id,)
            ).fetchone()
            db.executemany(
                "INSERT INTO journal (message_id, seq, kind, text) VALUES (?, ?, ?, CAST(? AS TEXT))",
                [
                    (message_id, seq, rows.journal_kind(piece), write_text(piece.text))
                    for seq, piece in enumerate(pieces, end + 1)
                ],
            )

    def finish_answer(
        self,
        message_id: int,
        *,
        parts: tuple[Part, ...],
        stats: LlmPredictionStats,
        provenance: Provenance,
        error: str | None = None,
    ) -> MessageRecord:
        """Make an answer a message like any other, with these parts in place of what was appended."""
        with self._database.writing() as db:
            self._require_ours(db, message_id)
            _finish(db, message_id, parts, stats, provenance, error)
            conversation_id, _ = _place(db, message_id)
            db.execute("UPDATE conversations SET updated_at = ? WHERE id = ?", (time.time(), conversation_id))
            return reading.records(db, [message_id])[0]

    def recover(self) -> list[int]:
        """Finish the answers whose writers are gone, as interrupted, with all that came; their ids.

        Answers that a running program is writing are left to it. An answer of which nothing came stays, empty.
        """
        interrupted = LlmPredictionStats(stop_reason="interrupted")
        with self._database.writing() as db:
            locks = self._database.locks
            locks.sweep()
            unfinished = db.execute("SELECT id, owner FROM messages WHERE owner IS NOT NULL").fetchall()
            left = sorted(message_id for message_id, owner in unfinished if not locks.is_held(owner))
            for message_id in left:
                _finish(db, message_id, rows.journal_parts(reading.journal(db, message_id)), interrupted)
            return left

    def _require_ours(self, db: sqlite3.Connection, message_id: int) -> None:
        row = db.execute("SELECT owner FROM messages WHERE id = ?", (message_id,)).fetchone()
        if row is None:
            raise StoreError("The answer was deleted while it came, perhaps in another window. Ask again.")
        if row[0] is None or row[0] != self._database.locks.token:
            raise StoreError("The answer is finished, or is written by another lmchat. Ask again to get another one.")

    # Prompts

    def remember_prompt(self, text: str) -> None:
        """Keep a prompt, unless it is the one that was kept last."""
        with self._database.writing() as db:
            last = db.execute("SELECT text FROM prompt_history ORDER BY id DESC LIMIT 1").fetchone()
            if last is None or last[0] != text:
                db.execute(
                    "INSERT INTO prompt_history (text, at) VALUES (CAST(? AS TEXT), ?)", (write_text(text), time.time())
                )

    def prompts(self, limit: int = 200) -> list[str]:
        """The prompts kept last, newest first."""
        with self._database.reading() as db:
            return [
                text for (text,) in db.execute("SELECT text FROM prompt_history ORDER BY id DESC LIMIT ?", (limit,))
            ]


def _added_id(db: sqlite3.Connection) -> int:
    return int(db.execute("SELECT last_insert_rowid()").fetchone()[0])


def _conversation(db: sqlite3.Connection, conversation_id: int) -> ConversationSummary:
    row = db.execute(rows.SELECT_SUMMARY + "WHERE id = ?", (conversation_id,)).fetchone()
    if row is None:
        raise reading.no_conversation(conversation_id)
    return rows.summary(row)


def _place(db: sqlite3.Connection, message_id: int) -> tuple[int, int | None]:
    row = db.execute("SELECT conversation_id, parent_id FROM messages WHERE id = ?", (message_id,)).fetchone()
    if row is None:
        raise reading.no_message()
    conversation_id, parent_id = row
    return conversation_id, parent_id


def _add_leaf(
    db: sqlite3.Connection,
    conversation_id: int,
    parent_id: int | None,
    role: Role,
    parts: tuple[Part, ...],
    provenance: Provenance | None = None,
    owner: str | None = None,
) -> int:
    now = time.time()
    origin = None if provenance is None else write_json(provenance)
    size = size_of(parts, None)
    db.execute(_ADD_MESSAGE, (conversation_id, parent_id, role, write_json(parts), size, now, origin, owner))
    message_id = _added_id(db)
    db.execute("UPDATE conversations SET leaf_id = ?, updated_at = ? WHERE id = ?", (message_id, now, conversation_id))
    return message_id


def _finish(
    db: sqlite3.Connection,
    message_id: int,
    parts: tuple[Part, ...],
    stats: LlmPredictionStats,
    provenance: Provenance | None = None,
    error: str | None = None,
) -> None:
    origin = None if provenance is None else write_json(provenance)
    said = None if error is None else write_text(error)
    size, tokens = size_of(parts, error), tokens_of(stats)
    db.execute(_FINISH, (write_json(parts), size, write_json(stats), tokens, origin, said, message_id))
    db.execute("DELETE FROM journal WHERE message_id = ?", (message_id,))
