"""Inline Markdown to styled spans: markdown-it's inline parser, and what we draw for each of its tokens.

Deviations from CommonMark, each so that a reader sees what the model meant: bare http addresses are links, mathematics
is drawn as Unicode text, `<br>` breaks the line, and an entity for an invisible character stays an entity.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from lmchat.markdown.lines import Span
from lmchat.markdown.scan import reads_as_math
from lmchat.values.safe_text import safe_text

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_inline import StateInline
    from markdown_it.token import Token

References = Mapping[str, Mapping[str, Any]]
"""Link reference definitions by normalised label, as markdown-it keeps them."""

BREAK = Span("\n", "text")
"""The span that breaks a line."""

_MARKUP = re.compile(r"[\\`*_~\[\]<!&$]|https?://|  \n")
_BARE_LINK = re.compile(r"https?://[^\s<>]+")
_FOOTNOTE = re.compile(r"\[\^([^\]\s]+)\]")
_LINE_BREAK_TAG = re.compile(r"<br\s*/?>", re.IGNORECASE)
_SOFT_BREAK = re.compile(r"[ \t]*\n[ \t]*")
_MATH = re.compile(
    r"\\\((?:[^\\]|\\(?![()]))+\\\)"
    r"|\\\[(?:[^\\]|\\(?![\[\]]))+\\\]"
    r"|\$\$[^$]+\$\$"
    r"|\$(?![\s$])(?:[^$\\`\n]|\\.)+(?<!\s)\$(?!\d)",
    re.DOTALL,
)
_ENTITY = re.compile(r"&(?:#[xX][0-9a-fA-F]{1,6}|#\d{1,7}|[A-Za-z][A-Za-z0-9]{1,31});")
_OPENS = {"strong_open": "strong", "em_open": "em", "s_open": "strike"}
_CLOSES = {"strong_close": "strong", "em_close": "em", "s_close": "strike"}


def parse(text: str, references: References) -> list[Token]:
    """The inline tokens of text."""
    parser = _parser()
    return parser.inline.parse(text, parser, {"references": references}, [])


def spans(text: str, base: str, references: References) -> list[Span]:
    """The styled spans of inline Markdown, in the style `base` where nothing else is said."""
    if not _MARKUP.search(text):
        return [Span(_SOFT_BREAK.sub(" ", text), base)]
    return styled(parse(text, references), base)


def styled(tokens: list[Token], base: str) -> list[Span]:
    """The styled spans of inline tokens."""
    result: list[Span] = []
    stack: list[str] = []
    target: str | None = None
    for token in tokens:
        kind = token.type
        if kind in ("text", "text_special"):
            if token.content:
                result.extend(_text(token.content, _style(base, stack), target))
        elif kind in _OPENS:
            stack.append(_OPENS[kind])
        elif kind in _CLOSES:
            if _CLOSES[kind] in stack:
                stack.reverse()
                stack.remove(_CLOSES[kind])
                stack.reverse()
        elif kind == "link_open":
            target = str(token.attrs.get("href", ""))
            stack.append("link")
        elif kind == "link_close":
            target = None
            stack.remove("link")
        elif kind == "image":
            source = str(token.attrs.get("src", ""))
            result.append(Span(_plain(token) or source or "image", _style(base, [*stack, "image"]), target or source))
        elif kind == "softbreak":
            result.append(Span(" ", _style(base, stack), target))
        elif kind == "hardbreak" or (kind == "html_inline" and _LINE_BREAK_TAG.fullmatch(token.content)):
            result.append(BREAK)
        else:
            style = {"code_inline": "code", "html_inline": "html", "math": "math"}.get(kind, "text")
            content = (_formula(token.content) if kind == "math" else token.content).replace("\n", " ")
            result.append(Span(content, _style(base, [*stack, style]), target))
    return _merge(result)


def _merge(spans: list[Span]) -> list[Span]:
    """The same spans with neighbours of one style joined, so that no grapheme cluster is torn between two of them."""
    result: list[Span] = []
    for span in spans:
        last = result[-1] if result else BREAK
        if span.text != "\n" and last.text != "\n" and (last.style, last.link) == (span.style, span.link):
            result[-1] = Span(last.text + span.text, span.style, span.link)
        else:
            result.append(span)
    return result


def _style(base: str, extras: list[str]) -> str:
    if not extras:
        return base
    names = list(dict.fromkeys(extras))
    return " ".join(names if base == "text" else [base, *names])


def _formula(source: str) -> str:
    """Mathematics as Unicode text, or as it was written if it cannot be read."""
    from lmchat.markdown.maths import inline

    size = _delimiter_size(source)
    return inline(source[size:-size]) or source


def _delimiter_size(formula: str) -> int:
    return 1 if formula[0] == "$" and formula[1] != "$" else 2


def _plain(image: Token) -> str:
    return "".join(child.content or " " for child in image.children or ()) or image.content


def _text(text: str, style: str, target: str | None) -> Iterator[Span]:
    """Plain text, in which bare addresses become links and footnote marks are recognised."""
    if target is not None or ("http" not in text and "[^" not in text):
        yield Span(text, style, target)
        return
    at = 0
    for match in re.finditer(f"{_BARE_LINK.pattern}|{_FOOTNOTE.pattern}", text):
        found = match.group()
        if match.group(1) is None:
            found = _trim_address(found)
        if match.start() > at:
            yield Span(text[at : match.start()], style)
        plain = () if style == "text" else (style,)
        if match.group(1) is None:
            yield Span(found, " ".join((*plain, "link")), found)
        else:
            yield Span(f"[{match.group(1)}]", " ".join((*plain, "footnote")))
        at = match.start() + len(found)
    if at < len(text):
        yield Span(text[at:], style)


def _trim_address(address: str) -> str:
    """An address without the punctuation of the sentence around it."""
    while address[-1] in ".,;:!?'\"*_~)]}":
        if address[-1] == ")" and address.count("(") >= address.count(")"):
            break
        address = address[:-1]
    return address


@cache
def _parser() -> MarkdownIt:
    """The parser, imported and made when the first text has markup in it."""
    from markdown_it import MarkdownIt

    class Parser(MarkdownIt):
        """markdown-it, but links stay as they were written."""

        def normalizeLink(self, url: str) -> str:
            return url if url.isprintable() else super().normalizeLink(url)

        def normalizeLinkText(self, link: str) -> str:
            return link

    parser = Parser("commonmark").enable("strikethrough")
    parser.inline.ruler.before("escape", "math", _math)
    parser.inline.ruler.before("entity", "invisible_entity", _invisible_entity)
    return parser


def _math(state: StateInline, silent: bool) -> bool:
    """Mathematics, which must reach the reader with its underscores, stars and backslashes."""
    if state.src[state.pos] not in "\\$":
        return False
    match = _MATH.match(state.src, state.pos, state.posMax)
    if not match:
        return False
    size = _delimiter_size(match.group())
    opener, body = match.group()[:size], match.group()[size:-size]
    if not reads_as_math(opener, body, state.src[match.end() : match.end() + 1]):
        return False
    if not silent:
        state.push("math", "", 0).content = match.group()
    state.pos = match.end()
    return True


def _invisible_entity(state: StateInline, silent: bool) -> bool:
    """An entity that would put a control or formatting character on the screen: shown by name."""
    if state.src[state.pos] != "&":
        return False
    match = _ENTITY.match(state.src, state.pos, state.posMax)
    if not match:
        return False
    from markdown_it.common.utils import unescapeAll

    shown = unescapeAll(match.group())
    if safe_text(shown) == shown and shown.replace("\u00a0", " ").isprintable():
        return False
    if not silent:
        state.append_pending(match.group())
    state.pos = match.end()
    return True
