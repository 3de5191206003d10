"""Messages and their tree: what is added to it, which branch is shown, and how parts of it leave and come back."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence
from typing import Final

from lmchat.store import reading
from lmchat.store.branches import best_leaf, leave, subtree
from lmchat.store.codec import write_json, write_text
from lmchat.store.index import forget
from lmchat.store.nodes import nodes
from lmchat.store.repository import Repository
from lmchat.values.chat import Role
from lmchat.values.errors import StoreError
from lmchat.values.history import MessageNode, MessageOutline, MessageRecord, Part, size_of, tokens_of

_ADD: Final = """
    INSERT INTO messages
        (conversation_id, parent_id, role, parts, size, created_at, stats, tokens, provenance, error, owner)
    VALUES (?, ?, ?, CAST(? AS TEXT), ?, ?, CAST(? AS TEXT), ?, CAST(? AS TEXT), CAST(? AS TEXT), ?)
"""


class Messages(Repository):
    """The tree of messages of each conversation."""

    def add_message(
        self, conversation_id: int, *, parent_id: int | None, role: Role, parts: tuple[Part, ...]
    ) -> MessageRecord:
        """Add a message under its parent, or as a first message; it becomes the conversation's leaf."""
        record = MessageRecord(id=0, parent_id=parent_id, role=role, parts=parts, created_at=time.time())
        with self._database.writing() as db:
            return reading.records(db, [add_leaf(db, conversation_id, record)])[0]

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
        """The messages that share this one's parent, itself among them, oldest first; deleted ones are left out."""
        with self._database.reading() as db:
            conversation_id, parent_id = reading.place(db, message_id)
            found = db.execute(
                "SELECT id FROM messages WHERE conversation_id = ? AND parent_id IS ? AND deleted_with IS NULL "
                "ORDER BY id",
                (conversation_id, parent_id),
            )
            return [number for (number,) in found]

    def alternatives(self, conversation_id: int) -> dict[int, tuple[int, int]]:
        """Messages that have siblings: the place of each among them, from 1, and how many they are."""
        query = """
            SELECT id, row_number() OVER siblings, count(*) OVER (PARTITION BY parent_id) FROM messages
            WHERE conversation_id = ?1 AND deleted_with IS NULL AND coalesce(parent_id, 0) IN (
                SELECT coalesce(parent_id, 0) FROM messages WHERE conversation_id = ?1 AND deleted_with IS NULL
                GROUP BY parent_id HAVING count(*) > 1
            )
            WINDOW siblings AS (PARTITION BY parent_id ORDER BY id)
        """
        with self._database.reading() as db:
            return {number: (place, count) for number, place, count in db.execute(query, (conversation_id,))}

    def tree(self, conversation_id: int) -> list[MessageNode]:
        """All messages of a conversation, oldest first, so that each comes after its parent; deleted ones also."""
        with self._database.reading() as db:
            reading.leaf(db, conversation_id)
            return nodes(db, conversation_id)

    def set_leaf(self, conversation_id: int, message_id: int) -> None:
        """Make a message the end of the conversation's branch; what comes after it stays, as another branch."""
        with self._database.writing() as db:
            _move_to(db, conversation_id, message_id)

    def flip(self, conversation_id: int, message_id: int) -> int:
        """Show the branch that a message is on: as it was when it was left last, else its newest; the leaf of it."""
        with self._database.writing() as db:
            _move_to(db, conversation_id, message_id)
            leaf = best_leaf(db, conversation_id, message_id)
            assert leaf is not None  # the message itself at least
            db.execute("UPDATE conversations SET leaf_id = ? WHERE id = ?", (leaf, conversation_id))
            return leaf

    def delete_message(self, message_id: int) -> int | None:
        """Delete a message with all that comes after it, so that it can be brought back; the leaf of what is shown now.

        If it was on the current branch, another answer to the same question is shown, or else what came before it.
        """
        with self._database.writing() as db:
            conversation_id, parent_id = reading.place(db, message_id)
            leaf = reading.leaf(db, conversation_id)
            gone = subtree(db, conversation_id, message_id)
            db.executemany("UPDATE messages SET deleted_with = ? WHERE id = ?", [(message_id, each) for each in gone])
            lost_leaf = leaf if leaf in gone else None
            db.execute(
                "INSERT INTO deletions (message_id, at, leaf_id) VALUES (?, ?, ?)", (message_id, time.time(), lost_leaf)
            )
            if lost_leaf is not None:
                leave(db, lost_leaf)
                leaf = best_leaf(db, conversation_id, parent_id)
            db.execute("UPDATE conversations SET leaf_id = ? WHERE id = ?", (leaf, conversation_id))
            return leaf

    def undelete_message(self, message_id: int) -> int | None:
        """Bring back what was deleted with a message; the leaf of what is shown now, as it was before.

        Raises:
            StoreError: it was not deleted, was removed for good, or belongs to something that was deleted itself.
        """
        with self._database.writing() as db:
            row = db.execute(
                "SELECT conversation_id, parent_id, deletions.leaf_id FROM deletions "
                "JOIN messages ON messages.id = deletions.message_id WHERE message_id = ?",
                (message_id,),
            ).fetchone()
            if row is None:
                raise StoreError("There is no deleted message of this number to bring back. Look at the tree again.")
            conversation_id, parent_id, lost_leaf = row
            leaf = reading.leaf(db, conversation_id)
            if parent_id is not None:
                reading.place(db, parent_id)
            db.execute(
                "UPDATE messages SET deleted_with = NULL WHERE conversation_id = ? AND deleted_with = ?",
                (conversation_id, message_id),
            )
            db.execute("DELETE FROM deletions WHERE message_id = ?", (message_id,))
            if lost_leaf is not None:
                leave(db, leaf)
                leaf = int(lost_leaf)
            db.execute("UPDATE conversations SET leaf_id = ? WHERE id = ?", (leaf, conversation_id))
            return leaf


def add_leaf(db: sqlite3.Connection, conversation_id: int, record: MessageRecord, owner: str | None = None) -> int:
    """Add a message under its parent, as the conversation's leaf; its number.

    Raises:
        StoreError: the conversation or the parent is not there.
    """
    row = db.execute(
        "SELECT leaf_id FROM conversations WHERE id = ? AND deleted_at IS NULL", (conversation_id,)
    ).fetchone()
    if row is None:
        raise reading.no_place()
    if record.parent_id is not None:
        parent = "SELECT 1 FROM messages WHERE id = ? AND conversation_id = ? AND deleted_with IS NULL"
        if db.execute(parent, (record.parent_id, conversation_id)).fetchone() is None:
            raise reading.no_place()
    if row[0] != record.parent_id:
        leave(db, row[0])
    number = add_record(db, conversation_id, record, owner)
    db.execute(
        "UPDATE conversations SET leaf_id = ?, updated_at = ? WHERE id = ?",
        (number, record.created_at, conversation_id),
    )
    return number


def add_record(db: sqlite3.Connection, conversation_id: int, record: MessageRecord, owner: str | None = None) -> int:
    """Add a message to the tree, with a number of its own."""
    origin, stats, error = record.provenance, record.stats, record.error
    values = (
        conversation_id,
        record.parent_id,
        record.role,
        write_json(record.parts),
        size_of(record.parts, error),
        record.created_at,
        None if stats is None else write_json(stats),
        tokens_of(stats),
        None if origin is None else write_json(origin),
        None if error is None else write_text(error),
        owner,
    )
    db.execute(_ADD, values)
    return reading.added_id(db)


def remove_deleted(db: sqlite3.Connection, message_id: int) -> int:
    """Remove for good what was deleted with a message, and what of it had been deleted before; how many messages."""
    place = db.execute("SELECT conversation_id FROM messages WHERE id = ?", (message_id,)).fetchone()
    if place is None:
        return 0
    gone = subtree(db, place[0], message_id, deleted=True)
    being_written = "SELECT id FROM messages WHERE owner IS NOT NULL"
    forget(db, gone - {number for (number,) in db.execute(being_written)})
    # Children first: a message cannot be without its parent.
    db.executemany("DELETE FROM messages WHERE id = ?", [(number,) for number in sorted(gone, reverse=True)])
    db.execute("UPDATE conversations SET leaf_id = leaf_id WHERE id = ?", place)
    return len(gone)


def _move_to(db: sqlite3.Connection, conversation_id: int, message_id: int) -> None:
    leaf = reading.leaf(db, conversation_id)
    if reading.place(db, message_id)[0] != conversation_id:
        raise reading.no_place()
    if leaf != message_id:
        leave(db, leaf)
        db.execute("UPDATE conversations SET leaf_id = ? WHERE id = ?", (message_id, conversation_id))
