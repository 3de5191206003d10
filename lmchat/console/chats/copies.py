"""Backups of the store, and the store taken back from them."""

from __future__ import annotations

import os
import time
from pathlib import Path

from lmchat.app import paths
from lmchat.app.files import make_folder
from lmchat.console.library import opened_library
from lmchat.console.output import Output
from lmchat.console.streams import say
from lmchat.store.replacement import replace_store
from lmchat.values.safe_text import safe_text


def print_path() -> None:
    """Print where the conversations are."""
    with Output() as output:
        _print(output, paths.store_file())


def back_up(path: Path | None) -> None:
    """Copy all conversations to a new file, check it, and print where it is.

    Raises:
        LMStudioError: it cannot be written, is there already, or is not whole; then there is none.
    """
    name = time.strftime("lmchat-%Y%m%d-%H%M%S.db")
    if path is None:
        make_folder(paths.data_dir() / "backups")
        path = paths.data_dir() / "backups" / name
    elif path.is_dir():
        path = path / name
    with Output() as output, opened_library() as (library, wait):
        wait(library.back_up(path))
        size = path.stat().st_size
        say(f"All conversations are backed up and checked, {size / 1e6:,.1f} MB.")
        _print(output, path)


def restore(path: Path) -> None:
    """Put a backup in the place of the store, which is kept aside.

    Raises:
        StoreError: the file is no whole store, or another lmchat has the store open; then nothing was changed.
    """
    aside = replace_store(paths.store_file(), path)
    with opened_library() as (library, wait):
        count = len(wait(library.everything()))
    say(f"Restored: {count:,} conversations from {safe_text(str(path))}.")
    if aside is not None:
        say(f"What was here is kept as {safe_text(str(aside))}; restoring that undoes this.")


def add_missing(path: Path) -> None:
    """Take back from a backup the conversations that are not here any more.

    Raises:
        StoreError: the file is not there, or is no store.
    """
    with opened_library() as (library, wait):
        found = wait(library.add_missing(path))
    say(f"Taken back: {found.conversations:,} conversations, {found.messages:,} messages. Nothing else was changed.")


def _print(output: Output, path: Path) -> None:
    if output.terminal:
        output.line(str(path))
    else:
        output.data(os.fsencode(path) + b"\n")
