"""The real program without a terminal: Pilot, a real store, and a server that follows a script."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
from textual.pilot import Pilot

from lmchat.app import paths
from lmchat.app.session import Resume, Session
from lmchat.app.settings import Settings
from lmchat.tui.app import LMChatApp
from lmchat.tui.screens.chat import ChatScreen
from lmchat.tui.widgets.conversation_view import ConversationView
from lmchat.values.errors import LMStudioError


class Driver:
    """A running program, and what its user sees of it."""

    def __init__(self, app: LMChatApp, pilot: Pilot[LMStudioError]) -> None:
        self.app = app
        self.pilot = pilot

    @property
    def screen(self) -> ChatScreen:
        screen = self.app.screen_stack[1]
        assert isinstance(screen, ChatScreen)
        return screen

    @property
    def view(self) -> ConversationView:
        return self.screen.query_one(ConversationView)

    def text(self) -> str:
        """What stands in the conversation pane, without its scroll bar."""
        size = self.view.size
        return "\n".join(strip.text[:-1].rstrip() for strip in self.view.render_lines(size.region))

    async def type(self, text: str) -> None:
        for character in text:
            await self.pilot.press("space" if character == " " else character)

    async def wait_for(self, fits: Callable[[], object], what: str = "") -> None:
        for _ in range(500):
            if fits():
                return
            await self.pilot.pause(0.02)
        raise AssertionError(f"{what or 'it'} did not come; the pane is:\n{self.text()}")

    async def wait_for_text(self, wanted: str) -> None:
        await self.wait_for(lambda: wanted in self.text(), repr(wanted))

    async def ready(self) -> None:
        session = self.screen.session
        await self.wait_for(lambda: session.connection.model is not None, "the model")


Drive = Callable[..., AbstractAsyncContextManager[Driver]]


@pytest.fixture
def drive(tmp_path: Path) -> Drive:
    """Run the program against a server."""

    @asynccontextmanager
    async def driving(
        host: str, *, resume: Resume = None, size: tuple[int, int] = (120, 40), theme: str | None = None
    ) -> AsyncIterator[Driver]:
        session = Session(Settings(host=host, theme=theme), paths.store_file())
        app = LMChatApp(session, resume, tmp_path / "crash.log")
        async with app.run_test(size=size) as pilot:
            yield Driver(app, pilot)

    return driving
