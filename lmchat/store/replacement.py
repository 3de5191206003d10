"""A backup put in the place of the store. What was there is kept aside, should it prove to be the better one."""

from __future__ import annotations

import itertools
import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from shutil import copyfile
from tempfile import TemporaryDirectory
from typing import Final

from lmchat.store.failure import explained, is_damage, suspect_mark
from lmchat.store.locks import Locks
from lmchat.store.private import make_private_folder
from lmchat.store.schema import APPLICATION_ID, migrate
from lmchat.values.errors import StoreError

_PARTS: Final = ("-wal", "-shm", "-journal", "")
"""The files of a database; the one with the content last, so that no other ever stands beside a wrong one."""


def replace_store(path: Path, backup: Path) -> Path | None:
    """Make a copy of a backup the store; gives where the store that was there is kept, if there was one.

    The backup is only read. It may also be a store that was kept aside.

    Raises:
        StoreError: the backup is no whole store of this or an earlier lmchat, or another program has the store open,
            or nothing can be written. Then nothing was changed.
    """
    path = path.resolve()
    _require_readable(backup)
    with explained(path):
        if path.exists() and backup.samefile(path):
            raise StoreError(f"{backup} is the store itself. Name a backup of it.")
        make_private_folder(path.parent)
        with TemporaryDirectory(prefix="restore-", dir=path.parent, ignore_cleanup_errors=True) as folder:
            copy = Path(folder) / path.name
            _copy(backup, copy)
            _require_whole(copy, backup)
            with Locks(path).opening():
                _require_alone(path)
                aside = _keep_aside(path)
                try:
                    copy.replace(path)
                except OSError:
                    if aside is not None:
                        _move(aside, path)
                    raise
    return aside


def _require_readable(backup: Path) -> None:
    if not backup.is_file():
        raise StoreError(f"There is no file {backup}. Name a backup; `lmchat chats backup` makes one.")
    try:
        backup.open("rb").close()
    except OSError as wrong:
        raise StoreError(f"{backup} cannot be read: {wrong.strerror or wrong}. Check its permissions.") from wrong


def _copy(backup: Path, copy: Path) -> None:
    for suffix in ("-wal", "-journal", ""):
        source = backup.with_name(backup.name + suffix)
        if source.exists():
            copyfile(source, copy.with_name(copy.name + suffix))
    copy.chmod(0o600)


def _require_whole(copy: Path, backup: Path) -> None:
    """See that a copy is a store without damage, and make it one file of the present shape."""
    try:
        with closing(sqlite3.connect(copy, isolation_level=None)) as db:
            (application,) = db.execute("PRAGMA application_id").fetchone()
            if application != APPLICATION_ID:
                raise StoreError(f"{backup} is no store of lmchat. Name a file that `lmchat chats backup` made.")
            verdict = db.execute("PRAGMA integrity_check(1)").fetchone()[0]
            if verdict != "ok":
                raise _damaged(backup, verdict)
            migrate(db)
            db.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.DatabaseError as error:
        if not is_damage(error):
            raise
        raise _damaged(backup, str(error)) from error
    with copy.open("rb+") as file:
        os.fsync(file.fileno())


def _damaged(backup: Path, what: str) -> StoreError:
    return StoreError(f"{backup} is no store, or is damaged ({what}). Nothing was changed. Name another backup.")


def _require_alone(path: Path) -> None:
    """See that nobody else has the store open, and bring what its log holds into the file itself.

    SQLite leaves its write-ahead log only while no other connection is open, in this or any other process.
    """
    if not path.exists():
        return
    try:
        with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as db:
            db.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.DatabaseError as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY:
            raise StoreError(
                "Another lmchat has the conversations open, so nothing was changed. Close it, and restore again."
            ) from error
        # A store that is damaged is the reason to restore another; it is kept aside as it is.
        if not is_damage(error):
            raise


def _keep_aside(path: Path) -> Path | None:
    if not path.exists():
        return None
    name = f"{path.name}.before-restore-{time.strftime('%Y%m%d-%H%M%S')}"
    names = itertools.chain([name], (f"{name}-{number}" for number in itertools.count(2)))
    aside = next(kept for kept in map(path.with_name, names) if not kept.exists())
    _move(path, aside)
    suspect_mark(path).unlink(missing_ok=True)
    return aside


def _move(path: Path, to: Path) -> None:
    for suffix in _PARTS:
        source = path.with_name(path.name + suffix)
        if source.exists():
            source.rename(to.with_name(to.name + suffix))
