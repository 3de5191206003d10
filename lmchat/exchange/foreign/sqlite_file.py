"""Another program's SQLite database, opened so that nothing in it or beside it changes, and nothing in it can act."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from lmchat.exchange.coding import file_text
from lmchat.values.errors import LMStudioOSError

_MOST_STEPS: Final = 20_000
"""How often SQLite may ask whether to go on; a table is read in a few, a trap never ends."""
_STEP: Final = 100_000
_PENDING: Final = ("-wal", "-journal")


class SqliteFile:
    """A context in which tables can be read.

    A database that another program has open, or left unfinished, is copied first, with what is pending: read in place,
    it would have to be written to. Only tables are read, never views, whose queries are the file's own.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stack = contextlib.ExitStack()
        self._steps = 0

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            try:
                path, mode = self._finished(stack)
            except OSError as failed:
                raise LMStudioOSError(f"{self._path} cannot be read: {failed.strerror or failed}.") from failed
            connection = sqlite3.connect(f"{path.resolve().as_uri()}?{mode}", uri=True, isolation_level=None)
            stack.callback(connection.close)
            connection.text_factory = file_text
            connection.set_progress_handler(self._go_on, _STEP)
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.execute("PRAGMA query_only = ON")
            self._connection = connection
            self._tables = self._columns()
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def columns(self, table: str) -> frozenset[str]:
        """The columns of a table; none if there is no such table."""
        return self._tables.get(table, frozenset())

    def rows(self, table: str, *columns: str, where: str = "", order: str = "") -> Iterator[tuple[Any, ...]]:
        """The rows of a table; of a column or table that is not there, None or nothing."""
        found = self.columns(table)
        if not found:
            return
        names = ", ".join(f'"{column}"' if column in found else "NULL" for column in columns)
        ordered = f' ORDER BY "{order}", rowid' if order in found else " ORDER BY rowid"
        yield from self._connection.execute(f'SELECT {names} FROM "{table}" {where}{ordered}')

    def _finished(self, stack: contextlib.ExitStack) -> tuple[Path, str]:
        pending = [self._path.with_name(self._path.name + suffix) for suffix in _PENDING]
        pending = [path for path in pending if path.is_file() and path.stat().st_size]
        if not pending:
            return self._path, "mode=ro&immutable=1"
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="lmchat-")))
        for path in (self._path, *pending):
            shutil.copyfile(path, folder / path.name)
        return folder / self._path.name, "mode=rw"

    def _columns(self) -> dict[str, frozenset[str]]:
        tables = self._connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%'"
        ).fetchall()
        return {
            str(name): frozenset(
                str(column) for (column,) in self._connection.execute("SELECT name FROM pragma_table_info(?)", (name,))
            )
            for (name,) in tables
        }

    def _go_on(self) -> bool:
        self._steps += 1
        return self._steps > _MOST_STEPS
