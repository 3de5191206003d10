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


@pytest.mark.parametrize("text", ["plain", "naïve 漢字", "👨‍👩‍👧 ❤️ 1️⃣", "می‌خواهم", "क्‍ष ≨︀", "ᠠ᠋", "a\tb\nc", "שלום"])
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert safe_text(text) == text


DEFAULT_IGNORABLE = [
    *(0x00AD, 0x034F, 0x061C, 0x115F, 0x1160, 0x17B4, 0x17B5),
    *(0x180B, 0x180C, 0x180D, 0x180E, 0x180F, *range(0x200B, 0x2010), *range(0x202A, 0x202F)),
    *(*range(0x2060, 0x2070), 0x3164, *range(0xFE00, 0xFE10), 0xFEFF, 0xFFA0, *range(0xFFF0, 0xFFF9)),
    *(*range(0x1BCA0, 0x1BCA4), *range(0x1D173, 0x1D17B), *range(0xE0000, 0xE1000)),
]
"""Default_Ignorable_Code_Point of Unicode 17: what a font may leave out."""
WRITTEN_WITH = {0x200C, 0x200D, 0x180B, 0x180C, 0x180D, 0x180F, *range(0xFE00, 0xFE10)}
"""Those that scripts, emoji and mathematics need."""


def test_every_invisible_character_shows_but_those_that_people_write_with() -> None:
    kept = {code for code in DEFAULT_IGNORABLE if safe_text(chr(code)) == chr(code)}
    assert kept == WRITTEN_WITH


def test_every_formatting_character_that_draws_nothing_shows() -> None:
    kept = {chr(code) for code in range(0x110000) if unicodedata.category(chr(code)) == "Cf"}
    kept -= {character for character in kept if safe_text(character) != character}
    # Number signs and the like, which are drawn, and the joiners.
    assert kept <= set(
        "\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd\u200c\u200d"
    )


@pytest.mark.parametrize("code", [0xFDD0, 0xFDEF, 0xFFFE, 0xFFFF, 0x1FFFE, 0x10FFFF])
def test_noncharacters_show(code: int) -> None:
    assert safe_text(chr(code)) == f"⟨U+{code:04X}⟩"


@pytest.mark.parametrize("code", [0xE000, 0xF8FF, 0xF0000, 0x10FFFD, 0xFFFC, 0xFFFD, 0x2800, 0xA0, 0x3000])
def test_private_letters_and_blanks_with_a_width_stay(code: int) -> None:
    assert safe_text(chr(code)) == chr(code)


def test_text_hidden_in_variation_selectors_shows() -> None:
    hidden = "".join(chr(0xE0100 + byte - 16) for byte in b"secret")
    assert safe_text(f"😀{hidden}").count("⟨U+E01") == len("secret")


def test_controls_have_their_own_pictures() -> None:
    assert safe_text("".join(map(chr, [0, 7, 8, 11, 12, 13, 27, 31, 127]))) == "␀␇␈␋␌␍␛␟␡"
    assert safe_text("\x80\x9b\x9f") == "⟨U+0080⟩⟨U+009B⟩⟨U+009F⟩"


def test_a_line_has_no_breaks() -> None:
    assert safe_line("a\nb\tc\x1b") == "a b c␛"
