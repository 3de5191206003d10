"""The clipboards in reach: the desktop's, tmux's, and that of the terminal, which may be at the other end of a line.

The desktop's is reached through a process of its own, for what speaks to a display may wait for ever, holding the
interpreter, or abort. That process also owns the text for as long as others may ask for it, and ends with the program.
The terminal's is reached by OSC 52, a sequence that many terminals take, and that none answers.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from asyncio.subprocess import Process
from typing import TYPE_CHECKING, Any, Final

from lmchat.protocol import child_process

if TYPE_CHECKING:
    from textual.app import App

SURELY_TAKEN: Final = 74_994
"""Bytes of text that any terminal with OSC 52 takes: it makes 100,000 of the sequence, where some stop reading."""
LONGEST: Final = 750_000
"""Bytes of text beyond which nobody takes it: it makes 1,000,000 of the sequence, all that tmux reads."""
PATIENCE: Final = 2.0
"""Seconds in which a clipboard must have taken the text."""
_END_TIMEOUT: Final = 1.0
_KEPT: Final = b"kept\n"


class Clipboard:
    """Every clipboard in reach, as one."""

    def __init__(self, app: App[Any]) -> None:
        self._app = app
        self._keeper: Process | None = None
        self._one_at_a_time = asyncio.Lock()

    async def copy(self, text: str) -> str:
        """Put a text on every clipboard in reach, exactly as it is but for lone surrogates.

        Gives what came of it in words that follow the name of what was copied: "copied", "sent to …", "not copied: …".
        """
        text = _whole_characters(text)
        encoded = text.encode()
        async with self._one_at_a_time:
            on_desktop = await self._give_to_desktop(encoded)
            # tmux hands it to its terminal, and by default ignores what a program sends there itself.
            in_tmux = await _give_to_tmux(encoded)
        known = on_desktop or in_tmux
        # The terminal comes last: what it owns can still be pasted when this program has ended.
        if not in_tmux and len(encoded) <= (SURELY_TAKEN if known else LONGEST):
            self._app.copy_to_clipboard(text)
        if known:
            return "copied" if on_desktop else "copied to tmux and its terminal"
        if len(encoded) <= SURELY_TAKEN:
            return "sent to the terminal's clipboard"
        if len(encoded) <= LONGEST:
            return "sent to the terminal, which may not take so much"
        return "not copied: too long for the terminal, and no other clipboard is in reach"

    async def close(self) -> None:
        """Let go of the desktop's clipboard. A desktop that keeps what was copied still has it."""
        keeper, self._keeper = self._keeper, None
        if keeper is not None:
            await _end(keeper)

    async def _give_to_desktop(self, encoded: bytes) -> bool:
        if not _desktop_in_reach():
            return False
        try:
            keeper = await asyncio.create_subprocess_exec(
                *child_process.command("lmchat.tui.clipboard"),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=child_process.environment(),
                **child_process.own_group(),
            )
        except OSError:
            return False
        before, self._keeper = self._keeper, keeper
        if await _says_kept(keeper, encoded):
            if before is not None:
                await _end(before)
            return True
        self._keeper = before
        await _end(keeper)
        return False


def _whole_characters(text: str) -> str:
    """The text with halves of characters joined, or replaced where the other half is missing."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _desktop_in_reach() -> bool:
    if sys.platform in ("win32", "darwin"):
        # The desktop of a machine that is only logged in to is not the one before the user.
        return "SSH_CONNECTION" not in os.environ
    return bool(os.environ.get("DISPLAY"))


async def _says_kept(keeper: Process, encoded: bytes) -> bool:
    assert keeper.stdin is not None and keeper.stdout is not None
    keeper.stdin.write(b"%d\n" % len(encoded) + encoded)
    try:
        async with asyncio.timeout(PATIENCE):
            return await keeper.stdout.readline() == _KEPT
    except TimeoutError:
        keeper.kill()
        return False


async def _give_to_tmux(encoded: bytes) -> bool:
    tmux = shutil.which("tmux") if os.environ.get("TMUX") else None
    if tmux is None:
        return False
    try:
        process = await asyncio.create_subprocess_exec(
            tmux,
            *("load-buffer", "-w", "-"),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **child_process.own_group(),
        )
    except OSError:
        return False
    try:
        async with asyncio.timeout(PATIENCE):
            await process.communicate(encoded)
    except TimeoutError:
        process.kill()
    return await process.wait() == 0


async def _end(process: Process) -> None:
    if process.stdin is not None:
        process.stdin.close()
    try:
        async with asyncio.timeout(_END_TIMEOUT):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


def keep() -> None:
    """Own the text that comes on standard input, after its length in bytes, until standard input is closed."""
    import copykitten

    stdin = sys.stdin.buffer
    copykitten.copy(stdin.read(int(stdin.readline())).decode())
    sys.stdout.buffer.write(_KEPT)
    sys.stdout.buffer.flush()
    stdin.read()


if __name__ == "__main__":
    keep()
