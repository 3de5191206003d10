"""Word wrap by terminal cells, as a stream: spans go in, rows come out as soon as they cannot change any more."""

from __future__ import annotations

import re
from copy import copy
from typing import NamedTuple

from lmchat.markdown.cells import cells, clusters, is_narrow
from lmchat.markdown.lines import Span

# Scripts that are written without spaces, and pictographs: a line may break before and after each character.
_BREAKABLE = (
    "\u1100-\u11ff\u2e80-\ua4cf\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\ufe30-\ufe6f\uff00-\uffef\U0001f000-\U0003ffff"
)
_HAS_BREAKABLE = re.compile(f"[{_BREAKABLE}]")
_NOT_AT_START = frozenset(
    "、。，．・：；？！）〕］｝〉》」』】〙〗’”…ーゝゞ々ぁぃぅぇぉっゃゅょァィゥェォッャュョ％" + ".,;:!?)]}%'\"»"
)
_NOT_AT_END = frozenset("（〔［｛〈《「『【〘〖‘“([{«")
_SPACES = re.compile(r"[ \t\n]+")


class Row(NamedTuple):
    """A wrapped row: its spans, their width in cells, and the text the break before it took away (None: no wrap)."""

    spans: list[Span]
    width: int
    joint: str | None


class Wrapper:
    """Greedy wrap to `width` cells (at least 2). Finished rows gather in `rows`; the last is only known at `close`."""

    def __init__(self, width: int) -> None:
        self.rows: list[Row] = []
        self._width = max(width, 2)
        self._line: list[Span] = []
        self._used = 0
        self._space: Span | None = None
        self._word: list[Span] = []
        self._word_width = 0
        self._joint: str | None = None
        self._breaks_after = False
        self._overlong = False
        self._empty = True

    def fork(self) -> Wrapper:
        """A copy that goes its own way and starts with no rows."""
        other = copy(self)
        other.rows = []
        other._line = self._line[:]
        other._word = self._word[:]
        return other

    def add(self, span: Span) -> None:
        """Append a span. Runs of white space are one space; a space where the line breaks disappears."""
        text = _SPACES.sub(" ", span.text)
        if is_narrow(text):
            self._add_narrow(text, span)
            return
        for index, word in enumerate(text.split(" ")):
            if index:
                self._add_space(span)
            if not word:
                continue
            if _HAS_BREAKABLE.search(word):
                self._add_breakable(word, span)
            else:
                self._add_word(word, cells(word), span)

    def newline(self) -> None:
        """Break the line here, as the author asked."""
        self._place_word()
        self._space = None
        self._overlong = False
        self._end_row(None)

    def close(self) -> None:
        """No more text will come: the last row is final too."""
        self._place_word()
        if self._line or self._empty:
            self._end_row(None)

    def _add_narrow(self, text: str, span: Span) -> None:
        first, last = text.find(" "), text.rfind(" ")
        if first < 0:
            self._add_word(text, len(text), span)
            return
        self._add_word(text[:first], first, span)
        self._add_space(span)
        if first < last:
            self._add_words(text[first + 1 : last], span)
            self._add_space(span)
        self._add_word(text[last + 1 :], len(text) - last - 1, span)

    def _add_words(self, text: str, span: Span) -> None:
        """Whole words, one cell a character, cut by looking back for a space instead of word by word."""
        at = 0
        while at < len(text):
            room = self._width - self._used - (1 if self._space and self._line else 0)
            end = len(text)
            if end - at > room:
                end = text.rfind(" ", at, at + room + 1) if room > 0 else -1
            if end > at:
                self._add_word(text[at:end], end - at, span)
                self._place_word()
                at = end
            elif self._line:
                self._break_row()
                continue
            else:
                end = text.find(" ", at)
                end = len(text) if end < 0 else end
                self._add_word(text[at:end], end - at, span)
                at = end
            if at < len(text):
                self._add_space(span)
                at += 1

    def _add_space(self, span: Span) -> None:
        self._place_word()
        self._overlong = False
        if self._line:
            self._space = span._replace(text=" ")

    def _add_breakable(self, word: str, span: Span) -> None:
        for cluster, width in clusters(word):
            breakable = _HAS_BREAKABLE.match(cluster) is not None
            free = self._breaks_after or (breakable and self._word and self._word[-1].text[-1] not in _NOT_AT_END)
            if free and (breakable or cluster.isalnum()) and cluster not in _NOT_AT_START:
                self._place_word()
                self._overlong = False
            self._add_word(cluster, width, span)
            self._breaks_after = (breakable and cluster not in _NOT_AT_END) or (
                self._breaks_after and cluster in _NOT_AT_START
            )

    def _add_word(self, text: str, width: int, span: Span) -> None:
        if not text:
            return
        self._breaks_after = False
        append_text(self._word, span, text)
        self._word_width += width
        if self._overlong or self._word_width > self._width:
            self._spill_word()

    def _place_word(self) -> None:
        """The word is complete: it goes on this line if there is room, else on the next."""
        self._breaks_after = False
        if not self._word:
            return
        space = self._space if self._line else None
        if self._line and self._used + self._word_width + (1 if space else 0) > self._width:
            self._break_row()
            space = None
        if space:
            append_text(self._line, space, " ")
            self._used += 1
        for piece in self._word:
            append_text(self._line, piece, piece.text)
        self._used += self._word_width
        self._space = None
        self._word, self._word_width = [], 0

    def _spill_word(self) -> None:
        """A word longer than a line: it starts a line of its own and is broken wherever the line is full."""
        if self._line and not self._overlong:
            self._break_row()
        self._overlong = True
        for piece in self._word:
            if is_narrow(piece.text):
                self._fill_narrow(piece)
            else:
                self._fill_clusters(piece)
        self._word, self._word_width = [], 0

    def _fill_narrow(self, piece: Span) -> None:
        at = 0
        while at < len(piece.text):
            if self._used >= self._width:
                self._break_row()
            part = piece.text[at : at + self._width - self._used]
            append_text(self._line, piece, part)
            self._used += len(part)
            at += len(part)

    def _fill_clusters(self, piece: Span) -> None:
        part: list[str] = []
        for cluster, width in clusters(piece.text):
            if self._used + width > self._width:
                append_text(self._line, piece, "".join(part))
                part.clear()
                self._break_row()
            part.append(cluster)
            self._used += width
        append_text(self._line, piece, "".join(part))

    def _break_row(self) -> None:
        self._end_row(" " if self._space else "")
        self._space = None

    def _end_row(self, next_joint: str | None) -> None:
        self.rows.append(Row(self._line, self._used, self._joint))
        self._line, self._used, self._joint = [], 0, next_joint
        self._empty = False


def append_text(spans: list[Span], like: Span, text: str) -> None:
    """Append text in the style and with the target of `like`, to the last span if that looks the same."""
    if not text:
        return
    if spans:
        last = spans[-1]
        if last.style == like.style and last.link == like.link:
            spans[-1] = Span(last.text + text, last.style, last.link)
            return
    spans.append(Span(text, like.style, like.link))


def wrap(spans: list[Span], width: int) -> list[Row]:
    """All rows of the spans; a span whose text is a newline breaks the line."""
    wrapper = Wrapper(width)
    for span in spans:
        if span.text == "\n":
            wrapper.newline()
        else:
            wrapper.add(span)
    wrapper.close()
    return wrapper.rows
