"""The page: complete, calm, and without anything that could act, whatever the texts hold."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from msgspec.structs import replace

from lmchat.exchange.html import write_html
from lmchat.exchange.html.style import style_sheet
from lmchat.values.chat import FileHandle, ToolCallRequest, ToolCallRequestData, ToolCallResultData
from lmchat.values.history import ConversationDocument, ReasoningData
from lmchat.values.safe_text import safe_text
from tests.exchange.documents import FULL, document, documents, message

ELEMENTS = {
    "html", "head", "meta", "title", "style", "body", "article", "header", "section", "h1", "h2", "h3", "h4", "h5",
    "h6", "small", "time", "p", "div", "span", "details", "summary", "pre", "code", "a", "em", "strong", "s", "br",
    "hr", "blockquote", "ul", "ol", "li", "table", "thead", "tbody", "tr", "th", "td",
}  # fmt: skip
ATTRIBUTES = {
    "lang", "charset", "http-equiv", "content", "name", "class", "dir", "datetime", "href", "rel", "title", "start",
}  # fmt: skip


class Page(HTMLParser):
    """What a browser would find in a page."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(page.decode("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def links(self) -> list[str | None]:
        return [attributes.get("href") for tag, attributes in self.elements if tag == "a"]

    @property
    def text(self) -> str:
        return "".join(self.words)


def harmless(page: bytes) -> Page:
    """The page, after everything in it was found to be of a kind that cannot act."""
    found = Page(page)
    for tag, attributes in found.elements:
        assert tag in ELEMENTS
        assert set(attributes) <= ATTRIBUTES
    for link in found.links:
        assert re.match(r"(?:https?://|mailto:)", link or "", re.IGNORECASE)
    assert [tag for tag, _ in found.elements].count("style") == 1
    assert safe_text(page.decode()) == page.decode()
    return found


def said(*texts: str) -> ConversationDocument:
    """A conversation in which a model says these texts."""
    return document(*(message(number, "assistant", text) for number, text in enumerate(texts, 1)))


@given(documents())
@settings(deadline=None, max_examples=60)
def test_any_document_gives_a_page_that_cannot_act(some: ConversationDocument) -> None:
    harmless(write_html([some]))


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "<style>*{background:url(//x)}</style></style>",
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "[x](java&#115;cript:alert(1))",
        "[x](&#x1;javascript:alert(1))",
        "[x](data:text/html,<script>alert(1)</script>)",
        "[x](vbscript:x) [y](file:///etc/passwd) [z](//evil.example)",
        '[x](http://a"onmouseover="alert(1))',
        "![x](javascript:alert(1))",
        "![x](http://evil.example/pixel.png)",
        "[![x](http://evil.example/pixel.png)](http://a.example)",
        '![x"onload="alert(1)](http://a.example "t\\" onload=\\"x")',
        "<http://a.example/\"onclick='x'>",
        "[a]: javascript:alert(1)\n\n[a]",
        '```"><script>alert(1)</script>\ncode\n```',
        "```python onload=x\nprint('</code></pre><script>')\n```",
        "```html\n<script>alert(1)</script>\n```",
        "$\\text{<script>alert(1)</script>}$",
        "$$\n\\frac{<b>}{</b>}\n$$",
        "| <b> | x |\n|:-:|--:|\n| `</td>` | y |",
        "&lt;script&gt; &#60;script&#62;",
        "</article></body><script>",
        "<!-- --><svg/onload=x>",
        "a\u202eb\u2066c\x1b]52;c;x\x07\x00\ud83d &#x202e; &#8238;",
    ],
)
def test_hostile_texts_are_only_shown(text: str) -> None:
    everywhere = document(
        message(1, "user", text, FileHandle(name=text, identifier=text, size_bytes=1, file_type="unknown")),
        message(2, "assistant", ReasoningData(text=text), text, parent=1, error=text),
        message(3, "tool", ToolCallResultData(content=text, name=text), parent=2),
        message(4, "assistant", ToolCallRequestData(ToolCallRequest(name=text, arguments={text: text})), parent=3),
        title=text,
    )
    harmless(write_html([replace(everywhere, tags=(text,))]))


def test_the_policy_allows_the_style_sheet_and_nothing_else() -> None:
    page = write_html([FULL]).decode()
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)
    assert policy and style
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert policy[1].replace("&#x27;", "'") == (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )


def test_the_style_sheet_is_whole_and_asks_for_nothing() -> None:
    sheet = style_sheet()
    assert sheet.count("{") == sheet.count("}")
    assert not re.search(r"url\(|@import|</", sheet)
    assert "prefers-color-scheme: dark" in sheet
    assert "@media print" in sheet


def test_everything_in_a_conversation_is_in_the_page() -> None:
    page = harmless(write_html([FULL]))
    for word in (
        "A title", "one", "two", "Be brief.", "a*b.png", "Reasoning · 5 tokens", "I had better ask.",
        "Tool call: weather", "Bern", "Tool result: weather", "It is ", "120 tokens", "41.2 tok/s",
        "hit the token limit", "Small 1B", "Other versions (2 messages)", "Cannot say.",
        "The connection was lost.", "2 of 2",
    ):  # fmt: skip
        assert word in page.text
    assert [tag for tag, _ in page.elements].count("section") == len(FULL.messages)


def test_markdown_is_drawn_and_code_is_coloured() -> None:
    page = write_html(
        [said("**bold** ~~old~~\n\n```python\nreturn 1\n```\n\n| a | b |\n|---|--:|\n| 1 | 2 |")]
    ).decode()
    assert "<strong>bold</strong>" in page
    assert "<s>old</s>" in page
    assert '<span class="k">return</span>' in page
    assert '<td class="right">2</td>' in page


@pytest.mark.parametrize(
    ("text", "drawn"),
    [
        ("So $x^2 + y^2$ it is", '<span class="formula">x² + y²</span>'),
        ("So \\(\\alpha\\) it is", '<span class="formula">α</span>'),
        ("$$\n\\alpha\n= \\beta\n$$", '<div class="formula">α = β</div>'),
        ("\\[ \\sqrt{x} \\]", '<div class="formula">√x</div>'),
    ],
)
def test_formulas_are_text(text: str, drawn: str) -> None:
    assert drawn in write_html([said(text)]).decode()


@pytest.mark.parametrize("text", ["It is $5 and $6 here", "\\[not maths\\]", "$$ never closed", "a \\$ b", "`$x^2$`"])
def test_what_is_no_formula_stays(text: str) -> None:
    assert 'class="formula"' not in write_html([said(text)]).decode()


def test_an_image_is_a_link_and_in_a_link_only_its_name() -> None:
    page = write_html(
        [said("![cat](http://a.example/c.png)", "[see ![cat](http://a.example/c.png)](http://b.example)")]
    )
    assert sorted(map(str, harmless(page).links)) == ["http://a.example/c.png", "http://b.example"]
    assert page.count(b"[cat]") == 2


def test_several_conversations_make_one_page() -> None:
    page = Page(write_html([FULL, said("more")]))
    assert [tag for tag, _ in page.elements].count("article") == 2
    assert "2 conversations" in page.text


def test_a_time_that_no_calendar_has_is_left_out() -> None:
    assert b"<time" not in write_html([replace(FULL, created_at=1e300, updated_at=-1e300)])


@pytest.mark.parametrize("piece", ["[", "\\[\n", "$$\n", "![[", "***a", "|a", "```python\n(", "> - "])
def test_a_long_hostile_text_takes_no_time_to_speak_of(piece: str) -> None:
    assert len(write_html([said(piece * (60_000 // len(piece)))])) > 1000
