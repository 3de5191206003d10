"""A transcript in a widget on the line API: it draws what is in view and nothing else.

Adding text never changes the widget's size, so no layout ever runs for it; a frame compares the rows wanted with the
rows shown and repaints those that differ.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Final

from textual.geometry import Region, Size
from textual.message import Message
from textual.strip import Strip
from textual.timer import Timer
from textual.widget import Widget

from lmchat.app.branch import Branch
from lmchat.markdown import Line
from lmchat.tui.palette import Palette
from lmchat.tui.transcript.entry import Entry, Unread
from lmchat.tui.transcript.finder import Finder
from lmchat.tui.transcript.message import MessageEntry
from lmchat.tui.transcript.notice import Notice, Welcome
from lmchat.tui.transcript.place import Place
from lmchat.tui.transcript.reader import Reader
from lmchat.tui.transcript.window import Row, Window
from lmchat.tui.widgets.painter import COLUMN, MARGIN, Painter
from lmchat.values.errors import LMStudioError
from lmchat.values.history import MessageRecord
from lmchat.values.prediction import LlmPredictionFragment

FRAME: Final = 1 / 20
"""Seconds between two frames at least. More a second look no smoother, and cost as much again."""
_AHEAD: Final = 60
"""Messages that are read from the store at once, before they are reached."""
_NOTHING: Final = Row(Line((), 0), "", -1, 0, 0)


class TranscriptView(Widget):
    """The messages of a conversation, read from its end."""

    class Scrolled(Message):
        """The place of reading has changed, or there is more to read."""

        def __init__(self, below: int, new: int, following: bool) -> None:
            super().__init__()
            self.below = below
            """Lines under those in view."""
            self.new = new
            """Those of them that came since the reader left the end."""
            self.following = following

    class Said(Message):
        """There is something to tell the reader in passing."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._window = Window()
        self._reader = Reader(self._window)
        self._branch: Branch | None = None
        self._painter: Painter | None = None
        self._writing: MessageEntry | None = None
        self._fitted = Size()
        self._rows: list[Row] = []
        self._shown: list[Strip] = []
        self._frame: Timer | None = None
        self._framed_at = 0.0
        self._frame_cost = 0.0
        self._incoming: list[LlmPredictionFragment] = []
        self.before_frame: Callable[[], Awaitable[None]] | None = None
        """Waited for before new text is drawn: what it sees to holds for all that is on the screen."""
        self._place: tuple[int, int, bool] = (0, 0, True)
        self._left_at: tuple[int, int] | None = None
        """The last entry and its lines when the reader left the end."""

    def on_mount(self) -> None:
        """Begin with the theme of the moment, and change with it."""
        self.app.theme_changed_signal.subscribe(self, lambda _: self._change_theme())
        self._change_theme()

    # What is shown

    def show(self, branch: Branch) -> None:
        """Show a conversation, from its end."""
        self._begin(branch, [Unread(number, outline) for number, outline in enumerate(branch.outlines)])

    def show_changed(self, branch: Branch, number: int) -> None:
        """Show a conversation of which another branch is current now; the message of this number stays in its row."""
        entries = self._window.entries
        index = next((at for at, entry in enumerate(entries) if entry.number == number), None)
        row = next((y for y, row in enumerate(self._rows) if row.entry == index), 0)
        following = self._window.following
        self.show(branch)
        if index is not None and number < len(branch) and not (following and row == 0):
            self._window.hold(Place(number, 0, 0, 0), row)
        if branch:
            self._reader.stand(Place(min(number, len(branch) - 1), 0, 0, 0))
        self.repaint()

    def show_welcome(self, branch: Branch, text: str) -> None:
        """Show an empty conversation, with a word of welcome in Markdown."""
        self._begin(branch, [Welcome(text)])

    def add(self, message: MessageRecord, number: int) -> None:
        """Show one more message, and go to it. The number is its place in the branch."""
        if any(isinstance(entry, Welcome) for entry in self._window.entries):
            self._window.show([])
        self._append(MessageEntry(message, number, self._alternative(number)))

    def add_notice(self, text: str, style: str) -> None:
        """Show something that the program has to say, and go to it."""
        self._append(Notice(text, style))

    def cut(self, length: int) -> None:
        """Show only so many messages of the branch; what the program said below them goes, too."""
        entries = self._window.entries
        beyond = [at for at, entry in enumerate(entries) if entry.number is not None and entry.number >= length]
        if beyond:
            self._window.cut(beyond[0])
            self._reader.reset()
        self.repaint()

    def begin(self, message: MessageRecord, number: int) -> None:
        """Show an answer that is about to be written. The number is its place in the branch."""
        self._writing = MessageEntry(message, number, self._alternative(number), writing=True)
        self._window.append(self._writing)
        self.repaint()

    def feed(self, fragment: LlmPredictionFragment) -> None:
        """Take a piece of the answer that is being written; it is drawn with the next frame."""
        if self._writing is None:
            return
        self._incoming.append(fragment)
        if self._frame is None:
            # A frame that takes long stretches the interval, so that drawing never takes a whole core.
            rest = self._framed_at + max(FRAME, 4 * self._frame_cost) - time.monotonic()
            self._frame = self.set_timer(max(rest, 0.001), self._draw_frame)

    def finish(self, message: MessageRecord) -> None:
        """The answer is done, and kept as this message."""
        if self._writing is not None:
            self._take_incoming(self._incoming)
            self._writing.finish(message)
            self._writing = None
        self.repaint()

    def fold_reasoning(self) -> None:
        """Fold or unfold what was thought in the last answer in view that thought."""
        shown = {row.entry for row in self._rows}
        last = max(shown, default=-1)
        for index in range(last, -1, -1):
            entry = self._window.entries[index]
            if isinstance(entry, MessageEntry) and (fold := entry.thoughts) is not None:
                self._reader.toggle(fold, index)
                self.repaint()
                return

    def _begin(self, branch: Branch, entries: list[Entry]) -> None:
        self._branch = branch
        self._writing = None
        self._reader.reset()
        self._window.read = self._read
        self._window.show(entries)
        self.repaint()

    def _append(self, entry: Entry) -> None:
        self._window.append(entry)
        self._window.to_end()
        self.repaint()

    def _read(self, unread: Unread) -> Entry | None:
        record = self._branch.record(unread.number) if self._branch is not None else None
        return None if record is None else MessageEntry(record, unread.number, self._alternative(unread.number))

    def _alternative(self, number: int) -> tuple[int, int] | None:
        return self._branch.alternative(number) if self._branch is not None else None

    # What is in view

    def scroll_lines(self, lines: int) -> None:
        """Move down by so many lines, or up if fewer than none."""
        self._window.scroll(lines)
        self._reader.catch_up()
        self.repaint()

    def scroll_pages(self, pages: int) -> None:
        """Move by whole pages, one line of the last left for the eye to hold on to."""
        self.scroll_lines(pages * max(self.size.height - 1, 1))

    def go_to_start(self) -> None:
        """Go to the first line."""
        self._window.to_start()
        self.repaint()

    def go_to_end(self) -> None:
        """Go to the end and stay there."""
        self._window.to_end()
        self.repaint()

    async def go_to_message(self, message_id: int, words: str = "") -> None:
        """Go to a message of the branch, and mark words in it; to the first of them, if they are there."""
        branch = self._branch
        numbers = [at for at, outline in enumerate(branch.outlines) if outline.id == message_id] if branch else []
        entries = [at for at, entry in enumerate(self._window.entries) if entry.number in numbers]
        if not entries:
            return
        await self._load(numbers[0], numbers[0] + 1)
        if branch is not self._branch:
            return
        self._window.hold(Place(entries[0], 0, 0, 0), 0)
        if words.strip():
            self._reader.find(Finder(words))
            if hits := self._reader.hits(entries[0]):
                self._reader.seek(hits[0])
        self.repaint()

    # Drawing

    def repaint(self) -> None:
        """Draw what has changed in view."""
        if self._painter is None or not self.size:
            return
        strips = self._compose_strips(self._painter)
        regions = self._differing(strips)
        self._shown = strips
        if regions:
            self.refresh(*regions)
        self._tell_place()
        self._read_ahead()

    def render_lines(self, crop: Region) -> list[Strip]:
        """The rows of a region, ready-made."""
        if self._fitted != self.size:
            # Drawn before the event of the new size has come.
            self._fit()
        elif len(self._shown) != self.size.height:
            self._shown = self._compose_strips(self._painter) if self._painter else []
        rows = self._shown[crop.y : crop.bottom]
        if crop.x == 0 and crop.width == self.size.width:
            return rows
        return [strip.crop(crop.x, crop.right) for strip in rows]

    def get_content_width(self, container: Size, viewport: Size) -> int:
        """All there is."""
        return container.width

    async def _draw_frame(self) -> None:
        incoming, self._incoming = self._incoming, []
        if self.before_frame is not None:
            await self.before_frame()
        self._frame = None
        self._framed_at = time.monotonic()
        began = time.thread_time()
        self._take_incoming(incoming)
        self.repaint()
        self._frame_cost = time.thread_time() - began
        if self._incoming:
            self._frame = self.set_timer(max(FRAME, 4 * self._frame_cost), self._draw_frame)

    def _take_incoming(self, fragments: list[LlmPredictionFragment]) -> None:
        if self._writing is not None:
            for fragment in fragments:
                self._writing.feed(fragment)
        fragments.clear()

    def _differing(self, strips: list[Strip]) -> list[Region]:
        width = self.size.width
        if len(strips) != len(self._shown):
            return [Region(0, 0, width, len(strips))]
        changed = [y for y, (new, old) in enumerate(zip(strips, self._shown, strict=True)) if new is not old]
        if len(changed) > len(strips) // 2:
            return [Region(0, 0, width, len(strips))]
        return [Region(0, y, width, 1) for y in changed]

    def _compose_strips(self, painter: Painter) -> list[Strip]:
        height = self.size.height
        rows = self._window.rows()
        rows += [_NOTHING] * (height - len(rows))
        self._rows = rows
        thumb = self._thumb(height)
        looks = self._reader.looks(rows)
        return [painter.strip(row, look, y in thumb) for y, (row, look) in enumerate(zip(rows, looks, strict=True))]

    def _thumb(self, height: int) -> range:
        """The rows that the thumb of the scroll bar takes; none when everything is in view."""
        extent = self._window.extent()
        if extent.total <= height:
            return range(0)
        size = max(height * height // extent.total, 1)
        top = round((height - size) * min(extent.top / (extent.total - height), 1.0))
        return range(top, top + size)

    def _read_ahead(self) -> None:
        """Have the messages read that are in view or near it and not in memory."""
        branch = self._branch
        if branch is None or not self._rows:
            return
        wanted = set(self._window.missing)
        entries = [self._window.entries[row.entry] for row in (self._rows[0], self._rows[-1]) if row.entry >= 0]
        for entry, ahead in zip(entries, (-_AHEAD // 3, _AHEAD // 3), strict=False):
            if entry.number is not None:
                number = min(max(entry.number + ahead, 0), len(branch) - 1)
                wanted |= {number} if branch.record(number) is None else set()
        if wanted:
            self.run_worker(self._load(min(wanted) - _AHEAD, max(wanted) + _AHEAD), group="read", exclusive=True)

    async def _load(self, start: int, stop: int) -> None:
        branch = self._branch
        if branch is None:
            return
        try:
            await branch.load(start, stop)
        except LMStudioError as wrong:
            self.post_message(self.Said(str(wrong)))
            return
        if branch is self._branch:
            self._window.arrived()
            self.repaint()

    # Its surroundings

    def on_resize(self) -> None:
        """Take the new size; the line that is read stays where it is."""
        if self._fitted != self.size:
            self._fit()
        self.repaint()

    def _fit(self) -> None:
        width = min(self.size.width - 2 * MARGIN, COLUMN)
        self._window.resize(max(width, 1), self.size.height)
        self._reader.forget_lines()
        self._fitted = self.size
        self._paint_anew()

    def _paint_anew(self) -> None:
        """Throw all strips away: they have another width or other colours now."""
        palette = Palette(self.app.current_theme, colorless=self.app.no_color)
        self._painter = Painter(palette, self.size.width, self.app.get_line_filters())
        self._shown = self._compose_strips(self._painter)

    def _change_theme(self) -> None:
        self._paint_anew()
        self.refresh()

    def _tell_place(self) -> None:
        following = self._window.following
        if following:
            self._left_at = None
        elif self._left_at is None and self._window.entries:
            last = len(self._window.entries) - 1
            self._left_at = (last, self._window.lines_from(last))
        new = self._window.lines_from(self._left_at[0]) - self._left_at[1] if self._left_at else 0
        below = self._window.extent().below
        place = (below, min(max(new, 0), below), following)
        if place != self._place:
            self._place = place
            self.post_message(self.Scrolled(*place))
