"""Reading a file that may be damaged: row by row, and past what cannot be read."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from shutil import copyfile
from tempfile import TemporaryDirectory
from typing import Final, TypeAlias

from lmchat.store.codec import read_text
from lmchat.store.schema import APPLICATION_ID

Fields: TypeAlias = dict[str, object]
"""A row by the names of its columns."""

_WITHOUT_ROWID: Final = frozenset({"journal", "tags"})
_END: Final = 2**40
"""More rows than any table has."""


@contextmanager
def copy_of(path: Path) -> Iterator[Path]:
    """A copy of a database to be read in the block, for SQLite may change what it only reads: it clears up logs."""
    with TemporaryDirectory(prefix="salvage-", dir=path.parent, ignore_cleanup_errors=True) as folder:
        copy = Path(folder) / path.name
        for suffix in ("", "-wal"):
            if (source := path.with_name(path.name + suffix)).exists():
                copyfile(source, copy.with_name(copy.name + suffix))
        yield copy


class Wreck:
    """A store that is read, and never changed, as far as it can be."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, isolation_level=None)
        self._connection.text_factory = read_text

    @property
    def is_store(self) -> bool:
        """Whether the file says that it is one of ours."""
        with suppress(sqlite3.DatabaseError):
            return bool(self._connection.execute("PRAGMA application_id").fetchone()[0] == APPLICATION_ID)
        return False

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def rows(self, table: str, columns: Sequence[str]) -> Iterator[Fields]:
        """The rows of a table with those of these columns that it has, in the order of their numbers."""
        try:
            there = {row[1] for row in self._connection.execute(f"PRAGMA table_info({table})")}
        except sqlite3.DatabaseError:
            return
        names = [name for name in columns if name in there]
        if names:
            read = self._unnumbered if table in _WITHOUT_ROWID else self._numbered
            for row in read(table, ", ".join(names)):
                yield dict(zip(names, row, strict=True))

    def _unnumbered(self, table: str, names: str) -> Iterator[tuple[object, ...]]:
        with suppress(sqlite3.DatabaseError):
            yield from self._connection.execute(f"SELECT {names} FROM {table}")

    def _numbered(self, table: str, names: str) -> Iterator[tuple[object, ...]]:
        position, step = 0, 1
        while position < _END:
            try:
                query = f"SELECT rowid, {names} FROM {table} WHERE rowid > ? ORDER BY rowid"
                for number, *row in self._connection.execute(query, (position,)):
                    position, step = number, 1
                    yield tuple(row)
            except sqlite3.DatabaseError:
                # The gap is not known, so it is felt for with longer and longer steps.
                position += step
                step *= 2
            else:
                return
