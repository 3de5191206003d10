"""Tables: alignment, wrapping, freezing, and the stack that replaces one too narrow."""

from __future__ import annotations

from lmchat.markdown import Markdown
from tests.markdown.markdown_corpus import render, rows


def test_columns_are_aligned() -> None:
    assert rows("| l | right | mid |\n|:--|--:|:-:|\n| a | 1 | x |\n| long | 22 | xyz |") == [
        "l    │ right │ mid",
        "─────┼───────┼────",
        "a    │     1 │  x",
        "long │    22 │ xyz",
    ]


def test_a_table_needs_no_outer_bars_and_takes_escaped_ones() -> None:
    assert rows("a | b\n--|--\n`x\\|y` | 2\nlast") == ["a    │ b", "─────┼──", "x|y  │ 2", "last │"]


def test_wide_cells_wrap_and_rules_part_the_rows() -> None:
    assert rows("| a | b |\n|---|---|\n| one | two three four five |\n| six | seven |", 20) == [
        "a   │ b",
        "────┼───────────────",
        "one │ two three four",
        "    │ five",
        "────┼───────────────",
        "six │ seven",
    ]


def test_nothing_of_a_cell_is_cut() -> None:
    text = "| a | b |\n|---|---|\n| " + "x" * 40 + " | " + "y" * 40 + " |"
    shown = "".join(rows(text, 20))
    assert shown.count("x") == shown.count("y") == 40


def test_too_many_columns_are_stacked() -> None:
    assert rows("| a | b | c |\n|---|---|---|\n| one | two | three four |\n| 5 | | 6 |", 14) == [
        "a: one",
        "b: two",
        "c: three four",
        "────────────",
        "a: 5",
        "c: 6",
    ]


def test_cells_too_few_and_too_many() -> None:
    assert rows("| a | b |\n|---|---|\n| 1 |\n| 1 | 2 | 3 |") == ["a │ b", "──┼──────", "1 │", "1 │ 2 | 3"]


def test_a_break_tag_breaks_a_cell() -> None:
    assert rows("| a | b |\n|---|---|\n| x<br>y | z |") == ["a │ b", "──┼──", "x │ z", "y │"]


def test_the_line_before_the_delimiters_is_the_header() -> None:
    assert rows("text\n| a |\n|---|\n| 1 |\n\nend") == ["text", "", "a", "─", "1", "", "end"]
    assert rows("no bar\n---|---") == ["no bar ---|---"]


def test_widths_are_decided_by_the_first_rows() -> None:
    markdown = Markdown(60)
    markdown.feed("| a | b |\n|---|---|\n" + "| 1 | 2 |\n" * 19)
    assert markdown.frozen == 0
    markdown.feed("| 1 | 2 |\n")
    assert markdown.frozen == 22
    markdown.feed("| wider | 2 |\n")
    markdown.finish()
    shown = ["".join(span.text for span in line.spans).rstrip() for line in markdown.lines]
    assert shown[-3:] == ["1   │ 2", "wid │ 2", "er  │"]


def test_wide_characters_keep_the_columns_straight() -> None:
    lines = render("| 名前 | x |\n|---|---|\n| 中文字 | y |\n| 👨‍👩‍👧 | z |")
    assert {line.width for line in lines} == {10}
