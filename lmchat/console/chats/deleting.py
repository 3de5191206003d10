"""Conversations deleted so that they can be brought back, brought back, and removed for good."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Final

import click

from lmchat.console.chats.fitting import fitted
from lmchat.console.exit_codes import ExitCode
from lmchat.console.library import opened_library
from lmchat.console.streams import say
from lmchat.values.history import ConversationSummary
from lmchat.values.safe_text import safe_line

_SHOWN: Final = 10
_WIDTH: Final = 70


def delete(numbers: Sequence[int], *, yes: bool) -> ExitCode:
    """Delete conversations, all or none, so that they can be brought back.

    Raises:
        StoreError: one of them is not there.
        click.UsageError: there is nobody to ask whether it is meant.
    """
    _require_answer(yes)
    with opened_library() as (library, wait):
        chosen = [wait(library.conversation(number)) for number in dict.fromkeys(numbers)]
        if not (yes or _agreed("Delete", chosen)):
            return ExitCode.ERROR
        for each in chosen:
            wait(library.delete(each))
    back = " ".join(str(each.id) for each in chosen)
    say(f"Deleted. `lmchat chats delete --undo {back}` brings {'it' if len(chosen) == 1 else 'them'} back.")
    return ExitCode.COMPLETE


def undo(numbers: Sequence[int]) -> None:
    """Bring deleted conversations back.

    Raises:
        StoreError: one of them is not there any more.
    """
    with opened_library() as (library, wait):
        for number in dict.fromkeys(numbers):
            back = wait(library.bring_back(number))
            say(f"Here again: {back.id}, {safe_line(back.title) or 'Untitled'}")


def purge(numbers: Sequence[int], *, yes: bool) -> ExitCode:
    """Remove conversations for good, deleted before or not; without numbers, all that was deleted.

    Raises:
        StoreError: one of them is not there.
        click.UsageError: there is nobody to ask whether it is meant.
    """
    _require_answer(yes)
    with opened_library() as (library, wait):
        deleted = wait(library.deleted(limit=None))
        if not numbers:
            if not (yes or _agreed("Remove for good all that was deleted:", deleted)):
                return ExitCode.ERROR
            say(f"Removed for good: {wait(library.empty_bin()):,} conversations and messages.")
            return ExitCode.COMPLETE
        known = {each.id: each for each in deleted}
        chosen = [known.get(number) or wait(library.conversation(number)) for number in dict.fromkeys(numbers)]
        if not (yes or _agreed("Remove for good", chosen)):
            return ExitCode.ERROR
        for each in chosen:
            wait(library.remove(each))
    say("Removed for good. Backups and exports still have what was in them.")
    return ExitCode.COMPLETE


def _require_answer(yes: bool) -> None:
    if not yes and not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise click.UsageError("There is no terminal to ask on. Add --yes if you mean it.")


def _agreed(what: str, chosen: Sequence[ConversationSummary]) -> bool:
    for each in chosen[:_SHOWN]:
        say(f"{each.id:>5}  {fitted(each.title or 'Untitled', _WIDTH)}")
    if (more := len(chosen) - _SHOWN) > 0:
        say(f"       … and {more:,} more")
    count = len(chosen)
    try:
        agreed = click.confirm(f"{what} {'1 conversation' if count == 1 else f'{count:,} conversations'}?", err=True)
    except click.Abort:
        say("")
        raise
    if not agreed:
        say("Nothing was deleted.")
    return agreed
