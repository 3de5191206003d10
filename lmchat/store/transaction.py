"""All or nothing: one SQLite transaction as a `with` block."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Literal


@contextmanager
def transaction(connection: sqlite3.Connection, kind: Literal["DEFERRED", "IMMEDIATE"]) -> Iterator[None]:
    """Commit at the end of the block, or roll back what it did.

    DEFERRED is for reading: everything the block sees is of one moment. IMMEDIATE is for writing: nobody else writes
    while the block runs, so what it read still holds when it writes.
    """
    connection.execute(f"BEGIN {kind}")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # After a full disk SQLite has often rolled back already; the error that led here is the one to tell.
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise
