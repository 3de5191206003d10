"""Rendering in pieces gives what rendering at once gives, and what is frozen stays."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest
from hypothesis import given, settings, strategies as st

from lmchat.markdown import STYLES, Line, Markdown, document, highlight, scan, segments, table
from lmchat.markdown.cells import cells
from tests.markdown.markdown_corpus import CORPUS, render

WIDTHS = st.sampled_from([1, 12, 20, 33, 57, 80, 100, 160])
MARKUP = st.sampled_from(
    [
        *("# ", "## h\n", "- ", "* ", "1. ", "2) ", "10. ", "+ ", "> ", "- [x] ", "- [ ] ", "***\n", "---", "===\n"),
        *("```", "```py\n", "~~~\n", "    ", "\t", " ", "\n", "\n\n", "  \n", "|", "| a | b |\n", "|---|:-:|\n"),
        *("**", "*", "_", "`", "``", "~~", "[", "](", "x)", "![", "<", "<div>", "</div>", "<!--", "-->", "<br>", "\\"),
        *(
            "&amp;",
            "&#x202e;",
            "&nbsp;",
            "$",
            "$$",
            "\\(",
            "\\)",
            "\\[",
            "\\]",
            "x^2",
            "\\frac{",
            "}",
            "[^1]",
            "[^1]: ",
            "[ref]: http://x ",
        ),
        *(
            "[ref]",
            "http://a.b/c_d",
            "word ",
            "another_word ",
            "a",
            "12",
            ":",
            "…",
            "—",
            "中文",
            "字。",
            "👨‍👩‍👧",
            "e\u0301",
        ),
        *("مرحبا ", "x = 1\n", "def f():\n", "'''", '"' * 3, "/* ", "*/"),
    ]
)
CHANCE = st.integers(0, 2**32).map(Random)
SOUP = st.lists(MARKUP, max_size=60).map("".join)


def pieces(text: str, chance: Random) -> Iterator[str]:
    at = 0
    while at < len(text):
        size = chance.choice([1, 2, 3, 5, 17, 64, 400, 3000])
        yield text[at : at + size]
        at += size


def check(text: str, width: int, chance: Random) -> None:
    whole = render(text, width)
    markdown = Markdown(width)
    for piece in pieces(text, chance):
        markdown.feed(piece)
        if chance.random() < 0.5:
            frozen = markdown.frozen
            assert list(markdown.lines[:frozen]) == whole[:frozen]
            check_code(markdown, max(width, document.NARROWEST))
    markdown.finish()
    assert list(markdown.lines) == whole
    assert markdown.frozen == len(whole)
    assert markdown.text == text
    check_code(markdown, max(width, document.NARROWEST))
    for line in whole:
        check_line(line, max(width, document.NARROWEST))


def check_code(markdown: Markdown, width: int) -> None:
    """The source of code is, but for the line that is being written, that of the text as it stands, read at once."""
    whole = Markdown(width)
    whole.feed(markdown.text)
    for block in {line.block for line in whole.lines}:
        assert markdown.code(block) == whole.code(block)


def check_line(line: Line, width: int) -> None:
    assert line.width == sum(cells(span.text) for span in line.spans) <= width
    assert line.before + line.after <= len(line.spans)
    for span in line.spans:
        assert not set(span.text) & set("\n\t\r")
        assert all(name in STYLES for name in span.style.split())


@pytest.mark.parametrize("name", CORPUS)
@settings(max_examples=6, deadline=None)
@given(chance=CHANCE, width=WIDTHS)
def test_documents_in_any_pieces(name: str, chance: Random, width: int) -> None:
    check(CORPUS[name], width, chance)


@pytest.mark.parametrize("name", CORPUS)
def test_documents_character_by_character(name: str) -> None:
    text = CORPUS[name][:3000]
    whole = render(text, 40)
    markdown = Markdown(40)
    frozen = 0
    for character in text:
        markdown.feed(character)
        assert markdown.frozen >= frozen
        frozen = markdown.frozen
        assert list(markdown.lines[:frozen]) == whole[:frozen]
    markdown.finish()
    assert list(markdown.lines) == whole


@settings(max_examples=300, deadline=None)
@given(text=SOUP, chance=CHANCE, width=WIDTHS)
def test_markup_soup_in_any_pieces(text: str, chance: Random, width: int) -> None:
    check(text, width, chance)


@settings(max_examples=300, deadline=None)
@given(text=SOUP, chance=CHANCE, width=WIDTHS)
def test_markup_soup_with_everything_long(text: str, chance: Random, width: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(segments, "SHORTEST", 16)
        patch.setattr(segments, "LONGEST", 64)
        patch.setattr(document, "LONG_LINE", 10)
        patch.setattr(scan, "LONGEST_STRUCTURE", 64)
        patch.setattr(table, "MEASURED", 2)
        patch.setattr(highlight, "LONGEST_LINE", 6)
        check(text, width, chance)


@settings(max_examples=200, deadline=None)
@given(text=st.text(max_size=200), chance=CHANCE, width=WIDTHS)
def test_any_text_never_fails(text: str, chance: Random, width: int) -> None:
    for character in "\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029":
        text = text.replace(character, "")
    check(text.encode("utf-8", "replace").decode(), width, chance)


@pytest.mark.parametrize("name", CORPUS)
def test_resizing_is_rendering_for_the_other_width(name: str) -> None:
    text = CORPUS[name]
    markdown = Markdown(90)
    for at in range(0, len(text), 100):
        markdown.feed(text[at : at + 100])
        len(markdown.lines)
    markdown.resize(31)
    markdown.finish()
    assert list(markdown.lines) == render(text, 31)
    markdown.resize(90)
    assert list(markdown.lines) == render(text, 90)


def frozen_share(text: str) -> float:
    markdown = Markdown(80)
    markdown.feed(text)
    return markdown.frozen / len(markdown.lines)


@pytest.mark.parametrize(
    "text",
    [
        "```python\n" + "x = 1\n" * 500,
        "1. run\n   ```python\n" + "   x = 1\n" * 500,
        "- item with some text\n" * 500,
        "| a | b |\n|---|---|\n" + "| cell | cell |\n" * 500,
        "word **bold** and `code` " * 500,
        "A line of text.\n" * 500,
        "**never closed " + "words " * 5000,
        "渲染器保留已经绘制的内容。" * 500,
        "> quoted words\n" * 500,
        "x" * 50_000,
        "```\n" + "f(x,1);" * 8_000,
        "```\n" + "渲染器" * 8_000,
        "    " + "f(x,1);" * 8_000,
        "- ```\n  " + "a\tb  " * 8_000,
        "text\n\n" * 200,
    ],
)
def test_long_blocks_freeze_inside(text: str) -> None:
    assert frozen_share(text) > 0.8


@pytest.mark.parametrize("start", ["# ", "| a |\n|---|\n| ", "<div>\n", "$$\nx + "])
def test_of_a_long_line_that_is_drawn_as_a_whole_the_beginning_is_shown(start: str) -> None:
    markdown = Markdown(80)
    markdown.feed(start + "x" * 50_000)
    shown = list(markdown.lines)
    markdown.feed("x" * 50_000)
    assert 100 < len(shown) == len(markdown.lines) < 120
    markdown.feed("\nend")
    markdown.finish()
    assert sum(span.text.count("x") for line in markdown.lines for span in line.spans) >= 100_000


@pytest.mark.parametrize("unit", ["\u0301", "\U0001f468\u200d", "中", "a\u0301\u0302", "\U0001f1e9", "\t ", "  x"])
@pytest.mark.parametrize("start", ["", "```\na", "    a", "- ```\n  a", "> ~~~\n> a"])
@settings(max_examples=3, deadline=None)
@given(chance=CHANCE)
def test_long_lines_in_any_pieces(start: str, unit: str, chance: Random) -> None:
    check(start + unit * (3_000 // len(unit)) + "b \nend", 33, chance)


def test_what_is_fed_after_the_end_is_refused() -> None:
    markdown = Markdown(80)
    markdown.feed("a")
    markdown.finish()
    with pytest.raises(ValueError, match="finished"):
        markdown.feed("b")
