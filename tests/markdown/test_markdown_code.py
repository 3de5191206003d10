"""Highlighting line by line, with what the next line needs carried on."""

from __future__ import annotations

import pytest
from hypothesis import given, settings, strategies as st

from lmchat.markdown import STYLES
from lmchat.markdown.languages import highlighter
from tests.markdown.markdown_corpus import CORPUS, styles

CODE = "\n".join(CORPUS.values())
LANGUAGES = [
    "python", "c", "cpp", "rust", "go", "java", "js", "ts", "tsx", "html", "vue", "css", "json", "yaml", "toml", "sql",
    "bash", "console", "powershell", "php", "ruby", "perl", "haskell", "lua", "diff", "markdown", "make", "docker", "r",
    "julia", "kotlin", "swift", "scala", "elixir", "clojure", "latex", "xml", "ini", "nix", "zig", "pycon", "jinja",
]  # fmt: skip


def colours(language: str, text: str) -> list[dict[str, str]]:
    """For each line of code, its pieces and their styles."""
    state = highlighter(language)
    assert state is not None
    return [{piece: style for style, piece in state.line(line)} for line in text.split("\n")]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_line_keeps_its_text(language: str) -> None:
    state = highlighter(language)
    assert state is not None
    for line in CODE.split("\n"):
        pieces = state.line(line)
        assert "".join(text for _, text in pieces) == line
        assert all(style == "" or style in STYLES for style, _ in pieces)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(LANGUAGES), st.lists(st.text(max_size=40), max_size=8))
def test_any_line_keeps_its_text(language: str, lines: list[str]) -> None:
    state = highlighter(language)
    assert state is not None
    for line in lines:
        line = line.replace("\n", "").replace("\r", "")
        assert "".join(text for _, text in state.line(line)) == line


def test_a_copy_does_not_disturb_the_original() -> None:
    for language in ("python", "yaml", "html", "go"):
        one, two = highlighter(language), highlighter(language)
        assert one is not None and two is not None
        for line in CODE.split("\n")[:300]:
            one.fork().line(line[: len(line) // 2])
            assert one.line(line) == two.line(line)


@pytest.mark.parametrize(
    ("language", "text", "style"),
    [
        ("python", 'x = """a\nINSIDE\nb"""', "code.Literal.String"),
        ("js", "/* a\nINSIDE\n*/ x", "code.Comment"),
        ("java", "/**\n * x\nINSIDE\n */", "code.Comment"),
        ("css", "/* a\nINSIDE\n*/", "code.Comment"),
        ("go", "s := `a\nINSIDE\nb`", "code.Literal.String"),
        ("html", "<!-- a\nINSIDE\n-->", "code.Comment"),
        ("kotlin", 'val s = """\nINSIDE\n"""', "code.Literal.String"),
    ],
)
def test_what_spans_lines_is_one_colour(language: str, text: str, style: str) -> None:
    lines = colours(language, text)
    assert lines[text.split("\n").index("INSIDE")]["INSIDE"].startswith(style)


def test_a_comment_ends_where_it_ends() -> None:
    assert colours("js", "/* a\nb */ return 1")[1]["return"] == "code.Keyword"


def test_scripts_and_styles_in_html_have_their_own_colours() -> None:
    lines = colours("html", "<style>\nb { color: red }\n</style>\n<script>\nreturn 1\n</script>\n<p>")
    assert lines[1]["color"].startswith("code.Keyword")
    assert lines[4]["return"] == "code.Keyword"
    assert lines[6]["p"] == "code.Name.Tag"


@pytest.mark.parametrize("language", ["", "nosuchlanguage", "text", "x" * 500])
def test_unknown_languages_are_plain(language: str) -> None:
    assert highlighter(language) is None


def test_code_is_drawn_on_the_background_of_its_fence() -> None:
    assert ("return", "fence code.Keyword") in styles("```python\nreturn 1\n```")
