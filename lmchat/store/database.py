"""The database file: opened so that what is committed survives a power cut, and kept aside when it is damaged."""

from __future__ import annotations

import itertools
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Final, Literal

from lmchat.store.codec import read_text
from lmchat.store.failure import explained, is_damage, suspect_mark
from lmchat.store.locks import Locks, SoleOwner
from lmchat.store.private import make_private_file, make_private_folder
from lmchat.store.salvage import salvage
from lmchat.store.schema import migrate
from lmchat.store.transaction import transaction
from lmchat.store.wreck import Wreck, copy_of
from lmchat.values.history import Salvaged

_BUSY_SECONDS = 10.0
_CACHE_KIB: Final = 16_384
"""At most; SQLite takes it as it is needed."""


class Database:
    """One connection to one file. Every error of SQLite and of the file system leaves it as a `StoreError`."""

    def __init__(self, path: Path | None) -> None:
        """Open the file, or make it; None is a database of which nothing reaches a disk.

        Raises:
            StoreError: it cannot be opened, made or migrated, or is a newer lmchat's.
        """
        # Links are followed here, for SQLite puts the log beside the file itself; so locks and copies belong there too.
        self._path = path = path and path.resolve()
        self.notice: str | None = None
        """What a person should know about how the file was found; None when there is nothing to say."""
        with explained(path):
            if path is None:
                self.locks: Locks = SoleOwner()
                self._connection = _connect_to_memory()
                return
            make_private_folder(path.parent)
            self.locks = Locks(path)
            with self.locks.opening():
                self._connection = self._open(path)

    def _open(self, path: Path) -> sqlite3.Connection:
        try:
            return _connect(path)
        except sqlite3.DatabaseError as error:
            if not is_damage(error):
                raise
        kept = _keep_aside(path)
        connection = _connect(path)
        saved = Salvaged(0, 0)
        # Without what could not be taken over, there is still a store to go on with.
        with (
            suppress(sqlite3.Error, OSError),
            copy_of(kept) as copy,
            closing(Wreck(copy)) as wreck,
            transaction(connection, "IMMEDIATE"),
        ):
            saved = salvage(wreck, connection)
        self.notice = (
            f"The file with your conversations was damaged. It is kept as {kept}, and a new one was begun with what "
            f"could be read: {saved.conversations} conversations, {saved.messages} messages. "
            "Nothing was deleted: SQLite's .recover command can sometimes read more."
        )
        return connection

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A block whose reads are all of one moment."""
        yield from self._transaction("DEFERRED")

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A block that is done wholly, and durably, or not at all."""
        yield from self._transaction("IMMEDIATE")

    def _transaction(self, kind: Literal["DEFERRED", "IMMEDIATE"]) -> Iterator[sqlite3.Connection]:
        with explained(self._path), transaction(self._connection, kind):
            yield self._connection

    def close(self) -> None:
        """Close the file. Closing again does nothing."""
        with explained(self._path):
            self._connection.close()
            self.locks.release()


def _connect_to_memory() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    connection.text_factory = read_text
    _prepare(connection)
    return connection


def _connect(path: Path) -> sqlite3.Connection:
    wal = path.with_name(f"{path.name}-wal")
    if path.exists() and not path.stat().st_size and wal.exists() and wal.stat().st_size:
        # SQLite would take the file for a new one, and delete the log that holds its content.
        raise _damaged("the file is empty, its log is not")
    make_private_file(path)
    # Its log and shared memory get the modes of the file from SQLite. The thread that owns the store is not always
    # the one that opened it.
    connection = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        connection.text_factory = read_text
        _prepare(connection)
        _check(connection, suspect_mark(path))
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA foreign_keys = ON")
    # What a conversation says is not to lie about in files for sorting.
    connection.execute("PRAGMA temp_store = MEMORY")
    connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
    connection.execute("PRAGMA synchronous = FULL")
    # On macOS only this reaches the disk itself; elsewhere it does nothing.
    connection.execute("PRAGMA fullfsync = ON")
    migrate(connection)
    connection.execute("PRAGMA journal_mode = WAL")


def _check(connection: sqlite3.Connection, suspect: Path) -> None:
    """Look for damage: always a glance at each table, and everything once an earlier session has met some."""
    for query in (
        "SELECT * FROM conversations ORDER BY updated_at DESC LIMIT 1",
        "SELECT * FROM messages ORDER BY id DESC LIMIT 1",
        "SELECT * FROM journal LIMIT 1",
        "SELECT * FROM prompt_history ORDER BY id DESC LIMIT 1",
    ):
        connection.execute(query).fetchall()
    if suspect.exists():
        verdict = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
        if verdict != "ok":
            raise _damaged(verdict)
        suspect.unlink()


def _damaged(what: str) -> sqlite3.DatabaseError:
    error = sqlite3.DatabaseError(what)
    error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    return error


def _keep_aside(path: Path) -> Path:
    name = f"{path.name}.corrupt-{time.strftime('%Y%m%d-%H%M%S')}"
    kept = path.with_name(name)
    for number in itertools.count(2):
        if not kept.exists():
            break
        kept = path.with_name(f"{name}-{number}")
    # The file last: a new file must never meet the log of the old one, which SQLite would take for its own.
    for suffix in ("-wal", "-shm", ""):
        source = path.with_name(path.name + suffix)
        if source.exists():
            source.rename(kept.with_name(kept.name + suffix))
    suspect_mark(path).unlink(missing_ok=True)
    return kept
