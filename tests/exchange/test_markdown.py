"""Markdown: readable, without loss, and forgiving of what a person changed."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from markdown_it import MarkdownIt

from lmchat.exchange.markdown import read_markdown, write_markdown
from lmchat.exchange.markdown.fences import closer, fenced, unfenced
from lmchat.values.chat import TextData, ToolCallRequest, ToolCallRequestData, ToolCallResultData
from lmchat.values.errors import LMStudioValueError
from lmchat.values.history import ConversationDocument, ReasoningData
from tests.exchange.documents import FULL, TEXTS, document, documents, message


def edited(old: str, new: str, source: ConversationDocument = FULL) -> bytes:
    """The file of a conversation after a person changed it."""
    text = write_markdown(source).decode()
    assert old in text
    return text.replace(old, new).encode()


@given(documents())
@settings(deadline=None, max_examples=80)
def test_what_is_written_is_read_back(some: ConversationDocument) -> None:
    imported = read_markdown(write_markdown(some))
    assert imported.documents == (some,)
    assert imported.notes == ()


@given(TEXTS, TEXTS)
@settings(deadline=None, max_examples=80)
def test_any_text_stands_in_the_file_as_it_is_and_comes_back(first: str, second: str) -> None:
    some = document(message(1, "user", first, second), message(2, "assistant", ReasoningData(text=second), parent=1))
    written = write_markdown(some)
    assert f"\n\n{first}\n".encode("utf-8", "surrogatepass") in written
    assert read_markdown(written).documents == (some,)


@given(TEXTS)
@settings(deadline=None)
def test_a_fence_holds_any_text(text: str) -> None:
    assert unfenced(fenced(text, "json")) == text


def test_a_person_sees_who_said_what() -> None:
    text = write_markdown(FULL).decode()
    headings = re.findall(r"^#+ .*$", text, re.MULTILINE)
    assert headings == [
        "# A title",
        "## System",
        "## User",
        "## Assistant (1 of 2)",
        "## User",
        "## Other versions",
        "### Assistant (2 of 2)",
        "### Assistant",
    ]
    assert "<summary>Reasoning · 5 tokens · 1.2 s</summary>" in text
    assert '```json\n{\n  "city": "Bern",\n  "days": [' in text
    assert "Small 1B · desk · 120 tokens" in text.replace("\\", "")


def test_a_reader_of_markdown_sees_no_marks() -> None:
    page = MarkdownIt("commonmark", {"html": True}).render(write_markdown(FULL).decode().split("---\n", 2)[2])
    shown = re.sub(r"<!--.*?-->", "", page, flags=re.DOTALL)
    assert "lmchat" not in shown
    assert "<strong>clear</strong>" in shown


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("```py\nx", "```"),
        ("```py\nx\n```", ""),
        ("~~~~\n```\nx\n~~~", "~~~~"),
        ("```", "```"),
        ("- ```\n  x", ""),
        ("> ```\n> x", ""),
        ("<pre>\nx", "</pre>"),
        ("<pre>x</pre>", ""),
        ("<!-- x", "-->"),
        ("a <b> and ```b```", ""),
        ("<?php", "?>"),
        ("<![CDATA[", "]]>"),
        ("<!DOCTYPE", ">"),
        ("", ""),
    ],
)
def test_a_block_left_open_is_known_by_the_line_that_ends_it(text: str, line: str) -> None:
    assert closer(text) == line


def test_a_fence_left_open_does_not_swallow_the_next_message() -> None:
    some = document(message(1, "user", "```py\nx = 1"), message(2, "assistant", "# After", parent=1))
    tokens = MarkdownIt("commonmark").parse(write_markdown(some).decode())
    fences = [token.content for token in tokens if token.type == "fence"]
    assert fences == ["x = 1\n"]


def test_a_changed_text_is_taken() -> None:
    assert (
        read_markdown(edited("It is **clear**.", "It was\n\nfine.")).documents[0].messages[2].text == "It was\n\nfine."
    )


def test_changed_arguments_are_taken_and_broken_ones_are_told() -> None:
    changed = read_markdown(edited('"Bern"', '"Basel"')).documents[0].messages[2].parts[1]
    assert isinstance(changed, ToolCallRequestData)
    assert changed.tool_call_request.arguments == {"city": "Basel", "days": [1, 2.5]}
    imported = read_markdown(edited('"Bern"', "Bern"))
    assert any("arguments" in note for note in imported.notes)


def test_a_title_and_tags_may_be_written_as_in_yaml() -> None:
    text = edited('title: "A title"', "title: It's mine").replace(b'tags: ["one","two"]', b"tags: [three, 'four']")
    changed = read_markdown(text).documents[0]
    assert (changed.title, changed.tags) == ("It's mine", ("three", "four"))


def test_ends_of_lines_that_an_editor_changed_are_changed_back() -> None:
    windows = write_markdown(FULL).replace(b"\n", b"\r\n")
    assert read_markdown(windows).documents == (FULL,)


def test_a_message_that_was_taken_out_is_bridged_and_told() -> None:
    text = write_markdown(FULL).decode()
    start, end = text.index("## Assistant (1 of 2)"), text.index("## User", text.index("## Assistant (1 of 2)"))
    imported = read_markdown((text[:start] + text[end:]).encode())
    ids = {each.id: each.parent_id for each in imported.documents[0].messages}
    assert 3 not in ids
    assert ids[5] in ids
    assert imported.notes


def test_text_written_between_messages_is_told() -> None:
    imported = read_markdown(edited("## Other versions", "My own remark.\n\n## Other versions"))
    assert imported.documents == (FULL,)
    assert any("1 lines" in note for note in imported.notes)


def test_a_cut_file_gives_what_is_there() -> None:
    data = write_markdown(FULL)
    imported = read_markdown(data[: data.index(b"Thanks.") + 4])
    assert imported.documents[0].messages[-1].text == "Than"
    assert any("end of the file" in note for note in imported.notes)


def test_the_first_part_of_a_message_may_be_gone() -> None:
    text = write_markdown(FULL).decode()
    start, end = text.index("<!-- lmchat reasoning"), text.index("</details>")
    parts = read_markdown((text[:start] + text[end:]).encode()).documents[0].messages[2].parts
    assert [type(part) for part in parts] == [ToolCallRequestData, ToolCallResultData, TextData]


@pytest.mark.parametrize(
    "data",
    [
        b"# Just Markdown\n\ntext\n",
        b"---\ntitle: a blog\n---\n\n# text\n",
        b"---\nlmchat: one\n---\n",
        b"",
        b"---\nlmchat: 1\n",
    ],
)
def test_a_foreign_file_is_refused(data: bytes) -> None:
    with pytest.raises(LMStudioValueError, match="can be read back"):
        read_markdown(data)


def test_a_newer_file_and_a_broken_mark_are_refused_with_advice() -> None:
    with pytest.raises(LMStudioValueError, match="Update lmchat"):
        read_markdown(edited("lmchat: 1\n", "lmchat: 2\n"))
    with pytest.raises(LMStudioValueError, match="Undo that change"):
        read_markdown(edited('"role":"system"', '"role":system'))


def test_arguments_that_are_none_and_those_that_are_empty_stay_apart() -> None:
    both: list[dict[str, Any] | None] = [None, {}]
    for arguments in both:
        some = document(
            message(1, "assistant", ToolCallRequestData(ToolCallRequest(name="f", arguments=arguments))),
            message(2, "tool", ToolCallResultData(content=""), parent=1),
        )
        assert read_markdown(write_markdown(some)).documents == (some,)
