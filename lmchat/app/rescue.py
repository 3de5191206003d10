"""The last resort for an answer that the store has no room for: a file of its own, wherever one can be written."""

from __future__ import annotations

import os
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from lmchat.app.conversation import Conversation
from lmchat.values.history import MessageRecord


def rescue(conversation: Conversation) -> Path | None:
    """Write the end of a conversation to the home folder, else to the one for temporary files, for its owner's eyes.

    Gives the file; None if none could be written.
    """
    name = f"lmchat-{time.strftime('%Y%m%d-%H%M%S')}-{conversation.id}.md"
    text = as_markdown(conversation)
    for folder in (Path.home, tempfile.gettempdir):
        with suppress(OSError, RuntimeError):
            path = Path(folder()) / name
            _write(path, text)
            return path
    return None


def as_markdown(conversation: Conversation) -> str:
    """The last question and the answer to it."""
    branch = conversation.branch
    records = [branch.record(index) for index in range(max(len(branch) - 2, 0), len(branch))]
    blocks = [f"# {conversation.title}"]
    for record in records:
        if record is not None:
            blocks += [f"**{_name(record)}**", *record.texts]
    return "\n\n".join(blocks) + "\n"


def _name(record: MessageRecord) -> str:
    if record.role != "assistant":
        return record.role.capitalize()
    provenance = record.provenance
    return provenance.model.display_name if provenance is not None and provenance.model is not None else "Assistant"


def _write(path: Path, text: str) -> None:
    """Write the whole text, or leave no file."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        path.unlink()
        raise
