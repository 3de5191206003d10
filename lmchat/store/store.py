"""`Store`: conversations, their messages, answers while they are written, and prompts; in and out as values."""

from __future__ import annotations

from pathlib import Path

from lmchat.store.answers import Answers
from lmchat.store.conversations import Conversations
from lmchat.store.copies import Copies
from lmchat.store.database import Database
from lmchat.store.documents import Documents
from lmchat.store.messages import Messages
from lmchat.store.prompts import Prompts
from lmchat.store.search import Search


class Store(Conversations, Messages, Answers, Documents, Search, Prompts, Copies):
    """All conversations of one file. Several programs may have the same file open.

    What a method has written when it returns survives a crash and a power cut; a method that raises has changed
    nothing. Used by one thread at a time. Every method raises `StoreError` when the file cannot be read or written, or
    when what it is to change is not there.
    """

    @classmethod
    def open(cls, path: Path) -> Store:
        """Open the file, or make it and its folder, for this user's eyes only.

        A damaged file is kept aside, what can be read in it is taken over into a new one, and `notice` says so.

        Raises:
            StoreError: it cannot be opened or made, or a newer lmchat has written it.
        """
        return cls(Database(path))

    @classmethod
    def open_in_memory(cls) -> Store:
        """Open an empty store of which nothing ever reaches a disk; closing it forgets everything."""
        return cls(Database(None))

    @property
    def notice(self) -> str | None:
        """What a person should know about how the file was found; None when there is nothing to say."""
        return self._database.notice

    def data_version(self) -> int:
        """A number that differs from the last one when another connection has written to the file in between.

        Cheap enough to be asked for every second; what has changed is then told by `changes`.
        """
        with self._database.reading() as db:
            return int(db.execute("PRAGMA data_version").fetchone()[0])

    def close(self) -> None:
        """Close the file. An answer still being written counts as left over from now on."""
        self._database.close()
