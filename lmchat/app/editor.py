"""A text in the user's own editor: the program that `VISUAL` or `EDITOR` names, else one that most systems have."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from lmchat.values.errors import LMStudioOSError

_COMMON: Final = ("notepad",) if sys.platform == "win32" else ("nano", "vim", "vi")


def edit(text: str) -> str:
    """Have a text edited, and give it as it was when the editor ended. Blocks, and takes the terminal.

    The file is for this user's eyes only, and gone afterwards.

    Raises:
        LMStudioOSError: there is no editor, it cannot be run, or it ended with an error. The text is as it was.
    """
    command = _command()
    with tempfile.TemporaryDirectory(prefix="lmchat-") as folder:
        path = Path(folder) / "prompt.md"
        path.touch(mode=0o600)
        path.write_text(text, encoding="utf-8", errors="replace")
        try:
            code = subprocess.call([*command, str(path)])
        except OSError as wrong:
            raise LMStudioOSError(
                f"{command[0]} cannot be run: {wrong.strerror or wrong}. Set $VISUAL or $EDITOR to an editor."
            ) from wrong
        if code != 0:
            raise LMStudioOSError(f"{command[0]} ended with an error ({code}); the text is as it was before.")
        try:
            edited = path.read_text(encoding="utf-8", errors="replace")
        except OSError as wrong:
            raise LMStudioOSError(f"What {command[0]} left cannot be read: {wrong.strerror or wrong}.") from wrong
    # Editors end the last line, which nobody typed.
    return edited.removesuffix("\n")


def _command() -> list[str]:
    for name in ("VISUAL", "EDITOR"):
        if named := os.environ.get(name, "").strip():
            # On Windows a backslash is part of a path.
            return [part.strip('"') for part in shlex.split(named, posix=sys.platform != "win32")]
    for name in _COMMON:
        if found := shutil.which(name):
            return [found]
    raise LMStudioOSError("There is no editor here. Set $VISUAL or $EDITOR to one.")
