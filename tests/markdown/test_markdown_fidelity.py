"""Against markdown-it reading the whole text at once: the same blocks, and no text lost."""

from __future__ import annotations

import re

import pytest
from markdown_it import MarkdownIt

from tests.markdown.markdown_corpus import CORPUS, render, written

WIDE = 6_000

# Documents about what is deliberately read in another way: raw HTML, mathematics, link definitions that come later,
# cells beyond the last column, task boxes, footnotes, markup in the description of a picture, very long or deep markup.
DIFFERENT = {
    "breaks",
    "deep_nesting",
    "derivation",
    "escapes",
    "footnotes",
    "hostile_blocks",
    "hostile_markup",
    "html",
    "html_tables",
    "images",
    "late_references",
    "links",
    "long_paragraph_lines",
    "maths",
    "model_closing",
    "poem_breaks",
    "tables",
    "tasks",
    "unbalanced_paragraph",
}

Kinds = list[tuple[str, str]]


def expected(text: str) -> Kinds:
    """Each visible character with the kind of block it is in, by markdown-it."""
    parser = MarkdownIt("commonmark", {"html": False, "maxNesting": 100}).enable(["strikethrough", "table"])
    kind = "text"
    result: Kinds = []
    for token in parser.parse(text):
        if token.type == "heading_open":
            kind = f"heading.{token.tag[1]}"
        elif token.type == "heading_close":
            kind = "text"
        elif token.type in ("fence", "code_block"):
            result.extend(("fence", character) for character in token.info + token.content)
        elif token.type == "inline":
            for child in token.children or ():
                content = "" if child.type in ("softbreak", "hardbreak") else child.content
                result.extend((kind, character) for character in content)
    return [(kind, character) for kind, character in result if not character.isspace()]


def rendered(text: str) -> Kinds:
    """The same of what we draw."""
    result: Kinds = []
    for line in render(text, WIDE):
        content = line.spans[line.before : len(line.spans) - line.after]
        for span in (*(span for span in line.spans if span.style == "fence.language"), *content):
            names = span.style.split()
            if "table.rule" in names:
                continue
            kind = names[0] if names[0].startswith("heading") else "fence" if names[0].startswith("fence") else "text"
            result.extend((kind, character) for character in span.text if not character.isspace())
    return result


@pytest.mark.parametrize("name", [name for name in CORPUS if name not in DIFFERENT])
def test_blocks_are_those_of_the_whole_parse(name: str) -> None:
    assert rendered(CORPUS[name]) == expected(CORPUS[name])


@pytest.mark.parametrize("name", [name for name in CORPUS if name not in {"maths", "derivation"}])
def test_no_letters_are_lost(name: str) -> None:
    source = CORPUS[name]
    for markup in (r"\]\((?!java)(?:[^()\n]|\([^()\n]*\))*\)", r"&#?\w+;", r"<br/?>", r"\]\[\w*\]", r"\[[xX]\] "):
        source = re.sub(markup, " ", source)
    shown = iter(written(render(CORPUS[name], WIDE)))
    missing = [letter for letter in source if letter.isalpha() and letter not in shown]
    assert not missing
