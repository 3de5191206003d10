"""The list of conversations: its order, what marks them, and how they leave it and come back."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable
from typing import Final

from lmchat.store.codec import write_text
from lmchat.store.index import forget
from lmchat.store.messages import remove_deleted
from lmchat.store.reading import added_id
from lmchat.store.repository import Repository
from lmchat.store.summaries import summaries, summary_of
from lmchat.values.history import Changes, ConversationSummary, TitleSource

# Written as in the index, so that SQLite finds the list in it, in order.
_LISTED: Final = "WHERE (deleted_at IS NOT NULL) = ? AND (archived_at IS NOT NULL) = ?"
_ORDER: Final = "ORDER BY (pinned_at IS NOT NULL) DESC, updated_at DESC, id DESC LIMIT ? OFFSET ?"
_DELETED: Final = "WHERE deleted_at IS NOT NULL ORDER BY deleted_at DESC, id DESC LIMIT ? OFFSET ?"
_SECONDS_OF_A_DAY: Final = 86_400.0


class Conversations(Repository):
    """Conversations as wholes."""

    def create_conversation(self, title: str = "", *, title_by: TitleSource = "words") -> ConversationSummary:
        """Begin a conversation without messages."""
        with self._database.writing() as db:
            return summary_of(db, add_conversation(db, title, title_by, time.time()))

    def conversation(self, conversation_id: int) -> ConversationSummary:
        """The conversation of that number."""
        with self._database.reading() as db:
            return summary_of(db, conversation_id)

    def conversations(
        self,
        *,
        limit: int = 100,
        offset: int = 0,
        after: ConversationSummary | None = None,
        archived: bool = False,
        tag: str | None = None,
    ) -> list[ConversationSummary]:
        """The pinned conversations, then the others, both with the newest messages first.

        Args:
            after: the last one of the page before. Unlike an offset, it neither skips nor repeats any when others come
                to the top meanwhile.
            archived: list those that are archived, instead of those that are not.
            tag: only those with exactly this tag.
        """
        which = _LISTED
        values: list[object] = [False, archived]
        if after is not None:
            which += " AND ((pinned_at IS NOT NULL), updated_at, id) < (?, ?, ?)"
            values += [after.pinned, after.updated_at, after.id]
        if tag is not None:
            which += " AND id IN (SELECT conversation_id FROM tags WHERE tag = CAST(? AS TEXT))"
            values.append(write_text(tag))
        with self._database.reading() as db:
            return summaries(db, f"{which} {_ORDER}", (*values, limit, offset))

    def deleted_conversations(self, *, limit: int = 100, offset: int = 0) -> list[ConversationSummary]:
        """The conversations that can be brought back, the one deleted last first."""
        with self._database.reading() as db:
            return summaries(db, _DELETED, (limit, offset))

    def latest_conversation(self) -> ConversationSummary | None:
        """The conversation with the newest message that is not archived, or None when there is none."""
        with self._database.reading() as db:
            newest = [
                found
                for pinned in (False, True)
                for found in summaries(
                    db,
                    f"{_LISTED} AND (pinned_at IS NOT NULL) = ? ORDER BY updated_at DESC, id DESC LIMIT 1",
                    (False, False, pinned),
                )
            ]
        return max(newest, key=lambda found: (found.updated_at, found.id), default=None)

    def rename_conversation(self, conversation_id: int, title: str, *, by: TitleSource = "user") -> ConversationSummary:
        """Give a conversation another title; its place in the list stays. What the user gave, only the user changes."""
        with self._database.writing() as db:
            before = summary_of(db, conversation_id)
            if by == "user" or before.title_by != "user":
                db.execute(
                    "UPDATE conversations SET title = CAST(? AS TEXT), title_by = ? WHERE id = ?",
                    (write_text(title), by, conversation_id),
                )
            return summary_of(db, conversation_id)

    def set_tags(self, conversation_id: int, tags: Iterable[str]) -> ConversationSummary:
        """Give a conversation these tags and no others. White space in them is one space; empty ones are left out."""
        with self._database.writing() as db:
            before = summary_of(db, conversation_id)
            wanted = {" ".join(tag.split()) for tag in tags} - {""}
            for tag in set(before.tags) - wanted:
                db.execute(
                    "DELETE FROM tags WHERE conversation_id = ? AND tag = CAST(? AS TEXT)",
                    (conversation_id, write_text(tag)),
                )
            add_tags(db, conversation_id, wanted - set(before.tags))
            return summary_of(db, conversation_id)

    def tags(self) -> dict[str, int]:
        """All tags by name, and how many conversations that are not deleted have each."""
        query = """
            SELECT tag, count(*) FROM tags
            WHERE conversation_id NOT IN (SELECT id FROM conversations WHERE deleted_at IS NOT NULL)
            GROUP BY tag ORDER BY tag
        """
        with self._database.reading() as db:
            return dict(db.execute(query).fetchall())

    def pin(self, conversation_id: int, pinned: bool = True) -> ConversationSummary:
        """Keep a conversation at the top of the list, or no longer."""
        return self._mark(conversation_id, "pinned_at", pinned)

    def archive(self, conversation_id: int, archived: bool = True) -> ConversationSummary:
        """Take a conversation out of the list into the archive, or back."""
        return self._mark(conversation_id, "archived_at", archived)

    def delete_conversation(self, conversation_id: int) -> None:
        """Delete a conversation so that it can be brought back; one that is gone already is no error."""
        with self._database.writing() as db:
            db.execute(
                "UPDATE conversations SET deleted_at = ? WHERE id = ? AND deleted_at IS NULL",
                (time.time(), conversation_id),
            )

    def undelete_conversation(self, conversation_id: int) -> ConversationSummary:
        """Bring a deleted conversation back as it was; one that was not deleted is no error."""
        with self._database.writing() as db:
            db.execute("UPDATE conversations SET deleted_at = NULL WHERE id = ?", (conversation_id,))
            return summary_of(db, conversation_id)

    def purge(self, days: float = 30.0) -> int:
        """Remove for good what was deleted more than so many days ago; how many conversations and messages that were.

        Their text leaves the file as its pages are used again.
        """
        before = time.time() - days * _SECONDS_OF_A_DAY
        with self._database.writing() as db:
            gone = [number for (number,) in db.execute("SELECT id FROM conversations WHERE deleted_at <= ?", (before,))]
            for number in gone:
                _remove(db, number)
            query = "SELECT message_id FROM deletions WHERE at <= ?"
            return len(gone) + sum(remove_deleted(db, number) for (number,) in db.execute(query, (before,)).fetchall())

    def remove_conversation(self, conversation_id: int) -> None:
        """Remove a conversation for good, deleted before or not; one that is gone already is no error.

        Its text leaves the file as its pages are used again.
        """
        with self._database.writing() as db:
            _remove(db, conversation_id)

    def changes(self, since: int = 0) -> Changes:
        """Which conversations have changed since a revision. An answer that only grows is no change."""
        with self._database.reading() as db:
            found = db.execute(
                "SELECT revision, conversation_id FROM changes WHERE revision > ? ORDER BY revision", (since,)
            ).fetchall()
        return Changes(found[-1][0] if found else since, tuple(number for _, number in found))

    def revision(self) -> int:
        """The revision of the store now, for `changes`."""
        with self._database.reading() as db:
            return int(db.execute("SELECT coalesce(max(revision), 0) FROM changes").fetchone()[0])

    def _mark(self, conversation_id: int, column: str, on: bool) -> ConversationSummary:
        with self._database.writing() as db:
            summary_of(db, conversation_id)
            moment = time.time() if on else None
            db.execute(f"UPDATE conversations SET {column} = ? WHERE id = ?", (moment, conversation_id))
            return summary_of(db, conversation_id)


def add_conversation(db: sqlite3.Connection, title: str, title_by: TitleSource, at: float) -> int:
    """A conversation without messages; its number."""
    db.execute(
        "INSERT INTO conversations (title, title_by, created_at, updated_at) VALUES (CAST(? AS TEXT), ?, ?, ?)",
        (write_text(title), title_by, at, at),
    )
    return added_id(db)


def add_tags(db: sqlite3.Connection, conversation_id: int, tags: Iterable[str]) -> None:
    """Tags that the conversation does not have yet."""
    db.executemany(
        "INSERT INTO tags (conversation_id, tag) VALUES (?, CAST(? AS TEXT))",
        [(conversation_id, write_text(tag)) for tag in sorted(tags)],
    )


def _remove(db: sqlite3.Connection, conversation_id: int) -> None:
    query = "SELECT id FROM messages WHERE conversation_id = ? AND owner IS NULL"
    forget(db, [-conversation_id, *(number for (number,) in db.execute(query, (conversation_id,)))])
    db.execute("DELETE FROM conversations WHERE id = ?", (conversation_id,))
