from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, strategies as st
from rich.cells import cell_len
from rich.segment import Segment
from textual.strip import Strip

from lmchat.markdown import Line, Markdown, Span
from lmchat.tui.bidi import isolate, isolate_text
from lmchat.values.safe_text import safe_text

FSI, PDI = "\u2068", "\u2069"
RIGHT_TO_LEFT = {"R", "AL", "AN"}


def rows(source: str) -> list[Line]:
    markdown = Markdown(60)
    markdown.feed(source)
    markdown.finish()
    return list(markdown.lines)


def drawn(line: Line) -> str:
    return "".join(span.text for span in isolate(line.spans))


def test_text_without_such_letters_is_handed_back_as_it_is() -> None:
    for line in rows("plain *text*, naïve 漢字 👨‍👩‍👧\n\n| a | b |\n|---|---|\n| 1 | 2 |\n"):
        assert isolate(line.spans) is line.spans
    assert isolate_text("plain") == "plain"
    assert isolate_text("漢字") == "漢字"


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("one שלום two", "⟦one שלום two⟧"),
        ("one **שלום** two", "⟦one שלום two⟧"),
        ("> שלום", "▌ ⟦שלום⟧"),
        ("- שלום", "• ⟦שלום⟧"),
        ("- [x] שלום", "☑ ⟦שלום⟧"),
    ],
)
def test_what_was_written_is_isolated_and_its_decoration_is_not(source: str, wanted: str) -> None:
    (line,) = (line for line in rows(source) if line.spans)
    inner = drawn(line)
    assert inner.count(FSI) == inner.count(PDI) == 1
    written = wanted[wanted.index("⟦") + 1 : wanted.index("⟧")]
    assert f"{FSI}{written}{PDI}" in inner.replace(f" {PDI}", PDI).replace(f"{FSI} ", FSI)
    assert len(isolate(line.spans)) == len(line.spans)


def test_every_cell_of_a_table_is_for_itself() -> None:
    table = rows("| שלום | plain | עולם |\n|---|---|---|\n| مرحبا | 5 | 6 |\n")
    (head,) = (drawn(line) for line in table if "שלום" in drawn(line))
    cells = [part for part in head.split("│") if part]
    assert [part.count(FSI) for part in cells] == [part.count(PDI) for part in cells]
    assert sum("שלום" in part or "עולם" in part for part in cells) == 2
    assert [FSI in part for part in cells] == ["שלום" in part or "עולם" in part for part in cells]


@given(
    st.lists(st.tuples(st.text("aא١ )", max_size=5), st.sampled_from(["text", "strong", "table.rule", "quote.bar"])))
)
def test_isolates_come_in_pairs_and_take_no_room(parts: list[tuple[str, str]]) -> None:
    spans = [Span(text, style) for text, style in parts]
    isolated = isolate(spans)
    depth = 0
    for before, after in zip(spans, isolated, strict=True):
        assert after._replace(text=after.text.replace(FSI, "").replace(PDI, "")) == before
        assert cell_len(after.text) == cell_len(before.text)
        for character in after.text:
            depth += {FSI: 1, PDI: -1}.get(character, 0)
            assert depth in (0, 1)
            if unicodedata.bidirectional(character) in RIGHT_TO_LEFT and "." not in before.style:
                assert depth == 1
    assert depth == 0


def test_every_right_to_left_letter_is_known() -> None:
    for character in map(chr, range(0x110000)):
        if unicodedata.bidirectional(character) in RIGHT_TO_LEFT and safe_text(character) == character:
            assert isolate_text(character) == f"{FSI}{character}{PDI}", hex(ord(character))


def test_strips_count_isolates_as_nothing() -> None:
    strip = Strip([Segment("▎ "), Segment(isolate_text("שלום")), Segment(" │")])
    assert strip.cell_length == 8
    assert strip.crop(2, 6).text == isolate_text("שלום")
    assert strip.crop(6, 8).text == " │"
    assert strip.crop(0, 2).text == "▎ "
