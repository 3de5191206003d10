"""What a person types: prompts that were sent, and drafts that were not."""

from __future__ import annotations

import time

from lmchat.store import reading
from lmchat.store.codec import write_text
from lmchat.store.repository import Repository


class Prompts(Repository):
    """The history of prompts, and one draft for each conversation."""

    def remember_prompt(self, text: str) -> None:
        """Keep a prompt, unless it is the one that was kept last."""
        with self._database.writing() as db:
            last = db.execute("SELECT text FROM prompt_history ORDER BY id DESC LIMIT 1").fetchone()
            if last is None or last[0] != text:
                db.execute(
                    "INSERT INTO prompt_history (text, at) VALUES (CAST(? AS TEXT), ?)", (write_text(text), time.time())
                )

    def prompts(self, limit: int = 200) -> list[str]:
        """The prompts kept last, newest first."""
        with self._database.reading() as db:
            return [
                text for (text,) in db.execute("SELECT text FROM prompt_history ORDER BY id DESC LIMIT ?", (limit,))
            ]

    def save_draft(self, conversation_id: int | None, text: str) -> None:
        """Keep what is typed but not sent, in place of what was kept before; nothing typed is no draft.

        Args:
            conversation_id: None is the conversation that has not begun.
        """
        with self._database.writing() as db:
            if conversation_id is not None:
                reading.leaf(db, conversation_id)
            db.execute("DELETE FROM drafts WHERE conversation_id IS ?", (conversation_id,))
            if text:
                db.execute(
                    "INSERT INTO drafts (conversation_id, text) VALUES (?, CAST(? AS TEXT))",
                    (conversation_id, write_text(text)),
                )

    def draft(self, conversation_id: int | None) -> str:
        """What was typed but not sent; empty when there is nothing."""
        with self._database.reading() as db:
            row = db.execute("SELECT text FROM drafts WHERE conversation_id IS ?", (conversation_id,)).fetchone()
            return "" if row is None else str(row[0])
