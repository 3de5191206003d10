"""The full-screen program: it opens one session, shows the chat screen, and leaves nothing behind.

It ends when its user wants it to, and as orderly when a signal, a closed terminal or a fault of its own ends it.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import time
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Final

from rich.console import RenderableType
from textual import events
from textual.app import App
from textual.binding import Binding
from textual.driver import Driver

from lmchat.app.session import Resume, Session
from lmchat.tui.palette import DARK, LIGHT
from lmchat.tui.screens.chat import ChatScreen
from lmchat.tui.signals import Ending, lasting, terminal_is_there
from lmchat.values.errors import LMStudioError
from lmchat.values.safe_text import safe_text

_QUIT_AGAIN: Final = 5.0
"""Seconds in which a second Ctrl+Q means it."""
_STOP_TIMEOUT: Final = 0.7
"""Seconds that an answer gets to end when a signal ends the program."""


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
        self.last_words: list[str] = []
        """What is to be said when the screen is gone."""

    def get_driver_class(self) -> type[Driver]:
        """Textual's own driver for this system, but one that outlives its terminal."""
        return lasting(super().get_driver_class())

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

    def end(self) -> None:
        """End without asking, for a signal has told us to."""
        self.run_worker(self._end(), group="end")

    async def _end(self) -> None:
        await self._chat.leave("interrupted", _STOP_TIMEOUT)
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
        """Close the session: an engine that was started here ends, and all that was said is on some disk."""
        # Of what is private nothing goes to any disk, wherever there is room.
        for conversation in () if self._session.private else await self._session.save():
            from lmchat.app.rescue import as_markdown, rescue

            if (path := await asyncio.to_thread(rescue, conversation)) is not None:
                self.last_words.append(f"The disk of your conversations is full. The last answer is in {path}.")
            else:
                text = safe_text(as_markdown(conversation))
                self.last_words.append(f"There is no room on any disk for the last answer. Here it is:\n\n{text}")
        await self._session.close()

    def panic(self, *renderables: RenderableType) -> None:
        """Textual's way to end with a trace; that a terminal is gone is no fault and leaves nobody to read it."""
        if self.is_headless or terminal_is_there():
            super().panic(*renderables)

    def _handle_exception(self, error: Exception) -> None:
        """A fault of ours ends the program with a word to its user; the trace goes to a file."""
        if self.is_headless:
            super()._handle_exception(error)
            return
        private = self._session.private
        # The words of an exception may be those of the conversation; where it happened never is.
        trace = "".join(traceback.format_tb(error.__traceback__) if private else traceback.format_exception(error))
        with suppress(OSError):
            self._crash_log.write_text(trace, encoding="utf-8", errors="replace")
        kept = "" if private else "; what was said is kept"
        self.exit(
            LMStudioError(
                f"lmchat met a fault of its own ({type(error).__name__}) and had to end{kept}. "
                f"Please report it with {self._crash_log}."
            ),
            return_code=1,
        )


def run(session: Session, resume: Resume, crash_log: Path) -> int:
    """Run the program until its user leaves; gives the exit code, which is not 0 when a signal has ended it.

    Raises:
        LMStudioError: what ended it otherwise.
    """
    # Modules stay to the end. The collector need not look through them again in the middle of an answer.
    gc.freeze()
    app = LMChatApp(session, resume, crash_log)
    code = asyncio.run(_run(app))
    for words in app.last_words:
        with suppress(OSError):
            print(f"lmchat: {words}", file=sys.stderr)
    if app.return_value is not None:
        raise app.return_value
    return code


async def _run(app: LMChatApp) -> int:
    loop = asyncio.get_running_loop()
    with Ending(lambda: loop.call_soon_threadsafe(app.end)) as ending:
        await app.run_async()
    return ending.exit_code
