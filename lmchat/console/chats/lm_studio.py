"""Where LM Studio keeps its conversations. They are only read."""

from __future__ import annotations

from pathlib import Path

from lmchat.values.errors import LMStudioOSError


def conversation_files() -> list[Path]:
    """The files of all its conversations, the oldest first, for their names are their times.

    Raises:
        LMStudioOSError: there are none.
    """
    folder = _home() / "conversations"
    found = sorted(folder.rglob("*.conversation.json"), key=lambda path: path.name)
    if not found:
        raise LMStudioOSError(
            f"LM Studio has no conversations in {folder}. If they are elsewhere, name the *.conversation.json files."
        )
    return found


def _home() -> Path:
    """LM Studio's folder: the one that its pointer file names, else an old or the present usual one."""
    user = Path.home()
    try:
        named = (user / ".lmstudio-home-pointer").read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        named = ""
    if named:
        return Path(named)
    old = user / ".cache" / "lm-studio"
    return old if old.is_dir() else user / ".lmstudio"
