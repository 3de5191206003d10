"""The documents that the tests of the Markdown renderer share, and small views of what it gives."""

from __future__ import annotations

from pathlib import Path

from lmchat.markdown import Line, Markdown

CORPUS = {
    path.stem: path.read_text(encoding="utf-8") for path in sorted((Path(__file__).parent / "corpus").glob("*.md"))
}


def render(text: str, width: int = 80) -> list[Line]:
    """The lines of a whole text."""
    markdown = Markdown(width)
    markdown.feed(text)
    markdown.finish()
    return list(markdown.lines)


def rows(text: str, width: int = 80) -> list[str]:
    """The rows as they look, without the blanks at their ends."""
    return ["".join(span.text for span in line.spans).rstrip() for line in render(text, width)]


def styles(text: str, width: int = 80) -> list[tuple[str, str]]:
    """Text and style of what the author wrote, without decoration."""
    return [
        (span.text, span.style)
        for line in render(text, width)
        for span in line.spans[line.before : len(line.spans) - line.after]
    ]


def written(lines: list[Line]) -> str:
    """The text of lines, decoration left out where a line goes on, and the wrapping undone."""
    parts: list[str] = []
    for line in lines:
        if line.joint is None:
            parts.append("\n" + "".join(span.text for span in line.spans))
        else:
            content = line.spans[line.before : len(line.spans) - line.after]
            parts.append(line.joint + "".join(span.text for span in content))
    return "".join(parts)
