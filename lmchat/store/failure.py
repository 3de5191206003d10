"""What went wrong with the file, in words: each error of SQLite and of the file system becomes a `StoreError`."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from lmchat.values.errors import StoreError

_ELSEWHERE = "Make the file and its folder writable, or name another folder in LMCHAT_DATA_DIR."

# By SQLite's primary result code.
_EXPLANATIONS = {
    sqlite3.SQLITE_FULL: (
        "The disk is full: what comes now cannot be kept in {path}. Make room and try again; what was kept is safe."
    ),
    sqlite3.SQLITE_IOERR: (
        "The disk failed while {path} was read or written ({error}). Check the disk and the room on it, and try again."
    ),
    sqlite3.SQLITE_BUSY: "Another program keeps {path} locked. Close it, or try again.",
    sqlite3.SQLITE_READONLY: "Nothing can be written to {path}. " + _ELSEWHERE,
    sqlite3.SQLITE_CANTOPEN: "The conversations in {path} cannot be opened. " + _ELSEWHERE,
    sqlite3.SQLITE_PERM: "The conversations in {path} may not be opened. " + _ELSEWHERE,
    sqlite3.SQLITE_CORRUPT: (
        "A part of {path} is damaged. Start lmchat again: it checks the file, and if need be keeps it aside."
    ),
    sqlite3.SQLITE_NOTADB: (
        "{path} is damaged. Start lmchat again: it checks the file, and if need be keeps it aside."
    ),
    sqlite3.SQLITE_CONSTRAINT: (
        "The conversation or message that this belongs to is not there. It may have been deleted in another window; "
        "go on in another conversation."
    ),
}
_OTHERWISE = (
    "The conversations in {path} cannot be used now: {error}. Try again, or name another folder in LMCHAT_DATA_DIR."
)


def is_damage(error: sqlite3.Error) -> bool:
    """Whether the error says that the file's content is broken."""
    return _primary_code(error) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def suspect_mark(database: Path) -> Path:
    """A file that stands beside a database in which damage was met, until the whole database has been checked."""
    return database.with_name(f"{database.name}.suspect")


@contextmanager
def explained(database: Path | None) -> Iterator[None]:
    """Whatever of SQLite or the file system fails in the block becomes a `StoreError` that says what to do.

    Args:
        database: the file, beside which damage is noted; None when there is none.
    """
    name = database or "memory"
    try:
        yield
    except sqlite3.Error as error:
        if database is not None and is_damage(error):
            with suppress(OSError):
                suspect_mark(database).touch(mode=0o600)
        text = _EXPLANATIONS.get(_primary_code(error), _OTHERWISE)
        raise StoreError(text.format(path=name, error=error)) from error
    except OverflowError as error:
        raise StoreError("There is nothing with such a high number. Look it up in the list again.") from error
    except OSError as error:
        reason = error.strerror or error
        raise StoreError(f"The conversations cannot be kept in {name}: {reason}. {_ELSEWHERE}") from error


def _primary_code(error: sqlite3.Error) -> int:
    # Errors of Python's own module carry no code.
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK) & 0xFF
