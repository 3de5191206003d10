"""The window on a transcript: what is in view, and what is not."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, strategies as st

from lmchat.markdown import Line, Span
from lmchat.markdown.cells import cells
from lmchat.tui.transcript.plain_text import PlainText, plain_lines
from lmchat.tui.transcript.window import Window


class Numbered:
    """A block of numbered lines, which counts how often it was drawn and estimates badly."""

    def __init__(self, name: str, height: int) -> None:
        self.role = "user"
        self.drawn = 0
        self._lines = [Line((Span(f"{name}.{n}", "text"),), 5) for n in range(height)]

    def estimate(self, width: int) -> int:
        return 3

    def sections(self, width: int) -> list[Sequence[Line]]:
        self.drawn += 1
        return [self._lines[:1], self._lines[1:]]


def shown(window: Window) -> list[str]:
    return [row.line.spans[0].text for row in window.rows()]


def window_on(heights: Sequence[int], height: int = 4) -> tuple[Window, list[Numbered], list[str]]:
    blocks = [Numbered(str(number), lines) for number, lines in enumerate(heights)]
    window = Window()
    window.resize(80, height)
    window.show(blocks)
    whole = [f"{number}.{line}" for number, lines in enumerate(heights) for line in range(lines)]
    return window, blocks, whole


@given(st.lists(st.integers(1, 6), min_size=1, max_size=8), st.integers(1, 8), st.lists(st.integers(-12, 12)))
def test_what_is_in_view_is_always_a_stretch_of_the_whole(heights: list[int], height: int, moves: list[int]) -> None:
    window, _, whole = window_on(heights, height)
    assert shown(window) == whole[-height:]
    for move in moves:
        window.scroll(move)
        seen = shown(window)
        assert len(seen) == min(height, len(whole))
        start = whole.index(seen[0])
        assert whole[start : start + len(seen)] == seen


@given(st.lists(st.integers(1, 6), min_size=1, max_size=8), st.integers(1, 8))
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


def test_blocks_out_of_view_are_not_drawn() -> None:
    window, blocks, _ = window_on([5] * 1000)
    window.rows()
    assert sum(block.drawn > 0 for block in blocks) <= 2


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
