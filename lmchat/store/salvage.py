"""Taking conversations over from another file: a damaged one, a backup.

Numbers are moved by as much as the file that takes them has given out already: in an empty one they stay as they were.
What hangs on something that is lost is hung on what is nearest to it.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import suppress
from typing import Final

import msgspec

from lmchat.store import rows
from lmchat.store.codec import read_json, write_json, write_text
from lmchat.store.wreck import Fields, Wreck
from lmchat.values.chat import TextData
from lmchat.values.errors import StoreError
from lmchat.values.history import Part, Provenance, Salvaged, size_of, tokens_of
from lmchat.values.prediction import LlmPredictionStats

_CONVERSATION: Final = (
    *("id", "title", "title_by", "created_at", "updated_at", "leaf_id", "model", "forked_from"),
    *("pinned_at", "archived_at", "deleted_at"),
)
_MESSAGE: Final = (
    *("id", "conversation_id", "parent_id", "role", "parts", "created_at", "stats", "provenance", "error", "owner"),
    "deleted_with",
)
_OF_A_MESSAGE: Final = {
    "journal": ("message_id", "seq", "kind", "text"),
    "deletions": ("message_id", "at", "leaf_id"),
}
_OF_NONE: Final = {"prompt_history": ("text", "at"), "drafts": ("conversation_id", "text")}
_OF_CONVERSATIONS: Final = frozenset({"conversation_id"})
_OF_MESSAGES: Final = frozenset({"message_id", "parent_id", "leaf_id", "deleted_with", "forked_from"})
_PARTS: Final = msgspec.json.Decoder(tuple[Part, ...])
_STATS: Final = msgspec.json.Decoder(LlmPredictionStats)
_PROVENANCE: Final = msgspec.json.Decoder(Provenance)
_MEND: Final = (
    """
    INSERT INTO conversations (id, title, created_at, updated_at)
    SELECT conversation_id, 'Recovered', min(created_at), max(created_at) FROM messages
    WHERE conversation_id NOT IN (SELECT id FROM conversations) GROUP BY conversation_id
    """,
    """
    UPDATE messages SET parent_id = (
        SELECT max(id) FROM messages AS earlier
        WHERE earlier.conversation_id = messages.conversation_id AND earlier.id < messages.id
    ) WHERE parent_id IS NOT NULL AND (parent_id >= id OR NOT EXISTS (
        SELECT 1 FROM messages AS parent
        WHERE parent.conversation_id = messages.conversation_id AND parent.id = messages.parent_id
    ))
    """,
    "UPDATE messages SET deleted_with = NULL WHERE deleted_with NOT IN (SELECT message_id FROM deletions)",
    """
    UPDATE conversations SET leaf_id = (
        SELECT max(id) FROM messages WHERE conversation_id = conversations.id AND deleted_with IS NULL
    ) WHERE NOT EXISTS (
        SELECT 1 FROM messages WHERE conversation_id = conversations.id AND id = leaf_id AND deleted_with IS NULL
    )
    """,
    "DELETE FROM journal WHERE message_id NOT IN (SELECT id FROM messages)",
    "DELETE FROM deletions WHERE message_id NOT IN (SELECT id FROM messages)",
    "DELETE FROM tags WHERE conversation_id NOT IN (SELECT id FROM conversations)",
)


def salvage(wreck: Wreck, db: sqlite3.Connection, *, beside: bool = False) -> Salvaged:
    """Take over what can be read, within a transaction.

    Args:
        beside: leave out conversations that are here already, and what belongs to no conversation.

    Raises:
        sqlite3.Error: nothing can be written; what is damaged in the other file is no error.
    """
    db.execute("PRAGMA defer_foreign_keys = ON")
    return _Salvage(wreck, db).run(beside=beside)


class _Salvage:
    def __init__(self, wreck: Wreck, db: sqlite3.Connection) -> None:
        self._wreck = wreck
        self._db = db
        self._conversations = _last(db, "conversations")
        self._messages = _last(db, "messages")
        self._taken: set[object] = set()

    def run(self, *, beside: bool) -> Salvaged:
        left_alone = self._here_already() if beside else set()
        conversations = messages = 0
        for fields in self._wreck.rows("conversations", _CONVERSATION):
            if fields["id"] not in left_alone:
                conversations += self._take("conversations", fields)
        for fields in self._wreck.rows("messages", _MESSAGE):
            if fields.get("conversation_id") not in left_alone:
                self._taken.add(fields["id"])
                messages += self._take("messages", _readable(fields))
        for table, columns in _OF_A_MESSAGE.items():
            for fields in self._wreck.rows(table, columns):
                if fields["message_id"] in self._taken:
                    self._take(table, fields)
        for fields in self._wreck.rows("tags", ["conversation_id", "tag"]):
            if fields["conversation_id"] not in left_alone:
                self._take("tags", fields)
        if not beside:
            for table, columns in _OF_NONE.items():
                for fields in self._wreck.rows(table, columns):
                    self._take(table, fields)
        for statement in _MEND:
            self._db.execute(statement)
        return Salvaged(conversations, messages)

    def _here_already(self) -> set[object]:
        """The numbers there of conversations of which no less is here."""
        query = "SELECT created_at, (SELECT count(*) FROM messages WHERE conversation_id = conversations.id)"
        here: dict[object, int] = {}
        for created_at, count in self._db.execute(f"{query} FROM conversations"):
            here[created_at] = max(count, here.get(created_at, 0))
        sizes = Counter(fields["conversation_id"] for fields in self._wreck.rows("messages", ["conversation_id"]))
        return {
            fields["id"]
            for fields in self._wreck.rows("conversations", ["id", "created_at"])
            if here.get(fields["created_at"], -1) >= sizes[fields["id"]]
        }

    def _take(self, table: str, fields: Fields) -> bool:
        moved = {name: self._moved(table, name, value) for name, value in fields.items()}
        marks = ", ".join("CAST(? AS TEXT)" if isinstance(value, bytes) else "?" for value in moved.values())
        try:
            self._db.execute(f"INSERT INTO {table} ({', '.join(moved)}) VALUES ({marks})", tuple(moved.values()))
        except (sqlite3.IntegrityError, OverflowError):
            # What no store would have written is the damage itself.
            return False
        return True

    def _moved(self, table: str, name: str, value: object) -> object:
        if isinstance(value, str):
            return write_text(value)
        if isinstance(value, int):
            if name in _OF_CONVERSATIONS or (name, table) == ("id", "conversations"):
                return value + self._conversations
            if name in _OF_MESSAGES or (name, table) == ("id", "messages"):
                return value + self._messages
        return value


def _readable(fields: Fields) -> Fields:
    """A message that can be read again: what cannot be understood of it is left out, or taken as text."""
    parts: tuple[Part, ...] = (TextData(str(fields.get("parts") or "")),)
    stats = provenance = None
    with suppress(StoreError):
        parts = read_json(str(fields.get("parts")), _PARTS)
    with suppress(StoreError):
        stats = None if fields.get("stats") is None else read_json(str(fields["stats"]), _STATS)
    with suppress(StoreError):
        provenance = None if fields.get("provenance") is None else read_json(str(fields["provenance"]), _PROVENANCE)
    error = None if fields.get("error") is None else str(fields["error"])
    return {
        **fields,
        "role": fields["role"] if fields.get("role") in rows.ROLES else "user",
        "parts": write_json(parts),
        "size": size_of(parts, error),
        "stats": None if stats is None else write_json(stats),
        "tokens": tokens_of(stats),
        "provenance": None if provenance is None else write_json(provenance),
    }


def _last(db: sqlite3.Connection, table: str) -> int:
    row = db.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (table,)).fetchone()
    return 0 if row is None else int(row[0])
