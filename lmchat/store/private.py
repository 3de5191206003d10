"""Files and folders that are their owner's alone.

Modes are set apart from creation because the process's umask takes bits away from what creation asks for. Windows has
no modes; there, what lies in a person's profile is theirs alone already.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path


def make_private_folder(path: Path) -> None:
    """Make a folder of mode 0700. One that exists keeps its mode: it may have been made for more than this."""
    if not path.is_dir():
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.chmod(0o700)


def make_private_file(path: Path) -> None:
    """Make an empty file of mode 0600, or take from one that exists what others may do with it.

    A file that exists is not opened: closing it would drop the locks that SQLite holds on it elsewhere in this process.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        if os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077:
            path.chmod(0o600)
        return
    os.close(descriptor)
    path.chmod(0o600)
