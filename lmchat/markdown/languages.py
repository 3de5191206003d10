"""From the language a fence names to what highlights it; Pygments is imported when the first fence names one."""

from __future__ import annotations

import re
from copy import copy
from functools import cache
from importlib import import_module
from typing import Any

from lmchat.markdown.highlight import Highlighter, Piece

_ALIASES = {"jsonc": "json", "patch": "diff", "svelte": "html", "mjs": "javascript", "shellscript": "bash"}
_MARKUP = frozenset({"HTML", "Vue", "XHTML"})
_OPENING = re.compile(r"<(script|style)\b([^>]*)>", re.IGNORECASE)


class Markup:
    """HTML with the scripts and style sheets in it, each highlighted as what it is."""

    def __init__(self, lexer: Any) -> None:
        self._outer = Highlighter(lexer)
        self._inner: Highlighter | None = None
        self._closer = re.compile("")

    def fork(self) -> Markup:
        """A copy that goes its own way."""
        other = copy(self)
        other._outer = self._outer.fork()
        other._inner = self._inner.fork() if self._inner else None
        return other

    def line(self, text: str) -> list[Piece]:
        """The pieces of the next line, which has no newline; together they are its text."""
        pieces: list[Piece] = []
        if self._inner:
            closing = self._closer.search(text)
            if not closing:
                return self._inner.line(text)
            pieces = self._inner.line(text[: closing.start()])
            self._inner = None
            text = text[closing.start() :]
        pieces += self._outer.line(text)
        openings = list(_OPENING.finditer(text))
        if openings:
            self._open(openings[-1], text)
        return pieces

    def _open(self, opening: re.Match[str], text: str) -> None:
        name, attributes = opening.group(1).lower(), opening.group(2)
        closer = re.compile(f"</{name}", re.IGNORECASE)
        if closer.search(text, opening.end()):
            return
        typed = "typescript" if re.search(r"""lang=["']?ts""", attributes) else "javascript"
        lexer = _lexer("css" if name == "style" else typed)
        self._inner, self._closer = Highlighter(lexer), closer


def highlighter(language: str) -> Highlighter | Markup | None:
    """A highlighter for a language as a fence names it, or None when it is unknown or plain text."""
    lexer = _lexer(language.lower()) if language and len(language) < 40 else None
    if lexer is None:
        return None
    return Markup(lexer) if lexer.name in _MARKUP else Highlighter(lexer)


@cache
def _lexer(language: str) -> Any:
    lexers = import_module("pygments.lexers")
    try:
        lexer = lexers.get_lexer_by_name(_ALIASES.get(language, language))
    except import_module("pygments.util").ClassNotFound:
        return None
    return None if lexer.name in ("Text only", "Text output") else lexer
