"""How each kind of block looks."""

from __future__ import annotations

import pytest

from tests.markdown.markdown_corpus import render, rows, styles


def test_blocks_are_parted_by_one_blank_line() -> None:
    assert rows("\n\na\n# b\n\n\n\nc\n***\nd") == ["a", "", "b", "─", "", "c", "", "─" * 80, "", "d"]


def test_a_list_keeps_the_blank_lines_of_its_source() -> None:
    assert rows("- a\n- b\n\n- c\n\n  d\n- e") == ["• a", "• b", "", "• c", "", "  d", "• e"]


def test_bullets_change_with_depth_and_text_hangs() -> None:
    assert rows("- one two three\n  - four five six\n    - seven\n      - eight", 14) == [
        "• one two",
        "  three",
        "  ◦ four five",
        "    six",
        "    ▪ seven",
        "      ▪ eight",
    ]


def test_numbers_are_flush_right_and_counted_on() -> None:
    assert rows("8. a\n8. b\n8. c") == [" 8. a", " 9. b", "10. c"]


def test_a_list_of_another_kind_is_another_list() -> None:
    assert rows("- a\n* b\n1. c\n2) d") == ["• a", "", "• b", "", " 1. c", "", " 2) d"]


def test_tasks_have_boxes() -> None:
    assert rows("- [ ] a\n- [x] b\n- [X] c\n- [y] d\n1. [x] e") == ["☐ a", "☑ b", "☑ c", "• [y] d", "", " 1. ☑ e"]


def test_empty_items_show_their_mark() -> None:
    assert rows("- a\n-\n- \n  b\n- - c") == ["• a", "•", "• b", "• ◦ c"]


def test_a_quote_has_its_bar_on_every_line() -> None:
    assert rows("> one two three four\n> five\n>\n> - six\nlazy", 14) == [
        "▌ one two",
        "▌ three four",
        "▌ five",
        "▌",
        "▌ • six lazy",
    ]


def test_headings_wrap_and_the_first_level_is_underlined() -> None:
    assert rows("# one two three four #", 12) == ["one two", "three four", "──────────"]
    assert rows("Setext\n---") == ["Setext"]
    assert styles("### a *b*") == [("a ", "heading.3"), ("b", "heading.3 em")]


def test_a_long_paragraph_does_not_become_a_heading() -> None:
    assert rows("word " * 200 + "\n---")[-1] == "─" * 80


@pytest.mark.parametrize("text", ["```py\nx = 1\n```", "```py\nx = 1", "~~~py\nx = 1\n~~~"])
def test_a_fence_is_a_rectangle_under_its_language(text: str) -> None:
    lines = render(text, 20)
    assert ["".join(span.text for span in line.spans) for line in lines] == [" py" + " " * 17, " x = 1" + " " * 14]
    assert {span.style.split()[0] for line in lines for span in line.spans} == {"fence", "fence.language"}
    assert [(line.before, line.after) for line in lines] == [(2, 1), (1, 1)]


def test_long_lines_of_code_go_on_with_a_mark() -> None:
    assert rows("```\nabcdefghijklmnopqrstuvwxyz\n```", 14) == [" abcdefghijkl", "↪mnopqrstuvwx", "↪yz"]
    assert [line.joint for line in render("```\nabcdefghijklmnopqrstuvwxyz\n```", 14)] == [None, "", ""]


def test_an_empty_fence_is_seen() -> None:
    assert len(render("```\n```")) == 1


def test_longer_fences_hold_shorter_ones() -> None:
    assert rows("````\n```\na\n```\n````\nb") == [" ```", " a", " ```", "", "b"]


def test_a_fence_ends_with_its_quote() -> None:
    assert rows("> ```\n> a\nb") == ["▌  a", "", "b"]


def test_indented_code_keeps_inner_blank_lines_only() -> None:
    assert rows("    a\n\n      b\n\n\nc") == [" a", "", "   b", "", "c"]


def test_tabs_are_expanded_from_where_code_begins() -> None:
    assert rows("- ```\n  \ta\n  ```\n\n\tb\tc") == ["•      a", "", "  b c"]
    assert rows("-\t\tcode\n\n>\ttext") == ["•    code", "", "▌ text"]


def test_html_is_shown_as_text() -> None:
    assert rows("<div>\n  *a*\n</div>\n\nb") == ["<div>", "  *a*", "</div>", "", "b"]
    assert rows("<!-- a\n\nb --> c\nd") == ["<!-- a", "", "b --> c", "", "d"]


def test_displayed_mathematics_is_drawn_when_it_ends() -> None:
    assert rows("so\n$$\na_1 = b \\\\\n= c^2\n$$\nend") == ["so", "", "  a₁ = b", "  = c²", "", "end"]
    assert rows("- so \\(x_1\\)\n  \\[ x^2 \\].") == ["• so x₁", "    x²."]
    assert rows("> $$x_i$$\n> so") == ["▌   xᵢ", "▌", "▌ so"]


def test_displayed_mathematics_that_cannot_be_read_is_shown_as_it_was_written() -> None:
    for text in ("$$\n\\nosuch{a}\n$$", "$$\nx^{2\n$$", "$$ is money\nand more"):
        assert rows(text) == text.split("\n")


def test_text_after_mathematics_is_text() -> None:
    assert rows("$$\nx^2\n$$ where *x* is") == ["  x²", "", "where x is"]


def test_definitions_are_shown_and_serve_what_follows() -> None:
    assert rows("[a]: http://x\n[b]: http://y 'T'\n\n[t][a] [b] [c]") == [
        "[a]: http://x",
        "[b]: http://y 'T'",
        "",
        "t b [c]",
    ]


def test_footnotes_hang_under_their_label() -> None:
    assert rows("[^a]: one\n[^b]: two") == ["[a] one", "[b] two"]
    assert rows("a[^1]\n\n[^1]: one\n    two\n\n    three") == ["a[1]", "", "[1] one two", "", "    three"]


def test_text_keeps_some_room_however_deep_it_is_nested() -> None:
    lines = render("> " * 30 + "deep words in here\n\n" + "1. " * 30 + "deeper", 20)
    assert max(line.width for line in lines) <= 20
    assert "deep" in "".join(span.text for line in lines for span in line.spans)


def test_lines_of_a_block_share_its_number() -> None:
    numbers = [line.block for line in render("one two three four five\n\n```\na\nb\n```", 12)]
    assert numbers[0] == numbers[1] != numbers[-1] == numbers[-2]
