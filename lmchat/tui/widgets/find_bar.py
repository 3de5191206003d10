"""The line above the prompt in which one says what to find in the conversation, and the search for it."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import TypeAlias

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input, Static

from lmchat.app.search import Found
from lmchat.tui.transcript.finder import Finder
from lmchat.tui.widgets.conversation_view import ConversationView
from lmchat.values.errors import LMStudioError

Search: TypeAlias = Callable[[re.Pattern[str]], AsyncGenerator[Found]]
"""Tells how often a pattern occurs in which messages, slice by slice."""


class _Query(Input):
    """What is sought. Up and Down are bound here, since every input binds them to scrolling, which it cannot do."""

    BINDINGS = [
        Binding("down", "step(True)", "Next", key_display="⏎ ↓"),
        Binding("up", "step(False)", "Previous", key_display="↑"),
        Binding("shift+enter", "step(False)", "Previous", show=False),
    ]

    class Stepped(Message):
        """The next occurrence is wanted, or the one before."""

        def __init__(self, *, down: bool) -> None:
            super().__init__()
            self.down = down

    def action_step(self, down: bool) -> None:
        """Go on."""
        self.post_message(self.Stepped(down=down))


class FindBar(Horizontal):
    """What is sought in a view, and how often it is there."""

    BINDINGS = [Binding("escape", "close", "Close")]

    class Closed(Message):
        """No more is sought."""

    def __init__(self, view: ConversationView, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._view = view
        self._search_all: Search | None = None
        self._input = _Query(placeholder="Find in this conversation", compact=True)
        self._count = Static("", markup=False)

    def compose(self) -> ComposeResult:
        """A word, the input, and the count."""
        yield Static("Find", classes="name")
        yield self._input
        yield self._count

    def open(self, search: Search) -> None:
        """Begin to find, with what was sought last."""
        self._search_all = search
        self._view.begin_find()
        self._input.focus()
        self._seek()

    def close(self) -> None:
        """Find no more."""
        self._search_all = None
        self._seek()

    def action_close(self) -> None:
        """Ask to be closed."""
        self.post_message(self.Closed())

    @on(Input.Changed)
    def _change(self, event: Input.Changed) -> None:
        event.stop()
        if self._search_all is not None:
            self._seek()

    @on(_Query.Stepped)
    def _go_on(self, event: _Query.Stepped) -> None:
        event.stop()
        self._step(event.down)

    @on(Input.Submitted)
    def _submit(self, event: Input.Submitted) -> None:
        event.stop()
        self._step(True)

    def _seek(self) -> None:
        self.workers.cancel_group(self, "find")
        self._view.find(self._input.value if self._search_all else "")
        if (finder := self._view.finder) is not None and self._search_all is not None:
            self._search(finder, self._search_all)
        else:
            self._count.update("")

    @work(exclusive=True, group="find")
    async def _search(self, finder: Finder, search: Search) -> None:
        """Look through the whole conversation, from its end back."""
        try:
            async with aclosing(search(finder.pattern)) as slices:
                async for found in slices:
                    self._view.told(found)
                    if finder.current is None and found:
                        await self._view.find_next(down=False)
                    self._show_count(finder)
        except LMStudioError as wrong:
            self._view.post_message(ConversationView.Said(str(wrong)))
        finder.searching = False
        self._show_count(finder)

    @work(exclusive=True, group="step")
    async def _step(self, down: bool) -> None:
        await self._view.find_next(down=down)
        if (finder := self._view.finder) is not None:
            self._show_count(finder)

    def _show_count(self, finder: Finder) -> None:
        if finder.count == 0:
            self._count.update("…" if finder.searching else "not found")
            return
        number = f"{finder.number:,} of " if finder.number else ""
        self._count.update(f"{number}{finder.count:,}{' …' if finder.searching else ''}")
