"""The reader of a transcript: cursor, selection, links, copying and finding, on real messages and without a screen."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest
from hypothesis import given, settings, strategies as st

from lmchat.tui.transcript import selection
from lmchat.tui.transcript.entry import Entry
from lmchat.tui.transcript.finder import Finder, pattern
from lmchat.tui.transcript.message import MessageEntry
from lmchat.tui.transcript.place import Place, blocks, line_of, written
from lmchat.tui.transcript.reader import Reader
from lmchat.tui.transcript.sections import Fold, Section
from lmchat.tui.transcript.selection import Selection
from lmchat.tui.transcript.window import Window
from lmchat.values.chat import Role, TextData, ToolCallRequest, ToolCallRequestData, ToolCallResultData
from lmchat.values.history import MessageRecord, Part, ReasoningData
from lmchat.values.prediction import LlmPredictionFragment
from tests.markdown.markdown_corpus import CORPUS, rows

WIDTHS = st.sampled_from([20, 33, 57, 80, 100])


def message(*parts: Part | str, role: Role = "assistant", number: int = 0) -> MessageEntry:
    kept = tuple(TextData(part) if isinstance(part, str) else part for part in parts)
    return MessageEntry(MessageRecord(id=number + 1, parent_id=None, role=role, parts=kept, created_at=0.0), number)


def read(*entries: Entry, width: int = 60, height: int = 20) -> tuple[Window, Reader]:
    window = Window()
    window.resize(width, height)
    window.show(entries)
    return window, Reader(window)


def text_under_cursor(window: Window, reader: Reader) -> str:
    assert reader.cursor is not None
    lines = window.entries[reader.cursor.entry].sections[reader.cursor.section].lines(window.width)
    return next(block.text for block in blocks(lines) if block.number == reader.cursor.block)


def walk(reader: Reader, *, down: bool) -> list[Place]:
    seen = [reader.cursor] if reader.cursor else []
    while reader.move(down=down):
        assert reader.cursor is not None
        seen.append(reader.cursor)
    return seen


def searched(entry: Entry) -> list[tuple[int, Section]]:
    return [(number, section) for number, section in enumerate(entry.sections) if section.searched]


# Places


@pytest.mark.parametrize("name", CORPUS)
@settings(max_examples=5, deadline=None)
@given(width=WIDTHS)
def test_every_character_is_found_in_its_line(name: str, width: int) -> None:
    for number, section in searched(message(CORPUS[name])):
        lines = section.lines(width)
        for block in blocks(lines):
            for at, start in enumerate(block.starts):
                line = block.first + at
                if content := written(lines[line]):
                    assert block.text[start : start + len(content)] == content
                    assert line_of(lines, Place(0, number, block.number, start)) == line
                    assert line_of(lines, Place(0, number, block.number, start + len(content) - 1)) == line


@pytest.mark.parametrize("name", [name for name in CORPUS if "│" not in "".join(rows(CORPUS[name], 100))])
def test_a_blocks_text_does_not_depend_on_the_width(name: str) -> None:
    """But for tables, whose columns are as wide as there is room."""

    def texts(width: int) -> list[str]:
        return [block.text for _, section in searched(message(CORPUS[name])) for block in blocks(section.lines(width))]

    ours = [re.sub(r"[─\s]+", " ", text) for text in texts(100)]
    assert [re.sub(r"[─\s]+", " ", text) for text in texts(40)] == ours


# The cursor


def test_the_cursor_goes_block_by_block_and_back_the_same_way() -> None:
    window, reader = read(
        message("a question", role="user"),
        message(
            ReasoningData(text="hm"), "# Title\n\nOne.\n\n- two\n- three\n\n```py\nfour = 4\n\nfive = 5\n```", number=1
        ),
    )
    assert reader.enter()
    up = walk(reader, down=False)
    assert not reader.move(down=False)
    down = walk(reader, down=True)
    assert down == up[::-1]
    shown = []
    for place in down:
        reader.cursor = place
        shown.append(text_under_cursor(window, reader))
    assert shown == ["a question", "", "Title", "One.", "two", "three", "four = 4\n\nfive = 5"]


@pytest.mark.parametrize("name", CORPUS)
def test_the_cursor_passes_every_block_of_any_document(name: str) -> None:
    window, reader = read(message("first", role="user"), message(CORPUS[name], number=1), height=7)
    reader.move_to_edge(end=False)
    places = walk(reader, down=True)
    assert places == sorted(set(places))
    passed = ""
    for place in places[1:]:
        reader.cursor = place
        passed += text_under_cursor(window, reader)
    whole = "".join(block.text for _, section in searched(window.entries[1]) for block in blocks(section.lines(60)))
    assert re.sub(r"\s", "", passed) == re.sub(r"\s", "", whole)


def test_the_cursor_is_always_in_view() -> None:
    window, reader = read(*(message(f"Paragraph.\n\n{'word ' * 50}", number=n) for n in range(9)), height=6)
    reader.enter()
    for down in (False, True):
        for place in walk(reader, down=down):
            reader.cursor = place
            reader.move(down=down)
            assert reader.cursor is not None
            assert any((row.entry, row.section, row.line.block) == reader.cursor[:3] for row in window.rows())


def test_by_message_it_goes_to_the_first_block_of_each() -> None:
    _, reader = read(message("one", role="user"), message("two\n\nand\n\nmore", number=1), message("three", number=2))
    reader.enter()
    places = []
    while reader.move(down=False, by_message=True):
        assert reader.cursor is not None
        places.append(reader.cursor.entry)
    assert places == [1, 0]


# Folding


def folds(entry: Entry) -> list[Fold]:
    return [section for section in entry.sections if isinstance(section, Fold)]


def test_reasoning_and_tools_are_folded_and_unfold_under_the_cursor() -> None:
    call = ToolCallRequestData(ToolCallRequest(name="weather", id="1", arguments={"city": "Rome"}))
    result = ToolCallResultData(content='{"sky": "clear"}', tool_call_id="1")
    entry = message(ReasoningData(text="let me see", tokens=3), call)
    window, reader = read(entry, message(result, role="tool", number=1), message("Clear.", number=2))
    shown = ["".join(span.text for span in row.line.spans) for row in window.rows()]
    assert any("Thought · 3 tokens" in line for line in shown)
    assert any('calls weather(city="Rome")' in line for line in shown)
    assert any('answered: {"sky": "clear"}' in line for line in shown)
    assert not any("let me see" in line for line in shown)
    reader.move_to_edge(end=False)
    assert reader.fold()
    assert not folds(entry)[0].closed
    assert reader.move(down=True)
    assert text_under_cursor(window, reader) == "let me see"
    assert reader.fold()
    assert folds(entry)[0].closed
    reader.move_to_edge(end=True)
    assert not reader.fold()


def test_the_source_of_a_message_is_one_key_away_and_back() -> None:
    window, reader = read(message("The sum is $\\frac{1}{2}$, **really**."))
    reader.enter()
    before = text_under_cursor(window, reader)
    reader.show_source()
    assert text_under_cursor(window, reader) == "The sum is $\\frac{1}{2}$, **really**."
    reader.show_source()
    assert text_under_cursor(window, reader) == before != "The sum is $\\frac{1}{2}$, **really**."


# Copying


def test_the_message_is_copied_as_markdown_and_code_without_its_fences() -> None:
    text = "Look:\n\n- item\n\n  ```make\n  all:\n  \techo  \n  ```\n\n**end**"
    _, reader = read(message(text))
    reader.enter()
    assert reader.copy() == (text, "the message")
    reader.move(down=False)
    assert reader.copy() == ("all:\n\techo  \n", "the code")
    assert reader.copy(message=True) == (text, "the message")


def test_what_is_copied_has_no_control_characters() -> None:
    _, reader = read(message("safe\x1b]52;c;AAAA\x07 \x1b[201~rm"))
    reader.enter()
    copied = reader.copy()
    assert copied is not None
    assert "\x1b" not in copied[0]
    assert "\x07" not in copied[0]


def select_all(entries: Sequence[Entry], width: int) -> str:
    last = len(entries) - 1
    whole = Selection(Place(0, 0, 0, 0), Place(last, len(entries[last].sections), 0, 0))
    return selection.text(entries, whole, width)


def test_a_selection_over_messages_is_what_was_written() -> None:
    entries = [
        message("What?", role="user"),
        message(
            "# Title\n\nOne *two*\nthree.\n\n- a\n- [x] b\n  - c\n\n1. d\n\n> e\n>\n> f\n\n```py\ng = 1\n\nh\n```",
            number=1,
        ),
    ]
    assert select_all(entries, 60) == (
        "What?\n\nTitle\n\nOne two three.\n\n- a\n- [x] b\n  - c\n\n 1. d\n\n> e\n\n> f\n\ng = 1\n\nh"
    )


def test_wrapping_is_undone_in_a_selection() -> None:
    text = "a paragraph of several words that has to be wrapped somewhere"
    assert select_all([message(text)], 20) == text == select_all([message(text)], 80)


@settings(max_examples=50, deadline=None)
@given(st.sampled_from(sorted(CORPUS)), WIDTHS, st.data())
def test_two_halves_of_a_selection_make_the_whole(name: str, width: int, data: st.DataObject) -> None:
    entries = [message(CORPUS[name])]
    places = [
        Place(0, number, block.number, offset)
        for number, section in searched(entries[0])
        for block in blocks(section.lines(width))
        for offset in range(len(block.text))
    ]
    if not places:
        return
    middle = data.draw(st.sampled_from(places))
    start, stop = Place(0, 0, 0, 0), Place(1, 0, 0, 0)._replace(entry=0, section=len(entries[0].sections))

    def letters(first: Place, last: Place) -> str:
        return re.sub(r"\W", "", selection.text(entries, Selection(first, last), width))

    assert letters(start, middle) + letters(middle, stop) == letters(start, stop)


def test_words_and_blocks_are_selected_whole() -> None:
    entries = [message("one two-three four\n\nnext")]
    word = selection.word_at(entries, Place(0, 1, 1, 5), 60)
    assert selection.text(entries, word, 60) == "two"
    block = selection.block_around(entries, Place(0, 1, 1, 5), 60)
    assert selection.text(entries, block, 60) == "one two-three four"


# Links


def test_links_of_a_block_come_in_turn() -> None:
    _, reader = read(message("See [a](http://a.example) and\nhttp://b.example/ too.\n\nNone here."))
    reader.enter()
    assert reader.next_link() is None
    reader.move(down=False)
    targets = [link.target for link in (reader.next_link(), reader.next_link(), reader.next_link()) if link]
    assert targets == ["http://a.example", "http://b.example/", "http://a.example"]


def test_a_wrapped_link_is_one() -> None:
    _, reader = read(message("[a long text of a link that wraps](http://a.example)"), width=14)
    reader.enter()
    first = reader.next_link()
    assert first is not None
    assert reader.next_link() == first


# Finding


def hits_of(finder: Finder, entry: Entry, width: int = 60) -> list[str]:
    found = []
    for hit in finder.hits(entry, 0, width):
        lines = entry.sections[hit.place.section].all_lines(width)
        block = next(block for block in blocks(lines) if block.number == hit.place.block)
        found.append(block.text[hit.place.offset : hit.stop])
    return found


def test_finding_looks_through_markup_wrapping_capitals_and_folds() -> None:
    entry = message(ReasoningData(text="Bold thoughts"), "A **bo**ld word,\nBOLD\nand `bold`. Not b old.")
    assert hits_of(Finder("bold"), entry) == ["Bold", "bold", "BOLD", "bold"]
    assert hits_of(Finder("word, bold and"), entry, 12) == ["word, BOLD and"]


@pytest.mark.parametrize("source", ["**bold** text", "bold\n> text", "`bold text`", "bold *text*", "b**ol**d  text"])
def test_the_source_is_searched_as_a_reader_sees_it(source: str) -> None:
    assert pattern("bold text").search(source)


@pytest.mark.parametrize("query", ["(", "a.b", "[x", "\\", "*", "ß", "漢"])
def test_what_is_sought_is_no_expression(query: str) -> None:
    assert pattern(query).search(f"before {query} after")
    assert not pattern("a.b").search("axb")


def test_next_and_previous_go_round_and_count() -> None:
    entries = [message("x one x", number=0), message("none", number=1), message("x", number=2)]
    finder = Finder("x")
    finder.told([(2, 1), (0, 5)])
    assert finder.count == 6
    for index in (0, 2):
        finder.hits(entries[index], index, 60)
    assert finder.count == 3
    assert [finder.next_entry(0, True), finder.next_entry(2, True)] == [2, 0]
    assert [finder.next_entry(0, False), finder.next_entry(2, False)] == [2, 0]
    finder.current = finder.hits(entries[2], 2, 60)[0]
    assert finder.number == 3


def test_a_hit_in_a_folded_section_unfolds_it() -> None:
    entry = message(ReasoningData(text="a needle"), "an answer")
    window, reader = read(entry)
    reader.find(Finder("needle"))
    reader.seek(reader.hits(0)[0])
    assert not folds(entry)[0].closed
    marked = [mark for look in reader.looks(window.rows()) for mark in look.marks]
    assert [mark.style for mark in marked] == ["find.current"]


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(sorted(CORPUS)), WIDTHS, st.sampled_from(["e", "the", "a b", "字", "`", "1"]))
def test_all_hits_are_marked_where_they_are(name: str, width: int, query: str) -> None:
    entry = message(CORPUS[name])
    window, reader = read(entry, width=width, height=10_000)
    finder = Finder(query)
    reader.find(finder)
    rows = window.rows()
    marked = ""
    for row, look in zip(rows, reader.looks(rows), strict=True):
        for mark in look.marks:
            marked += written(row.line)[mark.first : mark.last]
    expected = "".join(hits_of(finder, entry, width))
    assert re.sub(r"\s", "", marked) == re.sub(r"\s", "", expected)


# Everything at once

PIECES = [
    "# T\n",
    "word ",
    "word\n",
    "\n",
    "- a\n",
    "```py\n",
    "x = 1\n",
    "```\n",
    "| a | b |\n",
    "|---|---|\n",
    "> q\n",
]
DEEDS = st.sampled_from(
    ["think", "say", "up", "down", "page up", "page down", "fold", "source", "select", "find", "link", "resize", "end"]
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(DEEDS, st.integers(0, 10_000)), max_size=60))
def test_whatever_is_done_while_an_answer_is_written_there_is_a_picture(deeds: list[tuple[str, int]]) -> None:
    kept = message("A question\n\nof two blocks", role="user")
    writing = MessageEntry(message().message, 1, writing=True)
    window, reader = read(kept, writing, message("Kept.\n\n" * 9, number=2), width=40, height=9)
    said = ""
    for deed, number in deeds:
        match deed:
            case "think" if not said:
                writing.feed(LlmPredictionFragment(content=PIECES[number % len(PIECES)], reasoning_type="reasoning"))
            case "say":
                said += PIECES[number % len(PIECES)]
                writing.feed(LlmPredictionFragment(content=PIECES[number % len(PIECES)]))
            case "up" | "down":
                reader.move(down=deed == "down", by_message=number % 3 == 0)
            case "page up" | "page down":
                window.scroll(8 if deed == "page down" else -8)
                reader.catch_up()
            case "fold":
                reader.fold()
            case "source":
                reader.show_source()
            case "select":
                rows = window.rows()
                ends = [window.place(rows[number * n % len(rows)]) for n in (1, 7)]
                reader.selection = Selection(*ends)
                reader.copy()
            case "find":
                reader.find(Finder("wo" if number % 2 else "q"))
                if hits := reader.hits(number % 3):
                    reader.seek(hits[number % len(hits)])
            case "link":
                reader.next_link()
            case "resize":
                window.resize(12 + number % 60, 3 + number % 9)
                reader.forget_lines()
            case "end":
                window.to_end()
        rows = window.rows()
        looks = list(reader.looks(rows))
        assert len(looks) == len(rows) > 0
        assert all(mark.first < mark.last for look in looks for mark in look.marks)
        assert reader.cursor is None or reader.cursor.entry < 3
    writing.finish(message(said).message)
    assert len(list(reader.looks(window.rows()))) == len(window.rows())
