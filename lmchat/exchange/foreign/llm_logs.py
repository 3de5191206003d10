"""The database in which the command line tool `llm` logs, in each of its forms.

Up to 0.3 there was one table, `logs`; then `conversations` and `responses`, joined later by fragments, attachments and
calls of tools; since 0.32 `threads` and `turns` over a tree of `messages`. A newer llm leaves the older tables as they
are, so one file may hold all three. A conversation found in a newer form is not taken from an older one.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from lmchat.exchange.foreign.llm_responses import read_oldest, read_responses
from lmchat.exchange.foreign.llm_threads import read_threads
from lmchat.exchange.foreign.loose import Skipped
from lmchat.exchange.foreign.sqlite_file import SqliteFile
from lmchat.exchange.formats import Format, Imported
from lmchat.values.errors import LMStudioValueError
from lmchat.values.history import ConversationDocument


def read_llm(path: Path, *, written_at: float) -> Imported:
    """The conversations of a database, which is never written to. `written_at`, in Unix seconds, is for undated ones.

    Raises:
        LMStudioValueError: it is no database of llm, or a damaged one.
        LMStudioOSError: the file cannot be read.
    """
    skipped = Skipped()
    documents: dict[str, ConversationDocument] = {}
    try:
        with SqliteFile(path) as file:
            if not any(file.columns(table) for table in ("turns", "responses", "logs")):
                raise LMStudioValueError(
                    "This database is not one in which llm logs. The command `llm logs path` tells where that is."
                )
            for reader in (read_threads, read_responses, read_oldest):
                for name, document in reader(file, written_at, skipped):
                    documents.setdefault(name, document)
    except sqlite3.Error as wrong:
        raise LMStudioValueError(
            f"This database cannot be read: {wrong}. It may be damaged; try `sqlite3 FILE .recover`."
        ) from wrong
    ordered = sorted(documents.values(), key=lambda document: document.created_at)
    return Imported(Format.LLM, tuple(ordered), skipped.notes)
