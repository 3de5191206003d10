"""The window on a transcript: what is in view, and what is not."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, strategies as st

from lmchat.markdown import Line, Span
from lmchat.markdown.cells import cells
from lmchat.tui.transcript.entry import Entry, Unread
from lmchat.tui.transcript.place import Place
from lmchat.tui.transcript.plain_text import PlainText, plain_lines
from lmchat.tui.transcript.sections import Section
from lmchat.tui.transcript.window import Window
from lmchat.values.history import MessageOutline


class Numbered:
    """An entry of numbered lines, which counts how often it was drawn and estimates badly."""

    role = "user"
    number = None
    revision = 0

    def __init__(self, name: str, height: int) -> None:
        self.drawn = 0
        lines = [Line((Span(f"{name}.{n}", "text"),), 5, block=n) for n in range(height)]
        self._sections = [Lines(lines[:1]), Lines(lines[1:])]

    def estimate(self, width: int) -> int:
        return 3

    @property
    def sections(self) -> Sequence[Section]:
        self.drawn += 1
        return self._sections


class Lines(Section):
    searched = True

    def __init__(self, lines: Sequence[Line]) -> None:
        self._lines = lines

    def all_lines(self, width: int) -> Sequence[Line]:
        return self._lines


def shown(window: Window) -> list[str]:
    return [row.line.spans[0].text if row.line.spans else "" for row in window.rows()]


def window_on(heights: Sequence[int], height: int = 4) -> tuple[Window, list[Numbered], list[str]]:
    entries = [Numbered(str(number), lines) for number, lines in enumerate(heights)]
    window = Window()
    window.resize(80, height)
    window.show(entries)
    whole = [f"{number}.{line}" for number, lines in enumerate(heights) for line in range(lines)]
    return window, entries, whole


HEIGHTS = st.lists(st.integers(1, 6), min_size=1, max_size=8)


@given(HEIGHTS, st.integers(1, 8), st.lists(st.integers(-12, 12)))
def test_what_is_in_view_is_always_a_stretch_of_the_whole(heights: list[int], height: int, moves: list[int]) -> None:
    window, _, whole = window_on(heights, height)
    assert shown(window) == whole[-height:]
    for move in moves:
        window.scroll(move)
        seen = shown(window)
        assert len(seen) == min(height, len(whole))
        start = whole.index(seen[0])
        assert whole[start : start + len(seen)] == seen


@given(HEIGHTS, st.integers(1, 8))
def test_scrolling_line_by_line_passes_every_line_once(heights: list[int], height: int) -> None:
    window, _, whole = window_on(heights, height)
    window.to_start()
    seen = shown(window)
    for _ in range(len(whole)):
        window.scroll(1)
        if (last := shown(window)[-1]) != seen[-1]:
            seen.append(last)
    assert seen == whole
    assert window.following


def place_of(name: str) -> Place:
    entry, line = map(int, name.split("."))
    return Place(entry, 0 if line == 0 else 1, line, 0)


@given(HEIGHTS, st.integers(1, 8), st.integers(-30, 0), st.data())
def test_a_place_is_held_in_its_row_as_far_as_the_ends_allow(
    heights: list[int], height: int, move: int, data: st.DataObject
) -> None:
    window, _, whole = window_on(heights, height)
    window.scroll(move)
    wanted = data.draw(st.integers(0, len(whole) - 1))
    row = data.draw(st.integers(0, height - 1))
    window.hold(place_of(whole[wanted]), row)
    seen = shown(window)
    assert whole[wanted] in seen
    at_an_end = seen[0] == whole[0] or seen[-1] == whole[-1]
    assert seen.index(whole[wanted]) == row or at_an_end


@given(HEIGHTS, st.integers(1, 8), st.integers(-30, 0), st.integers(0, 4), st.data())
def test_revealing_moves_only_what_is_not_in_view(
    heights: list[int], height: int, move: int, margin: int, data: st.DataObject
) -> None:
    window, _, whole = window_on(heights, height)
    window.scroll(move)
    before = shown(window)
    wanted = whole[data.draw(st.integers(0, len(whole) - 1))]
    window.reveal(place_of(wanted), margin)
    assert wanted in shown(window)
    inner = before[margin : len(before) - margin]
    if wanted in inner and len(inner) > 1:
        assert shown(window) == before


def test_entries_out_of_view_are_not_drawn() -> None:
    window, entries, _ = window_on([5] * 1000)
    window.rows()
    assert sum(entry.drawn > 0 for entry in entries) <= 2


def test_it_follows_the_end_until_it_is_moved_and_again_when_it_is_back() -> None:
    window, _, _ = window_on([5, 5])
    window.rows()
    window.append(Numbered("new", 2))
    assert shown(window)[-1] == "new.1"
    window.scroll(-3)
    before = shown(window)
    window.append(Numbered("newer", 2))
    assert shown(window) == before
    assert window.extent().below > 0
    window.to_end()
    assert shown(window)[-1] == "newer.1"


def test_the_scroll_bar_reaches_both_ends() -> None:
    window, _, whole = window_on([5] * 20)
    window.to_fraction(0.0)
    assert shown(window)[0] == whole[0]
    window.to_fraction(1.0)
    window.scroll(len(whole))
    assert shown(window)[-1] == whole[-1]


def test_an_empty_transcript_shows_nothing() -> None:
    window = Window()
    window.resize(80, 5)
    assert window.rows() == []
    window.scroll(3)
    window.scroll(-3)
    window.to_start()
    assert window.rows() == []


class Kept:
    """A conversation of which only some messages are in memory."""

    def __init__(self, count: int, height: int) -> None:
        self.in_memory: set[int] = set()
        self._entries = [Numbered(str(number), height) for number in range(count)]
        self.window = Window()
        self.window.read = self.read
        self.window.resize(80, 6)
        outline = MessageOutline(id=1, role="user", size=100, tokens=0)
        self.window.show([Unread(number, outline) for number in range(count)])

    def read(self, unread: Unread) -> Entry | None:
        return self._entries[unread.number] if unread.number in self.in_memory else None


def test_a_message_that_is_not_in_memory_is_missed_and_takes_its_place_when_it_comes() -> None:
    kept = Kept(20, 5)
    assert set(shown(kept.window)) == {""}
    assert kept.window.missing == {18, 19}
    kept.in_memory |= {18, 19}
    kept.window.arrived()
    assert shown(kept.window) == ["18.4", "19.0", "19.1", "19.2", "19.3", "19.4"]
    assert not kept.window.missing


def test_reading_back_into_what_comes_later_keeps_the_lines_below_in_their_rows() -> None:
    kept = Kept(20, 9)
    kept.in_memory |= set(range(10, 20))
    kept.window.hold(Place(10, 0, 0, 0), 0)
    kept.window.scroll(-3)
    assert shown(kept.window)[3:] == ["10.0", "10.1", "10.2"]
    assert kept.window.missing == {9}
    kept.in_memory.add(9)
    kept.window.arrived()
    assert shown(kept.window) == ["9.6", "9.7", "9.8", "10.0", "10.1", "10.2"]


def test_what_was_drawn_far_away_is_forgotten() -> None:
    kept = Kept(3000, 5)
    kept.in_memory = set(range(3000))
    drawn = 0
    kept.window.rows()
    for _ in range(400):
        kept.window.scroll(-40)
        drawn = max(drawn, sum(not isinstance(entry, Unread) for entry in kept.window.entries))
    assert drawn < 1000
    assert isinstance(kept.window.entries[-1], Unread)
    kept.window.to_end()
    assert shown(kept.window)[-1] == "2999.4"


TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cf", "Zl", "Zp")) | st.just("\n"))


@given(TEXT, st.integers(2, 40))
def test_plain_text_keeps_every_character_and_never_is_too_wide(text: str, width: int) -> None:
    lines = plain_lines(text, width)
    assert all(line.width <= width and line.width == cells(line.spans[0].text) for line in lines)
    rows = [("" if line.joint is not None else "\n") + line.spans[0].text for line in lines]
    assert "".join(rows)[1:] == text.rstrip()


@given(st.lists(TEXT), st.integers(4, 40))
def test_plain_text_in_pieces_is_plain_text_at_once(pieces: list[str], width: int) -> None:
    piecewise, whole = PlainText(width, "text", indent=2), PlainText(width, "text", indent=2)
    for piece in pieces:
        piecewise.feed(piece)
        assert all(line.width <= width for line in piecewise.lines)
    whole.feed("".join(pieces))
    assert piecewise.lines == whole.lines


@pytest.mark.parametrize(
    ("text", "width", "rows"),
    [
        ("one two three", 8, ["one two ", "three"]),
        ("    indented", 20, ["    indented"]),
        ("abcdefghij", 4, ["abcd", "efgh", "ij"]),
        ("漢字漢字", 4, ["漢字", "漢字"]),
        ("a\tb", 20, ["a   b"]),
        ("", 20, [""]),
    ],
)
def test_plain_text_breaks_where_a_reader_would(text: str, width: int, rows: list[str]) -> None:
    assert [line.spans[0].text for line in plain_lines(text, width)] == rows
