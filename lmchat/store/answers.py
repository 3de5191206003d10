"""Answers while they are written: a journal that only grows, and at the end a message like any other."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence
from typing import Final

from lmchat.store import reading, rows
from lmchat.store.codec import write_json, write_text
from lmchat.store.messages import add_leaf
from lmchat.store.repository import Repository
from lmchat.values.chat import TextData
from lmchat.values.errors import StoreError
from lmchat.values.history import MessageRecord, Part, Provenance, ReasoningData, size_of, tokens_of
from lmchat.values.prediction import LlmPredictionStats

INTERRUPTED: Final = LlmPredictionStats(stop_reason="interrupted")
"""How an answer ended whose writer is gone."""
_FINISH: Final = """
    UPDATE messages
    SET parts = CAST(? AS TEXT), size = ?, stats = CAST(? AS TEXT), tokens = ?,
        provenance = coalesce(CAST(? AS TEXT), provenance), error = CAST(? AS TEXT), owner = NULL
    WHERE id = ?
"""


class Answers(Repository):
    """Answers that are being written, each by the one program that began it."""

    def begin_answer(self, conversation_id: int, *, parent_id: int | None, provenance: Provenance) -> int:
        """Add an assistant message that is being written; it becomes the leaf. Its id."""
        record = MessageRecord(
            id=0, parent_id=parent_id, role="assistant", parts=(), created_at=time.time(), provenance=provenance
        )
        with self._database.writing() as db:
            number = add_leaf(db, conversation_id, record, self._database.locks.claim())
            _note_model(db, number, provenance)
            return number

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
            _note_model(db, message_id, provenance)
            conversation_id, _ = reading.place(db, message_id)
            db.execute("UPDATE conversations SET updated_at = ? WHERE id = ?", (time.time(), conversation_id))
            return reading.records(db, [message_id])[0]

    def recover(self) -> list[int]:
        """Finish the answers whose writers are gone, as interrupted, with all that came; their ids.

        Answers that a running program is writing are left to it. An answer of which nothing came stays, empty.
        """
        with self._database.writing() as db:
            locks = self._database.locks
            locks.sweep()
            unfinished = db.execute("SELECT id, owner FROM messages WHERE owner IS NOT NULL").fetchall()
            left = sorted(message_id for message_id, owner in unfinished if not locks.is_held(owner))
            for message_id in left:
                _finish(db, message_id, rows.journal_parts(reading.journal(db, message_id)), INTERRUPTED)
                # Others are to see that it has changed.
                db.execute(
                    "UPDATE conversations SET leaf_id = leaf_id "
                    "WHERE id = (SELECT conversation_id FROM messages WHERE id = ?)",
                    (message_id,),
                )
            return left

    def being_written(self, conversation_id: int) -> bool:
        """Whether another running program is writing an answer on the conversation's current branch.

        Asking now would put a second answer under what is not finished; wait until this is no longer so.
        """
        with self._database.reading() as db:
            if not self._others(db, conversation_id):
                return False
        with self._database.writing() as db:
            self._database.locks.sweep()
            alive = {
                number for number, owner in self._others(db, conversation_id) if self._database.locks.is_held(owner)
            }
            return any(outline.id in alive for outline in reading.outline(db, conversation_id)) if alive else False

    def _others(self, db: sqlite3.Connection, conversation_id: int) -> list[tuple[int, str]]:
        query = """
            SELECT id, owner FROM messages
            WHERE owner IS NOT NULL AND conversation_id = ? AND owner IS NOT ? AND deleted_with IS NULL
        """
        return db.execute(query, (conversation_id, self._database.locks.token)).fetchall()

    def _require_ours(self, db: sqlite3.Connection, message_id: int) -> None:
        try:
            reading.place(db, message_id)
        except StoreError:
            raise StoreError("The answer was deleted while it came, perhaps in another window. Ask again.") from None
        (owner,) = db.execute("SELECT owner FROM messages WHERE id = ?", (message_id,)).fetchone()
        if owner is None or owner != self._database.locks.token:
            raise StoreError("The answer is finished, or is written by another lmchat. Ask again to get another one.")


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


def _note_model(db: sqlite3.Connection, message_id: int, provenance: Provenance) -> None:
    if provenance.model is not None:
        db.execute(
            "UPDATE conversations SET model = CAST(? AS TEXT) "
            "WHERE id = (SELECT conversation_id FROM messages WHERE id = ?)",
            (write_text(provenance.model.model_key), message_id),
        )
