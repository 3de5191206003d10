"""Copies of the whole file: made while it is used, checked, and taken from again."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from lmchat.store.failure import explained
from lmchat.store.repository import Repository
from lmchat.store.salvage import salvage
from lmchat.store.wreck import Wreck
from lmchat.values.errors import StoreError
from lmchat.values.history import Salvaged


class Copies(Repository):
    """Backups of the store, and what is taken back from them."""

    def backup(self, path: Path) -> None:
        """Copy everything to a new file, of one moment, while this and other programs go on; then check the copy.

        The file is for this user's eyes only, and can be opened like any other store.

        Raises:
            StoreError: there is a file already, it cannot be written, or the copy is not whole; then there is none.
        """
        with explained(path):
            try:
                os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
            except FileExistsError:
                raise StoreError(f"There is a file {path} already. Choose another name for the backup.") from None
            try:
                self._copy(path)
            except BaseException:
                for suffix in ("", "-journal", "-wal"):
                    path.with_name(path.name + suffix).unlink(missing_ok=True)
                raise

    def restore(self, path: Path) -> Salvaged:
        """Take back from a backup, or from a file that was kept aside, the conversations that are not here any more.

        A conversation that is here with at least as many messages is left alone, as it is now, also if it was deleted;
        everything else is added under new numbers. Nothing that is here is changed.

        Raises:
            StoreError: the file is not there, or is no store.
        """
        with explained(path), closing(Wreck(path)) as wreck:
            if not wreck.is_store:
                raise StoreError(f"There are no conversations of lmchat in {path}. Name a backup of them.")
            with self._database.writing() as db:
                return salvage(wreck, db, beside=True)

    def _copy(self, path: Path) -> None:
        with closing(sqlite3.connect(path, isolation_level=None)) as copy:
            with self._database.reading() as db:
                db.backup(copy)
            # One file without a log beside it: it may be moved as it is.
            copy.execute("PRAGMA journal_mode = DELETE")
            verdict = copy.execute("PRAGMA integrity_check(1)").fetchone()[0]
            if verdict != "ok":
                raise StoreError(
                    f"The backup is not whole ({verdict}), so it was not kept. Look at the disk, try again."
                )
