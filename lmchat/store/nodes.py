"""The tree of a conversation for a drawing: of each message only the beginning is taken out of what is kept."""

from __future__ import annotations

import json
import re
import sqlite3
from typing import Final

from lmchat.store.rows import ROLES, Row
from lmchat.values.history import MessageNode

_CHARACTERS: Final = 80
_ENOUGH: Final = 600
"""Characters of JSON of which those are made; what escapes make longer is cut shorter."""
# The first text in a message's parts, or the first reasoning if there is none: both are kept under the same name, and
# inside a JSON string the quotes of the pattern would be escaped.
_QUERY: Final = f"""
    SELECT id, parent_id, role,
        substr(parts, max(instr(parts, '"type":"text","text":"'), instr(parts, '"text":"')), {_ENOUGH}),
        created_at, stats, deleted_with,
        (SELECT text FROM journal WHERE message_id = messages.id AND messages.owner IS NOT NULL ORDER BY seq LIMIT 1)
    FROM messages WHERE conversation_id = ? ORDER BY id
"""
_TEXT: Final = re.compile(r'"text":"((?:[^"\\]|\\u[0-9a-fA-F]{4}|\\[^u])*)')
_STOP_REASON: Final = re.compile(r'"stopReason":("(?:[^"\\]|\\.)*")')


def nodes(db: sqlite3.Connection, conversation_id: int) -> list[MessageNode]:
    """All messages, oldest first."""
    return [_node(row) for row in db.execute(_QUERY, (conversation_id,))]


def _node(row: Row) -> MessageNode:
    number, parent_id, role, parts, created_at, stats, deleted_with, journal = row
    return MessageNode(
        id=number,
        parent_id=parent_id,
        role=ROLES[role],
        words=_words(journal if journal is not None else _first_text(parts)),
        created_at=created_at,
        stop_reason=_stop_reason(stats),
        deleted=deleted_with is not None,
    )


def _first_text(parts: str) -> str:
    found = _TEXT.search(parts)
    return "" if found is None else str(json.loads(f'"{found[1]}"', strict=False))


def _words(text: str) -> str:
    line = " ".join(text[:_ENOUGH].split())
    return line if len(line) <= _CHARACTERS else line[: _CHARACTERS - 1].rstrip() + "…"


def _stop_reason(stats: str | None) -> str | None:
    found = None if stats is None else _STOP_REASON.search(stats)
    return None if found is None else str(json.loads(found[1], strict=False))
