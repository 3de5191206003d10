"""The shape of the database: numbered migrations, which are only ever appended to.

A file's `user_version` is the number of migrations it has had. The tables do without STRICT, which SQLite knows since
3.37: Python on several long-lived Linux distributions has an older one, and a file with it could not even be read
there. Every value that is bound has its column's type already.
"""

from __future__ import annotations

import sqlite3

from lmchat.store.transaction import transaction
from lmchat.values.errors import StoreError

APPLICATION_ID = 0x6C6D6368
"""Marks a SQLite file as ours; `file` and SQLite's own tools show it."""

_FIRST = (
    f"PRAGMA application_id = {APPLICATION_ID}",
    # AUTOINCREMENT: the number of something deleted never comes back as something else. A key holds the id together
    # with its conversation, so that a message's parent and a conversation's leaf cannot be of another conversation.
    """
    CREATE TABLE conversations (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        title TEXT NOT NULL,
        created_at REAL NOT NULL,
        updated_at REAL NOT NULL,
        leaf_id INTEGER,
        FOREIGN KEY (id, leaf_id) REFERENCES messages (conversation_id, id)
    )
    """,
    "CREATE INDEX conversations_by_activity ON conversations (updated_at)",
    # While an answer is being written, owner names the program that writes it; otherwise it is NULL.
    """
    CREATE TABLE messages (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        conversation_id INTEGER NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
        parent_id INTEGER,
        role TEXT NOT NULL,
        parts TEXT NOT NULL,
        created_at REAL NOT NULL,
        stats TEXT,
        provenance TEXT,
        error TEXT,
        owner TEXT,
        UNIQUE (conversation_id, id),
        FOREIGN KEY (conversation_id, parent_id) REFERENCES messages (conversation_id, id)
    )
    """,
    "CREATE INDEX messages_by_parent ON messages (conversation_id, parent_id)",
    "CREATE INDEX messages_being_written ON messages (owner) WHERE owner IS NOT NULL",
    """
    CREATE TABLE journal (
        message_id INTEGER NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
        seq INTEGER NOT NULL,
        kind TEXT NOT NULL,
        text TEXT NOT NULL,
        PRIMARY KEY (message_id, seq)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE prompt_history (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        text TEXT NOT NULL,
        at REAL NOT NULL
    )
    """,
)

# What an outline tells of a message, in an index that has all of it: a long conversation is opened without reading its
# messages. Text functions instead of JSON's, which an older SQLite may lack; inside a JSON string the quotes of the
# name would be escaped, so that only the name itself is found. CAST reads the digits at the beginning.
_OUTLINE = (
    "ALTER TABLE messages ADD COLUMN size INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE messages ADD COLUMN tokens INTEGER NOT NULL DEFAULT 0",
    """
    UPDATE messages SET
        size = length(parts) + coalesce(length(error), 0),
        tokens = CASE WHEN instr(stats, '"predictedTokensCount":')
            THEN max(0, CAST(substr(stats, instr(stats, '"predictedTokensCount":') + 23) AS INTEGER))
            ELSE 0 END
    """,
    "CREATE INDEX messages_outline ON messages (conversation_id, id, parent_id, role, size, tokens)",
)

_CHANGED = """
    BEGIN
        DELETE FROM changes WHERE conversation_id = {id};
        INSERT INTO changes (conversation_id) VALUES ({id});
    END
"""

# Many conversations: kept in order, found again, deleted and brought back. A title's title_by is a TitleSource.
_LIBRARY = (
    "ALTER TABLE conversations ADD COLUMN pinned_at REAL",
    "ALTER TABLE conversations ADD COLUMN archived_at REAL",
    "ALTER TABLE conversations ADD COLUMN deleted_at REAL",
    "ALTER TABLE conversations ADD COLUMN title_by TEXT NOT NULL DEFAULT 'words'",
    "ALTER TABLE conversations ADD COLUMN forked_from INTEGER",
    "ALTER TABLE conversations ADD COLUMN model TEXT",
    """
    UPDATE conversations SET model = (
        SELECT substr(rest, 1, instr(rest, '"') - 1) FROM (
            SELECT substr(provenance, instr(provenance, '"modelKey":"') + 12) AS rest FROM messages
            WHERE conversation_id = conversations.id AND instr(provenance, '"modelKey":"')
            ORDER BY id DESC LIMIT 1
        )
    )
    """,
    """
    CREATE INDEX conversations_listed ON conversations (
        deleted_at IS NOT NULL, archived_at IS NOT NULL, pinned_at IS NOT NULL, updated_at
    )
    """,
    "CREATE INDEX conversations_pinned ON conversations (pinned_at) WHERE pinned_at IS NOT NULL",
    "CREATE INDEX conversations_deleted ON conversations (deleted_at) WHERE deleted_at IS NOT NULL",
    """
    CREATE TABLE tags (
        conversation_id INTEGER NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
        tag TEXT NOT NULL,
        PRIMARY KEY (conversation_id, tag)
    ) WITHOUT ROWID
    """,
    "CREATE INDEX tags_by_name ON tags (tag, conversation_id)",
    # A message is deleted together with all that comes after it; deleted_with is the first of them in all of them.
    # Of a deletion leaf_id is the conversation's leaf that went with it, to be the leaf again when it is undone.
    "ALTER TABLE messages ADD COLUMN deleted_with INTEGER",
    "CREATE INDEX messages_deleted ON messages (conversation_id, deleted_with) WHERE deleted_with IS NOT NULL",
    """
    CREATE TABLE deletions (
        message_id INTEGER PRIMARY KEY REFERENCES messages (id) ON DELETE CASCADE,
        at REAL NOT NULL,
        leaf_id INTEGER
    )
    """,
    # Leaves that were left for another branch, the one that was left last having the highest number.
    """
    CREATE TABLE visits (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        message_id INTEGER NOT NULL UNIQUE REFERENCES messages (id) ON DELETE CASCADE
    )
    """,
    # The draft of no conversation yet has no conversation_id.
    """
    CREATE TABLE drafts (
        id INTEGER PRIMARY KEY,
        conversation_id INTEGER UNIQUE REFERENCES conversations (id) ON DELETE CASCADE,
        text TEXT NOT NULL
    )
    """,
    # What changed last has the highest number; a conversation that is gone for good stays here.
    """
    CREATE TABLE changes (
        revision INTEGER PRIMARY KEY AUTOINCREMENT,
        conversation_id INTEGER NOT NULL UNIQUE
    )
    """,
    "CREATE TRIGGER conversation_added AFTER INSERT ON conversations" + _CHANGED.format(id="NEW.id"),
    "CREATE TRIGGER conversation_changed AFTER UPDATE ON conversations" + _CHANGED.format(id="NEW.id"),
    "CREATE TRIGGER conversation_gone AFTER DELETE ON conversations" + _CHANGED.format(id="OLD.id"),
    "CREATE TRIGGER tag_added AFTER INSERT ON tags" + _CHANGED.format(id="NEW.conversation_id"),
    "CREATE TRIGGER tag_gone AFTER DELETE ON tags" + _CHANGED.format(id="OLD.conversation_id"),
    # What the full-text index does not have yet: messages by their number, titles by their conversation's, negative.
    # The index itself is no part of the schema, for not every SQLite has the module that it needs.
    "CREATE TABLE unindexed (entry INTEGER PRIMARY KEY)",
    """
    CREATE TRIGGER message_added AFTER INSERT ON messages WHEN NEW.owner IS NULL
    BEGIN INSERT OR IGNORE INTO unindexed VALUES (NEW.id); END
    """,
    """
    CREATE TRIGGER message_changed AFTER UPDATE OF parts, error, owner ON messages WHEN NEW.owner IS NULL
    BEGIN INSERT OR IGNORE INTO unindexed VALUES (NEW.id); END
    """,
    "CREATE TRIGGER message_gone AFTER DELETE ON messages BEGIN DELETE FROM unindexed WHERE entry = OLD.id; END",
    """
    CREATE TRIGGER title_added AFTER INSERT ON conversations
    BEGIN INSERT OR IGNORE INTO unindexed VALUES (-NEW.id); END
    """,
    """
    CREATE TRIGGER title_changed AFTER UPDATE OF title ON conversations WHEN NEW.title <> OLD.title
    BEGIN INSERT OR IGNORE INTO unindexed VALUES (-NEW.id); END
    """,
    "CREATE TRIGGER title_gone AFTER DELETE ON conversations BEGIN DELETE FROM unindexed WHERE entry = -OLD.id; END",
    "CREATE TABLE models (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE)",
)

MIGRATIONS: tuple[tuple[str, ...], ...] = (_FIRST, _OUTLINE, _LIBRARY)
"""Each migration's statements, in order; what is released is never edited."""


def migrate(connection: sqlite3.Connection) -> None:
    """Bring a database to the present shape, each step in a transaction of its own.

    Raises:
        StoreError: the file is a newer lmchat's or another program's. It is left as it is.
    """
    version = _check(connection)
    while version < len(MIGRATIONS):
        with transaction(connection, "IMMEDIATE"):
            version = _check(connection)
            if version < len(MIGRATIONS):
                for statement in MIGRATIONS[version]:
                    connection.execute(statement)
                version += 1
                connection.execute(f"PRAGMA user_version = {version}")


def _check(connection: sqlite3.Connection) -> int:
    version = _number(connection, "PRAGMA user_version")
    ours = _number(connection, "PRAGMA application_id") == APPLICATION_ID
    if not ours and (version or _number(connection, "SELECT count(*) FROM sqlite_master")):
        raise StoreError("The file is another program's database. Move it away, or set LMCHAT_DATA_DIR elsewhere.")
    if version > len(MIGRATIONS):
        raise StoreError(
            f"The conversations were kept by a newer lmchat (format {version}; this one reads up to "
            f"{len(MIGRATIONS)}). Update lmchat, or set LMCHAT_DATA_DIR to another folder."
        )
    return version


def _number(connection: sqlite3.Connection, query: str) -> int:
    return int(connection.execute(query).fetchone()[0])
