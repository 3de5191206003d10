from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, strategies as st

from lmchat.values.safe_text import safe_line, safe_text

ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()))


@pytest.mark.parametrize(
    "attack",
    [
        "\x1b]52;c;aGk=\x07",  # sets the clipboard
        "\x1b]0;title\x1b\\",
        "\x1b[2J\x1b[H",
        "\x9b31m",
        "\x90q\x9c",
        "\x1bP1;2q\x1b\\",
        "\r\x08\x7f",
        "abc\u202egnp.exe",
        "\u2066x\u2069",
        "\U000e0041\U000e0042",
        "zero\u200bwidth\ufeff",
        "\ud800",
    ],
)
def test_nothing_that_acts_gets_through_and_everything_shows(attack: str) -> None:
    shown = safe_text(attack)
    assert not any(unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for c in shown)
    assert len(shown) >= len(attack)


@given(ANY_TEXT)
def test_no_control_but_newline_and_tab_is_left(text: str) -> None:
    assert all(c in "\n\t" or unicodedata.category(c) not in {"Cc", "Cs", "Zl", "Zp"} for c in safe_text(text))


@given(ANY_TEXT, ANY_TEXT)
def test_pieces_are_as_safe_as_the_whole(one: str, two: str) -> None:
    assert safe_text(one) + safe_text(two) == safe_text(one + two)


@given(ANY_TEXT)
def test_it_can_be_written_as_utf8(text: str) -> None:
    safe_text(text).encode()


@pytest.mark.parametrize("text", ["plain", "naïve 漢字", "👨‍👩‍👧 ❤️", "می‌خواهم", "a\tb\nc", "שלום"])
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert safe_text(text) == text


def test_a_line_has_no_breaks() -> None:
    assert safe_line("a\nb\tc\x1b") == "a b c␛"
