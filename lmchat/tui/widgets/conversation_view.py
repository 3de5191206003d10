"""The conversation pane: one widget on the line API that draws what is in view and nothing else.

Adding text never changes the widget's size, so no layout ever runs for it; a frame compares the rows wanted with the
rows shown and repaints those that differ.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from rich.segment import Segment
from textual import events
from textual.geometry import Region, Size
from textual.message import Message
from textual.strip import Strip
from textual.timer import Timer
from textual.widget import Widget

from lmchat.markdown import Line
from lmchat.tui.palette import Palette
from lmchat.tui.transcript.message import MessageLines
from lmchat.tui.transcript.notice import Notice, Welcome
from lmchat.tui.transcript.window import Block, Row, Window
from lmchat.values.history import MessageRecord
from lmchat.values.prediction import LlmPredictionFragment

COLUMN: Final = 100
"""Cells of text at most: longer lines are hard to read."""
FRAME: Final = 1 / 20
"""Seconds between two frames at least. More a second look no smoother, and cost as much again."""
_MARGIN: Final = 2
"""Cells left of the text, for the rule of its message."""
_RULE: Final = "▎"
_CACHED_STRIPS: Final = 4000
_WHEEL_LINES: Final = 3
_NOTHING: Final = Row(Line((), 0), "")


class ConversationView(Widget, can_focus=False):
    """The messages of a conversation, read from its end."""

    class Scrolled(Message):
        """The place of reading has changed, or there is more to read."""

        def __init__(self, view: ConversationView, below: int, following: bool) -> None:
            super().__init__()
            self.view = view
            self.below = below
            """Lines under those in view."""
            self.following = following

        @property
        def control(self) -> ConversationView:
            """The view itself."""
            return self.view

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._window = Window()
        self._palette: Palette | None = None
        self._writing: MessageLines | None = None
        self._shown: list[Strip] = []
        self._strips: dict[tuple[int, bool], tuple[Row, Strip]] = {}
        self._frame: Timer | None = None
        self._frame_cost = 0.0
        self._incoming: list[LlmPredictionFragment] = []
        self.before_frame: Callable[[], Awaitable[None]] | None = None
        """Waited for before new text is drawn: what it sees to holds for all that is on the screen."""
        self._place: tuple[int, bool] = (0, True)

    def on_mount(self) -> None:
        """Begin with the theme of the moment, and change with it."""
        self.app.theme_changed_signal.subscribe(self, lambda _: self._change_theme())
        self._change_theme()

    # What is shown

    def show(self, messages: Sequence[MessageRecord]) -> None:
        """Show a conversation, from its end."""
        self._writing = None
        self._window.show([MessageLines(message) for message in messages])
        self.repaint()

    def show_welcome(self, text: str) -> None:
        """Show an empty conversation, with a word of welcome in Markdown."""
        self._writing = None
        self._window.show([Welcome(text)])
        self.repaint()

    def add(self, message: MessageRecord) -> None:
        """Show one more message, and go to it."""
        if any(isinstance(block, Welcome) for block in self._window.blocks):
            self._window.show([])
        self._append(MessageLines(message))

    def add_notice(self, text: str, style: str) -> None:
        """Show something that the program has to say, and go to it."""
        self._append(Notice(text, style))

    def begin(self, message: MessageRecord) -> None:
        """Show an answer that is about to be written."""
        self._writing = MessageLines(message, writing=True)
        self._window.append(self._writing)
        self.repaint()

    def feed(self, fragment: LlmPredictionFragment) -> None:
        """Take a piece of the answer that is being written; it is drawn with the next frame."""
        if self._writing is None:
            return
        self._incoming.append(fragment)
        if self._frame is None:
            # A frame that takes long stretches the interval, so that drawing never takes a whole core.
            self._frame = self.set_timer(max(FRAME, 4 * self._frame_cost), self._draw_frame)

    def finish(self, message: MessageRecord) -> None:
        """The answer is done, and kept as this message."""
        if self._writing is not None:
            self._take_incoming(self._incoming)
            self._writing.finish(message)
            self._writing = None
        self.repaint()

    def fold_reasoning(self) -> None:
        """Fold or unfold what was thought in the last answer that thought."""
        for block in reversed(self._window.blocks):
            if isinstance(block, MessageLines) and block.thought:
                block.fold()
                self.repaint()
                return

    def _append(self, block: Block) -> None:
        self._window.append(block)
        self._window.to_end()
        self.repaint()

    # What is in view

    def scroll_lines(self, lines: int) -> None:
        """Move down by so many lines, or up if fewer than none."""
        self._window.scroll(lines)
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

    # Drawing

    def repaint(self) -> None:
        """Draw what has changed in view."""
        if self._palette is None or not self.size:
            return
        strips = self._compose_strips()
        regions = self._differing(strips)
        self._shown = strips
        if regions:
            self.refresh(*regions)
        self._tell_place()

    def render_lines(self, crop: Region) -> list[Strip]:
        """The rows of a region, ready-made."""
        if len(self._shown) != self.size.height:
            self._shown = self._compose_strips()
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
        began = time.thread_time()
        self._take_incoming(incoming)
        self.repaint()
        self._frame_cost = time.thread_time() - began

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

    def _compose_strips(self) -> list[Strip]:
        palette = self._palette
        if palette is None:
            return [Strip.blank(self.size.width)] * self.size.height
        width, height = self.size
        rows = self._window.rows()
        rows += [_NOTHING] * (height - len(rows))
        # A column narrower than the view stands in its middle.
        left = max(width - COLUMN - 2 * _MARGIN, 0) // 2
        thumb = self._thumb(height)
        return [self._strip(row, palette, left, y in thumb) for y, row in enumerate(rows)]

    def _thumb(self, height: int) -> range:
        """The rows that the thumb of the scroll bar takes; none when everything is in view."""
        extent = self._window.extent()
        if extent.total <= height:
            return range(0)
        size = max(height * height // extent.total, 1)
        top = round((height - size) * min(extent.top / (extent.total - height), 1.0))
        return range(top, top + size)

    def _strip(self, row: Row, palette: Palette, left: int, thumb: bool) -> Strip:
        key = (id(row.line), thumb)
        cached = self._strips.get(key)
        # The row is kept with its strip, so its line lives, and no other line can have the same id.
        if cached is not None and cached[0] == row:
            return cached[1]
        if len(self._strips) > _CACHED_STRIPS:
            self._strips.clear()
        strip = _draw(row, palette, left, self.size.width, thumb)
        for line_filter in self.app.get_line_filters():
            strip = strip.apply_filter(line_filter, palette.background)
        self._strips[key] = (row, strip)
        return strip

    # Events

    def on_resize(self, event: events.Resize) -> None:
        """Take the new size; what is in view stays about where it is."""
        width = min(event.size.width - 2 * _MARGIN, COLUMN)
        self._window.resize(max(width, 1), event.size.height)
        self._strips.clear()
        self.repaint()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """The wheel."""
        event.stop()
        self.scroll_lines(_WHEEL_LINES)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """The wheel."""
        event.stop()
        self.scroll_lines(-_WHEEL_LINES)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """The scroll bar goes where it is taken."""
        if event.x == self.size.width - 1:
            self.capture_mouse()
            self._drag_to(event.y)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """The scroll bar follows the hand."""
        if self.app.mouse_captured is self:
            self._drag_to(event.y)

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """Let the scroll bar go."""
        self.release_mouse()

    def _drag_to(self, y: int) -> None:
        self._window.to_fraction(min(max(y / max(self.size.height - 1, 1), 0.0), 1.0))
        self.repaint()

    def _change_theme(self) -> None:
        self._palette = Palette(self.app.current_theme)
        self._strips.clear()
        self._shown = []
        self.repaint()

    def _tell_place(self) -> None:
        place = (self._window.extent().below, self._window.following)
        if place != self._place:
            self._place = place
            self.post_message(self.Scrolled(self, *place))


def _draw(row: Row, palette: Palette, left: int, width: int, thumb: bool) -> Strip:
    base = palette.base
    segments: list[Segment] = []
    used = 0
    room = width - 1
    if (row.role or row.line.spans) and room > _MARGIN:
        if left:
            segments.append(Segment(" " * left, base))
        rule = Segment(_RULE, palette.style(f"rule.{row.role}")) if row.role else Segment(" ", base)
        segments += [rule, Segment(" " * (_MARGIN - 1), base)]
        segments += [Segment(span.text, palette.style(span.style)) for span in row.line.spans]
        used = left + _MARGIN + row.line.width
    if used < room:
        segments.append(Segment(" " * (room - used), base))
    strip = Strip(segments, max(used, room)).crop(0, room)
    bar = Segment("▐", palette.style("scrollbar.thumb")) if thumb else Segment(" ", base)
    return Strip([*strip, bar], width)
