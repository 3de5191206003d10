"""The conversation pane: the transcript, and what its reader does with it besides reading on."""

from __future__ import annotations

from typing import Final

from textual import events
from textual.actions import SkipAction
from textual.binding import Binding
from textual.message import Message
from textual.timer import Timer

from lmchat.app.search import Found
from lmchat.markdown import Line
from lmchat.tui.transcript.entry import Unread
from lmchat.tui.transcript.finder import Finder
from lmchat.tui.transcript.message import MessageEntry
from lmchat.tui.transcript.place import Place
from lmchat.tui.transcript.reader import place_in
from lmchat.tui.transcript.sections import Fold
from lmchat.tui.transcript.selection import Selection, block_around, word_at
from lmchat.tui.transcript.window import Row
from lmchat.tui.widgets.transcript_view import TranscriptView
from lmchat.values.history import MessageRecord

FRAME: Final = 1 / 20
"""Seconds between two frames at least. More a second look no smoother, and cost as much again."""
_WHEEL_LINES: Final = 3
_AHEAD: Final = 60
"""Messages that are read from the store at once, before they are reached."""
_DRAG: Final = 1 / 15
"""Seconds between two lines when a selection is drawn beyond the edge."""
_NOTHING: Final = Row(Line((), 0), "", -1, 0, 0)


class ConversationView(TranscriptView, can_focus=True):
    """The conversation pane: keys move a cursor in it, the mouse selects, a search marks what it finds."""

    ALLOW_SELECT = False
    BINDINGS = [
        Binding("y", "copy", "Copy"),
        Binding("enter,space", "fold", "Fold", show=False),
        Binding("e", "want('revise')", "Edit"),
        Binding("r", "want('regenerate')", "Again"),
        Binding("c", "want('extend')", "Go on"),
        Binding("left,h", "want('flip_back')", "Alternative before", show=False),
        Binding("right,l", "want('flip')", "Next alternative", show=False),
        Binding("d", "want('delete')", "Delete", show=False),
        Binding("u", "undo", "Undo", show=False),
        Binding("f", "want('fork')", "Fork", show=False),
        Binding("t", "want('tree')", "Tree", show=False),
        Binding("o", "link", "Links", show=False),
        Binding("s", "source", "Source", show=False),
        Binding("escape", "leave", "Back"),
        Binding("up,k", "move(False)", "Block above", show=False),
        Binding("down,j", "move(True)", "Block below", show=False),
        Binding("shift+up,left_square_bracket", "move(False, True)", "Message above", show=False),
        Binding("shift+down,right_square_bracket", "move(True, True)", "Message below", show=False),
        Binding("home,g", "edge(False)", "First", show=False),
        Binding("end,G", "edge(True)", "Last", show=False),
        Binding("Y", "copy(True)", "Copy the message", show=False),
        Binding("ctrl+c,super+c", "copy_selection", "Copy the selection", show=False),
    ]

    class Copied(Message):
        """The reader wants this text on the clipboard."""

        def __init__(self, text: str, what: str) -> None:
            super().__init__()
            self.text = text
            self.what = what

    class LinkChosen(Message):
        """The reader looks at a link, or wants it opened; without a target, looks at none any more."""

        def __init__(self, target: str | None, *, wanted: bool = False) -> None:
            super().__init__()
            self.target = target
            self.wanted = wanted

    class Wanted(Message):
        """The reader wants something done with a message; `deed` is a name of the keys above."""

        def __init__(self, deed: str, message: MessageRecord, number: int) -> None:
            super().__init__()
            self.deed = deed
            self.message = message
            self.number = number
            """Its place in the branch."""

    class Pointed(Message):
        """The cursor stands on another message now, or on none."""

        def __init__(self, message: MessageRecord | None) -> None:
            super().__init__()
            self.message = message

    class UndoWanted(Message):
        """The reader wants back what was deleted last."""

    class Left(Message):
        """The reader goes back to the prompt, perhaps with a character for it."""

        def __init__(self, typed: str = "") -> None:
            super().__init__()
            self.typed = typed

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._bookmark = self._window.bookmark
        self._pressed: Place | None = None
        self._pointed: MessageRecord | None = None
        self._dragging: Timer | None = None
        self._drag_at = (0, 0)

    # Finding

    def begin_find(self) -> None:
        """A search begins here."""
        self._bookmark = self._window.bookmark

    @property
    def finder(self) -> Finder | None:
        """The search that goes on; None if nothing is sought."""
        return self._reader.finder

    def find(self, query: str) -> None:
        """Mark what is sought, and go to it if it was in view where the search began. Without a query: no more."""
        finder = Finder(query) if query.strip() else None
        self._reader.find(finder)
        if finder is not None:
            self._window.return_to(self._bookmark)
            self._rows = self._window.rows()
            self._seek_near()
        self.repaint()

    def told(self, found: Found) -> None:
        """A search has found what is sought in these messages."""
        if (finder := self._reader.finder) is not None:
            entries = {entry.number: index for index, entry in enumerate(self._window.entries)}
            finder.told((entries[number], count) for number, count in found if number in entries)

    async def find_next(self, *, down: bool) -> None:
        """Go to the next occurrence, or to the one before; past the end, on from the other end."""
        finder = self._reader.finder
        if finder is None:
            return
        hit = finder.current
        index = hit.place.entry if hit else self._rows[-1].entry + 1 if self._rows else 0
        if hit is not None:
            hits = list(self._reader.hits(index))
            at = hits.index(hit) + (1 if down else -1) if hit in hits else -1
            if 0 <= at < len(hits):
                self._reader.seek(hits[at])
                self.repaint()
                return
        for _ in range(len(self._window.entries)):
            if (found := finder.next_entry(index, down)) is None:
                return
            index = found
            await self._bring(index)
            if finder is not self._reader.finder:
                return
            if hits := list(self._reader.hits(index)):
                self._reader.seek(hits[0 if down else -1])
                self.repaint()
                return

    def _seek_near(self) -> None:
        """Go to an occurrence that is in view, the last first: what is written last is most likely meant."""
        shown = [(row.entry, row.section, row.line.block) for row in self._rows if row.entry >= 0]
        for index in sorted({key[0] for key in shown}, reverse=True):
            for hit in reversed(self._reader.hits(index)):
                if hit.place[:3] in shown:
                    self._reader.seek(hit)
                    return

    async def _bring(self, index: int) -> None:
        """Have the message of an entry in memory, drawn or not."""
        entry = self._window.entries[index]
        if isinstance(entry, Unread) and self._branch is not None:
            await self._load(entry.number, entry.number + 1)
            self._window.hold(Place(index, 0, 0, 0), 0)

    def repaint(self) -> None:
        """Draw what has changed, and tell where the cursor stands."""
        super().repaint()
        message = self._message_under_cursor()
        if message is not self._pointed:
            self._pointed = message
            self.post_message(self.Pointed(message))

    def _message_under_cursor(self) -> MessageRecord | None:
        if self._reader.cursor is None or self._reader.cursor.entry >= len(self._window.entries):
            return None
        entry = self._window.entries[self._reader.cursor.entry]
        return entry.message if isinstance(entry, MessageEntry) else None

    # Keys

    def walk_in(self) -> bool:
        """Put the cursor on what stands last in view, and take the keys. False if nothing was said yet."""
        found = self._reader.enter()
        if found:
            self.focus()
            self.repaint()
        return found

    def on_blur(self) -> None:
        """Take the cursor away, and what was marked."""
        self._reader.cursor = self._reader.link = None
        self.repaint()

    def on_key(self, event: events.Key) -> None:
        """What is typed here was meant for the prompt."""
        if event.is_printable and event.character and not self._bindings.key_to_bindings.get(event.key):
            event.stop()
            self.post_message(self.Left(event.character))

    def action_move(self, down: bool, by_message: bool = False) -> None:
        """Move the cursor; below the last block is the prompt."""
        self._drop_link()
        if not self._reader.move(down=down, by_message=by_message) and down:
            self.post_message(self.Left())
        self.repaint()

    def action_edge(self, end: bool) -> None:
        """Move the cursor to the first block or to the last."""
        self._drop_link()
        self._reader.move_to_edge(end=end)
        self.repaint()

    def action_leave(self) -> None:
        """Let go of a link or a selection; else go back to the prompt."""
        if self._reader.link is not None:
            self._drop_link()
        elif self._reader.selection is not None:
            self._reader.selection = None
        else:
            self.post_message(self.Left())
        self.repaint()

    def action_copy(self, message: bool = False) -> None:
        """Copy what is selected, the code under the cursor, or the cursor's message."""
        if copied := self._reader.copy(message=message):
            self.post_message(self.Copied(*copied))

    def action_want(self, deed: str) -> None:
        """Pass on what is wanted of the message under the cursor."""
        if self._reader.cursor is None:
            return
        entry = self._window.entries[self._reader.cursor.entry]
        if isinstance(entry, MessageEntry) and entry.number is not None and not entry.writing:
            self.post_message(self.Wanted(deed, entry.message, entry.number))

    def action_undo(self) -> None:
        """Have back what was deleted last."""
        self.post_message(self.UndoWanted())

    def action_fold(self) -> None:
        """Open the link that is pointed at; else fold or unfold."""
        if (link := self._reader.link) is not None:
            self.post_message(self.LinkChosen(link.target, wanted=True))
            self._reader.link = None
        else:
            self._reader.fold()
        self.repaint()

    def action_link(self) -> None:
        """Point at the next link in the block."""
        if (link := self._reader.next_link()) is not None:
            self.post_message(self.LinkChosen(link.target))
        else:
            self.post_message(self.Said("There is no link in this block."))
        self.repaint()

    def action_source(self) -> None:
        """Show the message as it was written, or as it reads."""
        self._drop_link()
        self._reader.show_source()
        self.repaint()

    def action_copy_selection(self) -> None:
        """Copy what is selected; with nothing selected the key has its other meaning."""
        if self._reader.selection is None:
            raise SkipAction
        self.action_copy()

    def _drop_link(self) -> None:
        if self._reader.link is not None:
            self._reader.link = None
            self.post_message(self.LinkChosen(None))

    # The mouse

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """The wheel."""
        event.stop()
        self.scroll_lines(_WHEEL_LINES)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """The wheel."""
        event.stop()
        self.scroll_lines(-_WHEEL_LINES)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """The scroll bar goes where it is taken; anywhere else something may be selected."""
        if event.x == self.size.width - 1:
            self.capture_mouse()
            self._drag_bar_to(event.y)
        elif event.button == 1:
            self.capture_mouse()
            self._pressed = self._place_at(event.x, event.y)
            self._reader.selection = None
            self.repaint()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """The scroll bar follows the hand, or the selection does."""
        if self.app.mouse_captured is not self:
            return
        if self._pressed is None:
            self._drag_bar_to(event.y)
            return
        self._drag_at = event.x, event.y
        if not 0 <= event.y < self.size.height:
            self._dragging = self._dragging or self.set_interval(_DRAG, self._drag_on)
        self._select_to(event.x, event.y)

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """Let the scroll bar or the selection go."""
        self.release_mouse()
        if self._dragging is not None:
            self._dragging.stop()
            self._dragging = None

    def on_click(self, event: events.Click) -> None:
        """One click puts the cursor there, folds, or looks at a link; two select a word, three a block."""
        pressed, self._pressed = self._pressed, None
        if pressed is None or (self._reader.selection is not None and event.chain == 1):
            return
        entries, width = self._window.entries, self._window.width
        section = entries[pressed.entry].sections[pressed.section]
        if event.chain == 2 and section.searched:
            self._reader.selection = word_at(entries, pressed, width)
        elif event.chain >= 3 and section.searched:
            self._reader.selection = block_around(entries, pressed, width)
        else:
            self._reader.stand(pressed)
            if isinstance(section, Fold):
                self._reader.toggle(section, pressed.entry)
            elif (link := self._reader.link_at(pressed)) is not None:
                self.post_message(self.LinkChosen(link.target))
        self.repaint()

    def _drag_on(self) -> None:
        x, y = self._drag_at
        if 0 <= y < self.size.height:
            return
        self._window.scroll(-1 if y < 0 else 1)
        self.repaint()
        self._select_to(x, y)

    def _select_to(self, x: int, y: int) -> None:
        head = self._place_at(x, min(max(y, 0), self.size.height - 1))
        if self._pressed is not None and head is not None and (head != self._pressed or self._reader.selection):
            self._reader.selection = Selection(self._pressed, head)
            self.repaint()

    def _place_at(self, x: int, y: int) -> Place | None:
        """What stands there; beside and below all text, the nearest of it."""
        rows = self._rows[: y + 1]
        while rows and rows[-1].entry < 0:
            rows.pop()
        if not rows or self._painter is None:
            return None
        row = rows[-1]
        lines = self._window.entries[row.entry].sections[row.section].lines(self._window.width)
        if row.number >= len(lines):
            return None
        return place_in(row, lines, self._painter.character(row.line, x))

    def _drag_bar_to(self, y: int) -> None:
        self._window.to_fraction(min(max(y / max(self.size.height - 1, 1), 0.0), 1.0))
        self.repaint()
