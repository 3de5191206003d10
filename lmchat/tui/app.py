"""The full-screen program: it opens one session, shows the chat screen, and leaves nothing behind."""

from __future__ import annotations

import gc
import time
import traceback
from pathlib import Path
from typing import Final

from textual import events
from textual.app import App
from textual.binding import Binding

from lmchat.app.session import Resume, Session
from lmchat.tui.palette import DARK, LIGHT
from lmchat.tui.screens.chat import ChatScreen
from lmchat.values.errors import LMStudioError
from lmchat.values.safe_text import safe_text

_QUIT_AGAIN: Final = 5.0
"""Seconds in which a second Ctrl+Q means it."""


class LMChatApp(App[LMStudioError]):
    """lmchat on a whole terminal. What it returns is the error that ended it, if one did."""

    TITLE = "lmchat"
    CSS = "Screen { background: $background; }"
    BINDINGS = [Binding("ctrl+q", "quit", "Quit", priority=True)]

    def __init__(self, session: Session, resume: Resume, crash_log: Path) -> None:
        super().__init__()
        self._session = session
        self._crash_log = crash_log
        self._chat = ChatScreen(session, resume)
        self._asked_to_quit = -_QUIT_AGAIN

    def on_mount(self) -> None:
        """Choose the theme, and show the chat screen."""
        self.register_theme(DARK)
        self.register_theme(LIGHT)
        wanted = self._session.settings.theme
        self.theme = wanted if wanted in self.available_themes else DARK.name
        self.push_screen(self._chat)

    async def action_quit(self) -> None:
        """Leave; while an answer is being written, only when asked twice."""
        now = time.monotonic()
        if self._chat.answering and now - self._asked_to_quit > _QUIT_AGAIN:
            self._asked_to_quit = now
            self._chat.say("An answer is still being written. Ctrl+Q again stops it and leaves.")
            return
        await self._chat.leave()
        self.exit()

    async def on_event(self, event: events.Event) -> None:
        """What is pasted is made safe before any input shows it."""
        if isinstance(event, events.Paste):
            event.text = safe_text(event.text.replace("\r\n", "\n").replace("\r", "\n"))
        await super().on_event(event)

    def action_help_quit(self) -> None:
        """Ctrl+C with nothing selected: stop the answer, or tell how to leave."""
        if self._chat.answering:
            self.run_worker(self._chat.action_stop())
        else:
            self._chat.say("Ctrl+Q leaves.")

    async def on_unmount(self) -> None:
        """Close the session: an engine that was started here ends, and all that was said is on disk."""
        await self._session.close()

    def _handle_exception(self, error: Exception) -> None:
        """A fault of ours ends the program with a word to its user; the trace goes to a file."""
        if self.is_headless:
            super()._handle_exception(error)
            return
        self._crash_log.write_text("".join(traceback.format_exception(error)), encoding="utf-8", errors="replace")
        self.exit(
            LMStudioError(
                f"lmchat met a fault of its own ({type(error).__name__}) and had to end; what was said is kept. "
                f"Please report it with {self._crash_log}."
            ),
            return_code=1,
        )


def run(session: Session, resume: Resume, crash_log: Path) -> None:
    """Run the program until its user leaves.

    Raises:
        LMStudioError: what ended it otherwise.
    """
    # Modules stay to the end. The collector need not look through them again in the middle of an answer.
    gc.freeze()
    if (error := LMChatApp(session, resume, crash_log).run()) is not None:
        raise error
