"""The input box: Enter sends, Shift+Enter or Ctrl+J breaks the line, and it grows with what is typed."""

from __future__ import annotations

from typing import Final

from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.widgets import TextArea

from lmchat.tui.widgets.pastes import Pastes

_BREAKS: Final = frozenset({"shift+enter", "ctrl+j", "alt+enter"})


class Prompt(TextArea):
    """Where the user types."""

    class Submitted(Message):
        """The user wants this sent."""

        def __init__(self, prompt: Prompt, text: str) -> None:
            super().__init__()
            self.prompt = prompt
            self.text = text

        @property
        def control(self) -> Prompt:
            """The prompt itself."""
            return self.prompt

    class WalkedUp(Message):
        """The user goes from the first line up into the conversation."""

    class WentToEnd(Message):
        """The user wants the end of the conversation: there is no line here to go to the end of."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, soft_wrap=True, show_line_numbers=False, highlight_cursor_line=False, compact=True)
        self._put_aside: str | None = None
        self._pastes = Pastes()
        self.placeholder = "Ask something"

    async def _on_key(self, event: events.Key) -> None:
        # Both before bindings are looked at: what is typed right after must find the line sent, or broken.
        if event.key == "enter":
            event.stop()
            event.prevent_default()
            self.post_message(self.Submitted(self, self.take()))
        elif event.key in _BREAKS:
            event.stop()
            event.prevent_default()
            self.insert("\n")
        elif event.key == "up" and self.navigator.is_first_wrapped_line(self.cursor_location):
            event.stop()
            event.prevent_default()
            self.post_message(self.WalkedUp())
        elif event.key == "end" and not self.text:
            event.stop()
            event.prevent_default()
            self.post_message(self.WentToEnd())
        else:
            await super()._on_key(event)

    async def _on_paste(self, event: events.Paste) -> None:
        if (folded := self._pastes.fold(event.text)) != event.text:
            event.stop()
            event.prevent_default()
            self.replace(folded, *self.selection, maintain_selection_offset=False)

    def action_delete_left(self) -> None:
        """Delete what is before the cursor: a letter, or a folded paste as a whole."""
        row, column = self.cursor_location
        mark = self._pastes.mark_before(self.document.get_line(row)[:column])
        if mark is not None and self.selection.is_empty:
            self.delete((row, column - len(mark)), (row, column))
        else:
            super().action_delete_left()

    @property
    def whole(self) -> str:
        """The text with all that was pasted into it."""
        return self._pastes.unfold(self.text)

    @property
    def draft(self) -> str:
        """What is typed to be sent; what was put aside, while something else is edited."""
        return self.whole if self._put_aside is None else self._put_aside

    def take(self) -> str:
        """Empty the box, and give what was in it."""
        text = self.whole
        self.clear()
        self._pastes.forget()
        return text

    def put(self, text: str) -> None:
        """Have this text in the box in the place of what is there."""
        self.text = text
        self._pastes.forget()
        self.move_cursor(self.document.end)

    def swap(self, text: str) -> None:
        """Have another text edited; `swap_back` brings back what is here now."""
        self._put_aside = self.whole
        self.put(text)

    def swap_back(self) -> None:
        """Edit what was here before the other text."""
        text, self._put_aside = self._put_aside or "", None
        self.put(text)

    def give_back(self, text: str) -> None:
        """Put what could not be sent before what has been typed since."""
        if text:
            self.insert(f"{text}\n\n" if self.text else text, (0, 0))

    def render_line(self, y: int) -> Strip:
        """One line; a box without any width for text has none."""
        return super().render_line(y) if self.content_size.width > 0 else Strip.blank(self.size.width)
