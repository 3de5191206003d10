"""A message's Markdown as HTML that cannot act."""

from __future__ import annotations

import html
import re
from collections.abc import MutableMapping, Sequence
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.renderer import RendererHTML
    from markdown_it.token import Token

_LONGEST_CODE: Final = 50_000
"""Characters of code that are highlighted; more is shown plain."""
_LONGEST_TEXT: Final = 500_000
"""Characters of a message that are drawn as Markdown; more is shown as it is."""
_GOES_SOMEWHERE: Final = re.compile(r"(?:https?://|mailto:)", re.IGNORECASE)
_IN_LINK: Final = "in link"
_ALIGNED: Final = {"text-align:center": "center", "text-align:right": "right"}

Environment = MutableMapping[str, Any]


def text_html(text: str) -> str:
    """Markdown as HTML."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if len(text) > _LONGEST_TEXT:
        return f'<div class="text plain" dir="auto">{html.escape(text)}</div>'
    return f'<div class="text" dir="auto">{_parser().render(text)}</div>'


def code_html(code: str, language: str) -> str:
    """Code as an HTML block, highlighted when the language is known."""
    return f"<pre><code>{_highlighted(code, language) or html.escape(code)}</code></pre>\n"


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    from lmchat.exchange.html.maths import maths

    parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    maths(parser)
    parser.validateLink = _is_allowed  # type: ignore[method-assign]  # markdown-it documents this as the way
    for kind, rule in (
        ("fence", _fence),
        ("code_block", _code_block),
        ("image", _image),
        ("link_open", _link_open),
        ("link_close", _link_close),
        ("th_open", _cell_open),
        ("td_open", _cell_open),
        ("formula", _formula),
        ("formula_block", _formula_block),
    ):
        parser.add_render_rule(kind, rule)
    return parser


def _is_allowed(url: str) -> bool:
    return _GOES_SOMEWHERE.match(url) is not None


def _fence(renderer: RendererHTML, tokens: Sequence[Token], index: int, options: Any, env: Environment) -> str:
    return code_html(tokens[index].content, (tokens[index].info.split() or [""])[0])


def _code_block(renderer: RendererHTML, tokens: Sequence[Token], index: int, options: Any, env: Environment) -> str:
    return code_html(tokens[index].content, "")


def _image(renderer: RendererHTML, tokens: Sequence[Token], index: int, options: Any, env: Environment) -> str:
    """An image is not fetched: its description leads to it. In a link, which cannot hold another, it only stands."""
    token = tokens[index]
    label = html.escape(renderer.renderInlineAsText(token.children, options, env) or "image")
    if env.get(_IN_LINK):
        return f"[{label}]"
    return f'<a href="{html.escape(str(token.attrs["src"]))}" rel="noopener noreferrer nofollow">[{label}]</a>'


def _link_open(renderer: RendererHTML, tokens: Sequence[Token], index: int, options: Any, env: Environment) -> str:
    tokens[index].attrSet("rel", "noopener noreferrer nofollow")
    env[_IN_LINK] = True
    return renderer.renderToken(tokens, index, options, env)


def _link_close(renderer: RendererHTML, tokens: Sequence[Token], index: int, options: Any, env: Environment) -> str:
    env[_IN_LINK] = False
    return renderer.renderToken(tokens, index, options, env)


def _cell_open(renderer: RendererHTML, tokens: Sequence[Token], index: int, options: Any, env: Environment) -> str:
    """A cell without the style attribute, which the page's policy forbids."""
    token = tokens[index]
    aligned = _ALIGNED.get(str(token.attrs.pop("style", "")))
    return f'<{token.tag} class="{aligned}">' if aligned else f"<{token.tag}>"


def _formula(renderer: RendererHTML, tokens: Sequence[Token], index: int, options: Any, env: Environment) -> str:
    return f'<span class="formula">{html.escape(tokens[index].content)}</span>'


def _formula_block(renderer: RendererHTML, tokens: Sequence[Token], index: int, options: Any, env: Environment) -> str:
    return f'<div class="formula">{html.escape(tokens[index].content)}</div>\n'


def _highlighted(code: str, language: str) -> str:
    """Highlighted code as HTML, or nothing when that cannot be done."""
    if not language or len(language) > 40 or len(code) > _LONGEST_CODE:
        return ""
    try:
        lexer = import_module("pygments.lexers").get_lexer_by_name(language.lower(), stripnl=False, ensurenl=False)
    except import_module("pygments.util").ClassNotFound:
        return ""
    formatter = import_module("pygments.formatters").HtmlFormatter(nowrap=True)
    return str(import_module("pygments").highlight(code, lexer, formatter))
