"""Inline markup, wrapping and the width of cells."""

from __future__ import annotations

import pytest

from lmchat.markdown.cells import cells, clusters
from tests.markdown.markdown_corpus import render, rows, styles, written


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a **b** c", [("a ", "text"), ("b", "strong"), (" c", "text")]),
        ("***a***", [("a", "em strong")]),
        ("~~a `b`~~", [("a ", "strike"), ("b", "strike code")]),
        ("snake_case_name 2*3*4", [("snake_case_name 2", "text"), ("3", "em"), ("4", "text")]),
        (r"\*a\* &amp; &lt;", [("*a* & <", "text")]),
        ("a <b>c</b>", [("a ", "text"), ("<b>", "html"), ("c", "text"), ("</b>", "html")]),
        (
            r"\(a_1*b_1*c\) $x_i$ $5 to $6",
            [("a₁ * b₁ * c", "math"), (" ", "text"), ("xᵢ", "math"), (" $5 to $6", "text")],
        ),
        ("a[^n]", [("a", "text"), ("[n]", "footnote")]),
    ],
)
def test_markup_becomes_styles(text: str, expected: list[tuple[str, str]]) -> None:
    assert styles(text) == expected


@pytest.mark.parametrize(
    ("text", "shown", "target"),
    [
        ("[a](http://x/y_z?q=ä 't')", "a", "http://x/y_z?q=ä"),
        ("<https://x.y>", "https://x.y", "https://x.y"),
        ("see (https://x.y/a_(b)).", "https://x.y/a_(b)", "https://x.y/a_(b)"),
        ("![alt *em*](p.png)", "alt em", "p.png"),
        ("![](p.png)", "p.png", "p.png"),
        ("[![alt](p.png)](http://x)", "alt", "http://x"),
    ],
)
def test_links_carry_their_target_as_written(text: str, shown: str, target: str) -> None:
    linked = [span for line in render(text) for span in line.spans if span.link is not None]
    assert [(span.text, span.link) for span in linked] == [(shown, target)]


def test_dangerous_links_are_text() -> None:
    assert rows("[a](javascript:alert(1))") == ["[a](javascript:alert(1))"]


@pytest.mark.parametrize("entity", ["&#x202e;", "&#27;", "&#x9b;", "&zwj;", "&#8232;", "&#10;"])
def test_entities_do_not_make_invisible_characters(entity: str) -> None:
    shown = rows(f"a{entity}b [x](y{entity}z)")
    assert all(character.isprintable() for row in shown for character in row)
    assert all(
        span.link is None or span.link.isprintable() for line in render(f"[x](y{entity}z)") for span in line.spans
    )


def test_breaks() -> None:
    assert rows("a\nb  \nc\\\nd<br>e") == ["a b", "c", "d", "e"]


def test_words_wrap_and_long_ones_are_broken() -> None:
    assert rows("aaa bbb ccc ddd", 12) == ["aaa bbb ccc", "ddd"]
    assert rows("a " + "b" * 30 + " c", 12) == ["a", "b" * 12, "b" * 12, "b" * 6 + " c"]
    assert [line.joint for line in render("a " + "b" * 30 + " c", 12)] == [None, " ", "", ""]


def test_markup_inside_a_word_does_not_break_it() -> None:
    assert rows("aaaaaaa **bbb**ccc", 12) == ["aaaaaaa", "bbbccc"]


def test_chinese_breaks_anywhere_but_before_punctuation() -> None:
    assert rows("中文字符中文，字符", 12) == ["中文字符中", "文，字符"]
    assert rows("（中文字符中（中文", 14) == ["（中文字符中", "（中文"]


def test_wrapping_loses_nothing() -> None:
    text = "The quick **brown** fox, 狐狸 jumps `over` the lazy dog 👨‍👩‍👧 again and again and again."
    assert {written(render(text, width)).strip() for width in range(12, 90)} == {
        "The quick brown fox, 狐狸 jumps over the lazy dog 👨‍👩‍👧 again and again and again."
    }


@pytest.mark.parametrize(
    ("text", "width"),
    [
        ("abc", 3),
        ("中文", 4),
        ("👨‍👩‍👧", 2),
        ("e\u0301", 1),
        ("❤️", 2),
        ("🇩🇪", 2),
        ("–…“”", 4),
        ("a\u00a0b", 3),
        ("", 0),
    ],
)
def test_cells(text: str, width: int) -> None:
    assert cells(text) == width == sum(part for _, part in clusters(text))
