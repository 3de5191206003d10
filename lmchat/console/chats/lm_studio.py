"""Where LM Studio keeps its conversations. They are only read."""

from __future__ import annotations

from pathlib import Path

from lmchat.app.other_programs import lm_studio_home
from lmchat.values.errors import LMStudioOSError


def conversation_files() -> list[Path]:
    """The files of all its conversations, the oldest first, for their names are their times.

    Raises:
        LMStudioOSError: there are none.
    """
    folder = lm_studio_home() / "conversations"
    found = sorted(folder.rglob("*.conversation.json"), key=lambda path: path.name)
    if not found:
        raise LMStudioOSError(
            f"LM Studio has no conversations in {folder}. If they are elsewhere, name the *.conversation.json files."
        )
    return found
