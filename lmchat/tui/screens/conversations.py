"""All conversations on a screen of their own: browsed, searched, looked into, and put in order."""

from __future__ import annotations

from collections.abc import Awaitable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal
from textual.screen import ModalScreen
from textual.widgets import Footer, Input, OptionList, Static
from textual.widgets.option_list import Option

from lmchat.app.files import file_name
from lmchat.app.library import PAGE, Library
from lmchat.tui.screens.line import LineScreen
from lmchat.tui.widgets.conversation_options import by_day, group_of, hits
from lmchat.tui.widgets.status_line import StatusLine
from lmchat.tui.widgets.transcript_view import TranscriptView
from lmchat.values.errors import LMStudioError
from lmchat.values.history import ConversationSummary
from lmchat.values.safe_text import safe_line
from lmchat.values.search import SearchHit

_WIDE: Final = 100
"""Columns from which there is room for a look at the conversation."""
_LOOK: Final = 1 / 10
"""Seconds on an option after which its conversation is looked into."""
_HINT: Final = "Enter opens · ↓ list, x export · model: tag: role: before: after: is:pinned is:archived is:deleted"


@dataclass(frozen=True, slots=True)
class Choice:
    """What the user wants to read."""

    conversation: ConversationSummary
    message_id: int | None = None
    """Where in it; None: its end."""


class ConversationsScreen(ModalScreen[Choice | None]):
    """Gives the user's choice, or None. Typing searches; Down goes to what was found, where letters do things."""

    CSS_PATH = "conversations.tcss"
    BINDINGS = [
        Binding("escape", "leave", "Back"),
        Binding("ctrl+s", "dismiss(None)", "Close", show=False),
        Binding("slash", "search", "Search", show=False),
        Binding("r", "rename", "Rename"),
        Binding("t", "tag", "Tag"),
        Binding("p", "pin", "Pin"),
        Binding("a", "archive", "Archive"),
        Binding("d", "delete", "Delete"),
        Binding("x", "export", "Export", show=False),
        Binding("u", "undelete", "Undo", show=False),
    ]

    def __init__(self, library: Library, current: int | None) -> None:
        super().__init__()
        self._library = library
        self._current = current
        self._found: list[ConversationSummary] | list[SearchHit] = []
        self._shown: list[ConversationSummary | SearchHit | None] = []
        """What stands at each index of the list; None for headings."""
        self._deleted: list[ConversationSummary] = []
        self._complete = False
        self._query = Input(placeholder="Search all conversations", compact=True)
        self._list = OptionList(markup=False, compact=True)
        self._look = TranscriptView()
        self._status = StatusLine()

    def compose(self) -> ComposeResult:
        """The search above, the list at the left, a look into the conversation at the right."""
        with Horizontal(id="search"):
            yield Static("Conversations", classes="name")
            yield self._query
        with Horizontal(id="found"):
            yield self._list
            yield self._look
        yield self._status
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        """List them, newest first."""
        self._status.standing = _HINT
        self._query.focus()
        self._refresh_list()

    def on_resize(self, event: events.Resize) -> None:
        """The look goes when there is no room for it."""
        self.set_class(event.size.width >= _WIDE, "-wide")
        self.call_after_refresh(self._draw, self._list.highlighted)

    # The list

    @on(Input.Changed)
    def _change(self) -> None:
        self._refresh_list()

    @work(exclusive=True, group="list")
    async def _refresh_list(self, keep: int | None = None) -> None:
        """Read the list anew; the option at `keep` stays chosen."""
        text = self._query.value
        try:
            found = await (self._library.search(text) if text.strip() else self._library.page())
        except LMStudioError as wrong:
            self._status.say(str(wrong))
            return
        self._found = found
        self._complete = len(found) < PAGE or bool(text.strip())
        self._draw(keep)

    @work(exclusive=True, group="list")
    async def _read_on(self) -> None:
        """Read the next page, when the end of the list comes near."""
        last = self._found[-1]
        if not isinstance(last, ConversationSummary):
            return
        try:
            page = await self._library.page(last)
        except LMStudioError as wrong:
            self._status.say(str(wrong))
            return
        self._complete = len(page) < PAGE
        self._found = [*(item for item in self._found if isinstance(item, ConversationSummary)), *page]
        self._add(page, group_of(last, last.updated_at) if last.pinned else "")

    def _draw(self, keep: int | None) -> None:
        self._list.clear_options()
        self._shown = []
        if not self._found:
            self._list.add_option(
                Option("Nothing was found" if self._query.value.strip() else "Nothing yet", disabled=True)
            )
            self._shown.append(None)
            self._look_into()
            return
        self._add(self._found)
        first = next(index for index, item in enumerate(self._shown) if item is not None)
        self._list.highlighted = first if keep is None else min(max(keep, first), len(self._shown) - 1)

    def _add(self, found: Sequence[ConversationSummary] | Sequence[SearchHit], group: str = "") -> None:
        width = max(self._list.size.width - 3, 20)
        summaries = [item for item in found if isinstance(item, ConversationSummary)]
        places = [item for item in found if isinstance(item, SearchHit)]
        options = [*by_day(summaries, current=self._current, width=width, group=group), *hits(places, width=width)]
        items: Iterator[ConversationSummary | SearchHit] = iter(found)
        self._list.add_options(options)
        self._shown += [None if option.disabled else next(items) for option in options]

    @property
    def _chosen(self) -> ConversationSummary | None:
        item = self._item
        return item.conversation if isinstance(item, SearchHit) else item

    @property
    def _item(self) -> ConversationSummary | SearchHit | None:
        index = self._list.highlighted
        return None if index is None or index >= len(self._shown) else self._shown[index]

    # A look into the conversation

    @on(OptionList.OptionHighlighted)
    def _go_on(self, event: OptionList.OptionHighlighted) -> None:
        self._look_into()
        if not self._complete and event.option_index >= len(self._shown) - PAGE // 4:
            self._read_on()

    @work(exclusive=True, group="look")
    async def _look_into(self) -> None:
        item = self._item
        if item is None or not self.has_class("-wide"):
            self._look.visible = False
            return
        chosen = item.conversation if isinstance(item, SearchHit) else item
        try:
            branch = await self._library.branch(chosen)
        except LMStudioError as wrong:
            self._status.say(str(wrong))
            return
        self._look.visible = True
        self._look.show(branch)
        if isinstance(item, SearchHit) and item.message_id is not None:
            words = [item.snippet.text[first:last] for first, last in item.snippet.marks]
            await self._look.go_to_message(item.message_id, words[0] if words else "")

    # What is done

    @on(Input.Submitted)
    def _enter(self) -> None:
        self._choose()

    @on(OptionList.OptionSelected)
    def _select(self) -> None:
        self._choose()

    def _choose(self) -> None:
        item = self._item
        if isinstance(item, SearchHit):
            self.dismiss(Choice(item.conversation, item.message_id))
        elif item is not None:
            self.dismiss(Choice(item))

    def on_key(self, event: events.Key) -> None:
        """Down leads from the search to the list, and Up from its first conversation back."""
        if event.key == "down" and self._query.has_focus:
            event.stop()
            self._list.focus()
        elif event.key == "up" and self._list.has_focus and self._is_first():
            event.stop()
            event.prevent_default()
            self._query.focus()

    def _is_first(self) -> bool:
        index = self._list.highlighted
        return index is None or all(item is None for item in self._shown[:index])

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Letters do things only while the list has the keys."""
        if action in ("rename", "tag", "pin", "archive", "delete", "undelete", "export", "search"):
            return self._list.has_focus
        return True

    def action_leave(self) -> None:
        """Empty the search first, then go."""
        if self._query.value:
            self._query.value = ""
            self._query.focus()
        else:
            self.dismiss(None)

    def action_search(self) -> None:
        """Type what to look for."""
        self._query.focus()

    @work
    async def action_rename(self) -> None:
        """Give the conversation another title."""
        if (chosen := self._chosen) is None:
            return
        title = await self.app.push_screen_wait(LineScreen("What is it to be called?", chosen.title))
        if title and title.strip():
            await self._do(self._library.rename(chosen, title), "Renamed.")

    @work
    async def action_tag(self) -> None:
        """Give the conversation tags."""
        if (chosen := self._chosen) is None:
            return
        line = await self.app.push_screen_wait(LineScreen("Tags, with commas between them", ", ".join(chosen.tags)))
        if line is not None:
            await self._do(self._library.set_tags(chosen, line.split(",")), "Tagged.")

    @work
    async def action_pin(self) -> None:
        """Keep the conversation at the top, or no longer."""
        if (chosen := self._chosen) is not None:
            await self._do(self._library.pin(chosen, not chosen.pinned), "Unpinned." if chosen.pinned else "Pinned.")

    @work
    async def action_archive(self) -> None:
        """Take the conversation out of the list, or back into it."""
        if (chosen := self._chosen) is not None:
            said = "Back in the list." if chosen.archived else "Archived: is:archived finds it."
            await self._do(self._library.archive(chosen, not chosen.archived), said)

    @work
    async def action_export(self) -> None:
        """Write the conversation to a file."""
        if (chosen := self._chosen) is None:
            return
        suggested = str(Path.home() / file_name(chosen, ".md"))
        line = await self.app.push_screen_wait(LineScreen("To which file? .md, .html or .json", suggested))
        if line and line.strip():
            path = Path(line.strip())
            await self._do(self._library.export(chosen, path), f"Written to {safe_line(str(path))}.")

    @work
    async def action_delete(self) -> None:
        """Delete the conversation; it can be brought back."""
        if (chosen := self._chosen) is None:
            return
        if chosen.id == self._current:
            self._status.say("This one is open. Begin another with Ctrl+N first.")
            return
        await self._do(self._library.delete(chosen), f"Deleted: {safe_line(chosen.title)}. u brings it back.")
        self._deleted.append(chosen)

    @work
    async def action_undelete(self) -> None:
        """Bring back what was deleted: the one that is chosen, else the last."""
        chosen = self._chosen
        back = chosen if chosen is not None and chosen.deleted else self._deleted.pop() if self._deleted else None
        if back is None:
            self._status.say("Nothing was deleted here. is:deleted finds what was deleted before.")
        else:
            await self._do(self._library.undelete(back), f"Brought back: {safe_line(back.title)}.")

    async def _do(self, change: Awaitable[object], said: str) -> None:
        try:
            await change
        except LMStudioError as wrong:
            self._status.say(str(wrong))
        else:
            self._status.say(said)
            self._refresh_list(self._list.highlighted)
