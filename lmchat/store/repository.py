"""What the parts of the store have in common: the database that they read and write."""

from __future__ import annotations

from lmchat.store.database import Database


class Repository:
    """A part of the store. Each public method of a part is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database
