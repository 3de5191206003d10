"""Reading messages: the outline of a branch out of an index alone, and the whole of those messages that are wanted."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Final

from lmchat.store import rows
from lmchat.values.errors import StoreError
from lmchat.values.history import MessageOutline, MessageRecord

_OUTLINE = """
    SELECT id, parent_id, role, size, tokens FROM messages INDEXED BY messages_outline
    WHERE conversation_id = ? ORDER BY id DESC
"""
_IS_THERE: Final = """
    deleted_with IS NULL AND conversation_id NOT IN (SELECT id FROM conversations WHERE deleted_at IS NOT NULL)
"""
AT_ONCE: Final = 500
"""Numbers to a query: before 3.32, SQLite took at most 999 values in one."""


def outline(db: sqlite3.Connection, conversation_id: int) -> list[MessageOutline]:
    """The messages from the first to the conversation's leaf, in short.

    Raises:
        StoreError: there is no such conversation, or messages are missing in it.
    """
    wanted = leaf(db, conversation_id)
    branch: list[MessageOutline] = []
    # A message is always newer than its parent, so that a branch is found in one go from the newest message back.
    for number, parent_id, role, size, tokens in db.execute(_OUTLINE, (conversation_id,)):
        if number == wanted:
            branch.append(MessageOutline(number, rows.ROLES.get(role, role), size, tokens))
            wanted = parent_id
    if wanted is not None:
        raise StoreError("Messages of the conversation are missing from the file. Go on in another conversation.")
    branch.reverse()
    return branch


def leaf(db: sqlite3.Connection, conversation_id: int) -> int | None:
    """The end of the current branch; None in a conversation without messages.

    Raises:
        StoreError: there is no such conversation.
    """
    row = db.execute(
        "SELECT leaf_id FROM conversations WHERE id = ? AND deleted_at IS NULL", (conversation_id,)
    ).fetchone()
    if row is None:
        raise no_conversation(conversation_id)
    (leaf_id,) = row
    return None if leaf_id is None else int(leaf_id)


def place(db: sqlite3.Connection, message_id: int) -> tuple[int, int | None]:
    """The conversation of a message, and its parent.

    Raises:
        StoreError: there is no such message.
    """
    row = db.execute(
        f"SELECT conversation_id, parent_id FROM messages WHERE id = ? AND {_IS_THERE}", (message_id,)
    ).fetchone()
    if row is None:
        raise no_message()
    conversation_id, parent_id = row
    return conversation_id, parent_id


def added_id(db: sqlite3.Connection) -> int:
    """The number of the row that was added last."""
    return int(db.execute("SELECT last_insert_rowid()").fetchone()[0])


def records(db: sqlite3.Connection, ids: Sequence[int]) -> list[MessageRecord]:
    """The messages of these numbers, in this order.

    Raises:
        StoreError: one of them is not there, or cannot be read.
    """
    return [rows.message(row, _journal_of(db, row)) for row in _rows(db, rows.MESSAGE_COLUMNS, ids)]


def texts(db: sqlite3.Connection, ids: Sequence[int]) -> list[tuple[str, ...]]:
    """The texts of the messages of these numbers, in this order; less to read than the messages.

    Raises:
        StoreError: one of them is not there, or cannot be read.
    """
    return [rows.texts(row, _journal_of(db, row)) for row in _rows(db, rows.TEXT_COLUMNS, ids)]


def journal(db: sqlite3.Connection, message_id: int) -> rows.Journal:
    """What has come of an answer that is being written."""
    return db.execute("SELECT kind, text FROM journal WHERE message_id = ? ORDER BY seq", (message_id,))


def no_conversation(conversation_id: int) -> StoreError:
    """What to say of a conversation that is not there."""
    return StoreError(f"There is no conversation {conversation_id}. Choose one from the list.")


def no_message() -> StoreError:
    """What to say of a message that is not there."""
    return StoreError("The message was deleted, perhaps in another window. Open the conversation again.")


def no_place() -> StoreError:
    """What to say when that to which something is to be added is not there."""
    return StoreError(
        "The conversation or message that this belongs to is not there. It may have been deleted in another window; "
        "bring it back, or go on in another conversation."
    )


def _journal_of(db: sqlite3.Connection, row: rows.Row) -> rows.Journal:
    return journal(db, row[0]) if rows.is_being_written(row) else ()


def _rows(db: sqlite3.Connection, columns: str, ids: Sequence[int]) -> Iterator[rows.Row]:
    for begin in range(0, len(ids), AT_ONCE):
        some = ids[begin : begin + AT_ONCE]
        marks = ",".join("?" * len(some))
        query = f"SELECT {columns} FROM messages WHERE id IN ({marks}) AND {_IS_THERE}"
        found = {row[0]: row for row in db.execute(query, some)}
        for number in some:
            if number not in found:
                raise no_message()
            yield found[number]
