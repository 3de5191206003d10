"""Ways through the tree of messages: what hangs on a message, and which leaf of it is shown."""

from __future__ import annotations

import sqlite3
from typing import Final

_UNDER: Final = """
    WITH RECURSIVE under (id) AS (
        SELECT id FROM messages WHERE conversation_id = ? AND {start} AND {wanted}
        UNION ALL
        SELECT messages.id FROM under JOIN messages
            ON messages.conversation_id = ? AND messages.parent_id = under.id AND {wanted}
    )
"""
_IS_LEAF: Final = """
    NOT EXISTS (
        SELECT 1 FROM messages WHERE conversation_id = ? AND parent_id = under.id AND deleted_with IS NULL
    )
"""
_THERE: Final = "messages.deleted_with IS NULL"


def subtree(db: sqlite3.Connection, conversation_id: int, message_id: int, *, deleted: bool = False) -> set[int]:
    """A message and all that comes after it; what of it was deleted only if that is wanted."""
    under = _UNDER.format(start="messages.id = ?", wanted="1" if deleted else _THERE)
    found = db.execute(under + "SELECT id FROM under", (conversation_id, message_id, conversation_id))
    return {number for (number,) in found}


def best_leaf(db: sqlite3.Connection, conversation_id: int, message_id: int | None) -> int | None:
    """The leaf that was left last of those that come after a message, else the newest; None when there is no message.

    Args:
        message_id: None looks at the whole conversation.
    """
    start = "messages.parent_id IS ?" if message_id is None else "messages.id = ?"
    query = f"""
        {_UNDER.format(start=start, wanted=_THERE)}
        SELECT under.id FROM under LEFT JOIN visits ON visits.message_id = under.id WHERE {_IS_LEAF}
        ORDER BY visits.number IS NULL, visits.number DESC, under.id DESC LIMIT 1
    """
    row = db.execute(query, (conversation_id, message_id, conversation_id, conversation_id)).fetchone()
    return None if row is None else int(row[0])


def leave(db: sqlite3.Connection, leaf: int | None) -> None:
    """Remember that this leaf was shown until now."""
    if leaf is not None:
        db.execute("DELETE FROM visits WHERE message_id = ?", (leaf,))
        db.execute("INSERT INTO visits (message_id) VALUES (?)", (leaf,))
