"""Who is alive: lock files beside the database, which the operating system lets go when their process ends.

Several programs share one database. Each that writes an answer holds a lock file named after its token, and the answer
names the token; so whoever finds an answer unfinished can tell whether somebody is still writing it.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from filelock import FileLock, Timeout

from lmchat.store.private import make_private_folder

_OPENING_SECONDS = 30.0


class Locks:
    """The lock files of one database, and the one of them that is ours.

    `claim`, `sweep` and `is_held` agree only while nobody else calls them: call them inside a write transaction.
    """

    def __init__(self, database: Path) -> None:
        self._folder = database.parent / "locks"
        self._name = database.name
        self._token: str | None = None
        self._ours: FileLock | None = None

    def opening(self) -> FileLock:
        """A lock for a `with` block: one program at a time makes, migrates or replaces the database."""
        make_private_folder(self._folder)
        return _lock(self._folder / f"{self._name}.lock", _OPENING_SECONDS)

    @property
    def token(self) -> str | None:
        """What names this program as an owner, once it has claimed to be one."""
        return self._token

    def claim(self) -> str:
        """Become an owner, until `release` or the end of the process; the token that says so."""
        if self._token is None:
            token = uuid4().hex
            make_private_folder(self._folder)
            ours = _lock(self._path(token), 0)
            ours.acquire()
            self._token, self._ours = token, ours
        return self._token

    def release(self) -> None:
        """Be an owner no longer."""
        if self._token is not None and self._ours is not None:
            self._ours.release()
            self._remove(self._path(self._token))
            self._token = self._ours = None

    def is_held(self, token: str) -> bool:
        """Whether the owner is alive, as of the last `sweep`."""
        return self._path(token).exists()

    def sweep(self) -> None:
        """Remove the lock files whose owners are gone."""
        if not self._folder.is_dir():
            return
        for path in self._folder.iterdir():
            if path.name.startswith(f"{self._name}-") and path.suffix == ".lock":
                self._remove_if_free(path)

    def _remove_if_free(self, path: Path) -> None:
        if self._token is not None and path == self._path(self._token):
            return
        lock = _lock(path, 0)
        try:
            lock.acquire()
        except Timeout:
            return
        lock.release()
        self._remove(path)

    def _path(self, token: str) -> Path:
        return self._folder / f"{self._name}-{token}.lock"

    def _remove(self, path: Path) -> None:
        with suppress(OSError):
            path.unlink()


class SoleOwner(Locks):
    """The locks of a database in memory, which nobody else can see: no files, and one owner who is always alive."""

    def __init__(self) -> None:
        super().__init__(Path("memory"))

    def claim(self) -> str:
        """Become an owner; the token that says so."""
        self._token = self._token or uuid4().hex
        return self._token

    def release(self) -> None:
        """Be an owner no longer."""
        self._token = None

    def is_held(self, token: str) -> bool:
        """Whether the owner is this one."""
        return token == self._token

    def sweep(self) -> None:
        """Do nothing: there are no files."""


def _lock(path: Path, timeout: float) -> FileLock:
    # Not bound to a thread: a database may be opened on one and closed on another.
    return FileLock(path, timeout=timeout, mode=0o600, thread_local=False)
