"""The source of code blocks, for copying: exactly what was written, without what the document puts around it."""

from __future__ import annotations

import pytest
from markdown_it import MarkdownIt

from lmchat.markdown import Markdown
from tests.markdown.markdown_corpus import CORPUS
from tests.markdown.test_markdown_fidelity import DIFFERENT


def sources(text: str, width: int = 80) -> list[str]:
    """The sources of all code blocks of a text, in order."""
    markdown = Markdown(width)
    markdown.feed(text)
    markdown.finish()
    blocks = dict.fromkeys(line.block for line in markdown.lines)
    return [code for block in blocks if (code := markdown.code(block)) is not None]


@pytest.mark.parametrize("name", [name for name in CORPUS if name not in DIFFERENT])
def test_code_is_that_of_the_whole_parse(name: str) -> None:
    tokens = MarkdownIt("commonmark", {"maxNesting": 100}).parse(CORPUS[name])
    expected = [token.content for token in tokens if token.type in ("fence", "code_block")]
    assert sources(CORPUS[name]) == [code if code.endswith("\n") or not code else f"{code}\n" for code in expected]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("```\na\tb  \n\n c\n```", "a\tb  \n\n c\n"),
        ("- x\n  ```make\n  all:\n  \tcc\n  ```", "all:\n\tcc\n"),
        ("> ~~~\n> a\n>  b\n>\n> ~~~", "a\n b\n\n"),
        ("    a\n      \n\n    \tb \n\nc", "a\n  \n\n\tb \n"),
        ("   ```\n   a\n  b\n     c\n   ```", "a\nb\n  c\n"),
        ("```\n```", ""),
        ("```\n\n```", "\n"),
        ("```py\nx = '" + "é" * 5_000 + "'\n", "x = '" + "é" * 5_000 + "'\n"),
    ],
)
def test_code_keeps_its_blanks_and_loses_its_containers(text: str, expected: str) -> None:
    assert sources(text, 20) == [expected]


def test_only_code_has_a_source_of_code() -> None:
    markdown = Markdown(80)
    markdown.feed("text `code`\n\n<pre>\nx\n</pre>\n\n$$\nx\n$$\n\n| a |\n|---|\n| b |")
    assert {markdown.code(line.block) for line in markdown.lines} == {None}
    assert markdown.code(99) is None


def test_code_is_there_while_it_is_written() -> None:
    markdown = Markdown(80)
    markdown.feed("so\n\n```\none\ntw")
    assert markdown.code(markdown.lines[-1].block) == "one\ntw\n"
    markdown.feed("o\n``")
    assert markdown.code(markdown.lines[-1].block) == "one\ntwo\n``\n"
    markdown.feed("`\nend")
    assert markdown.code(markdown.lines[2].block) == "one\ntwo\n"
    assert markdown.code(markdown.lines[-1].block) is None


def test_code_that_turns_out_to_be_text_has_no_source() -> None:
    markdown = Markdown(80)
    markdown.feed("```")
    assert markdown.code(markdown.lines[0].block) == ""
    markdown.feed("a` b")
    assert markdown.code(markdown.lines[0].block) is None


def test_code_is_the_same_at_another_width() -> None:
    markdown = Markdown(80)
    markdown.feed("```\n" + "x" * 2_000)
    markdown.resize(20)
    markdown.feed("y\nz\n```")
    assert markdown.code(markdown.lines[0].block) == "x" * 2_000 + "y\nz\n"
