"""What a line of Markdown opens: one function for each kind of block, on the text after its indentation."""

from __future__ import annotations

import re
from typing import NamedTuple

LONGEST_STRUCTURE = 4_096
"""Characters after which a line is text, whatever it would turn out to be at its end."""

_HEADING = re.compile(r"(#{1,6})(?:[ \t]+|\Z)")
_HEADING_END = re.compile(r"(?:\A|[ \t])#+\Z")
_FENCE = re.compile(r"(`{3,})([^`]*)\Z|(~{3,})(.*)\Z")
_RULE = re.compile(r"(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,})\Z")
_UNDERLINE = re.compile(r"(=+|-+)[ \t]*\Z")
_BULLET = re.compile(r"[-+*](?=[ \t]|\Z)")
_NUMBER = re.compile(r"(\d{1,9})([.)])(?=[ \t]|\Z)")
_DEFINITION = re.compile(
    r"\[((?:[^\[\]\\]|\\.)+)\]:[ \t]*(?:<([^<>]*)>|([^\s<]\S*))"
    r"(?:[ \t]+(\"[^\"]*\"|'[^']*'|\([^()]*\)))?[ \t]*\Z"
)
_FOOTNOTE = re.compile(r"\[\^([^\]\s]+)\]:[ \t]*")
_TASK = re.compile(r"\[([ xX])\][ \t]+(?=\S)")
_MATH = re.compile(r"\$\$(?!\$)|\\\[|\\begin\{((?:equation|align|alignat|gather|multline|eqnarray)\*?)\}")
_SIGN_OF_MATH = re.compile(r"[\\^_={}<>]")
_OPERATOR = re.compile(r"[^\W\d_] ?[-+*/(]|[-+*/)] ?[^\W\d_]|\d ?[-+*/] ?\d")
_PROSE = re.compile(r"[^\W\d]{2,}\s|\s[^\W\d]{2,}")
_NAME = re.compile(r"[^\W\d]{2,}")
_AFTER_MATH = re.compile(r"[ \t.,;:!?]*")

_BLOCK_TAGS = (
    "address|article|aside|base|basefont|blockquote|body|caption|center|col|colgroup|dd|details|dialog|dir|div|dl|dt|"
    "fieldset|figcaption|figure|footer|form|frame|frameset|h[1-6]|head|header|hr|html|iframe|legend|li|link|main|menu|"
    "menuitem|nav|noframes|ol|optgroup|option|p|param|search|section|summary|table|tbody|td|tfoot|th|thead|title|tr|"
    "track|ul"
)
_ATTRIBUTE = r"""\s+[A-Za-z_:][\w.:-]*(?:\s*=\s*(?:[^\s"'=<>`]+|'[^']*'|"[^"]*"))?"""
# The kinds of HTML block with what ends each, in the order of the specification; "" is a blank line.
_HTML: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"<(script|pre|style|textarea)(?=[\s>]|\Z)", re.IGNORECASE), "</"),
    (re.compile("<!--"), "-->"),
    (re.compile(r"<\?"), "?>"),
    (re.compile("<![A-Za-z]"), ">"),
    (re.compile(r"<!\[CDATA\["), "]]>"),
    (re.compile(rf"</?(?:{_BLOCK_TAGS})(?=\s|/?>|\Z)", re.IGNORECASE), ""),
)
_HTML_ANY_TAG = re.compile(rf"<(?:[A-Za-z][\w-]*(?:{_ATTRIBUTE})*\s*/?|/[A-Za-z][\w-]*\s*)>\s*\Z")
_HTML_CLOSED = re.compile(r"</(?:script|pre|style|textarea)>", re.IGNORECASE)

# The beginning of a line that is text however it goes on.
_TEXT = re.compile(
    r"""(?:[*_]{1,3}|["'(“‘«])?[^\W\d_]|\d+[^\d.)\s]|\d+[ \t]+\S|\d{10}|`{1,2}[^`]|\[[^\]^\\]{2,}\][^:]|[^\x00-\x7f]"""
)


class Fence(NamedTuple):
    """The opening line of a fence."""

    marker: str
    info: str


def heading(text: str) -> tuple[int, str] | None:
    """Level and content of an ATX heading."""
    match = _HEADING.match(text)
    if not match:
        return None
    content = _HEADING_END.sub("", text[match.end() :].rstrip(" \t"))
    return len(match.group(1)), content.strip(" \t")


def fence(text: str) -> Fence | None:
    """The opening of a fence."""
    match = _FENCE.match(text)
    return Fence(match.group(1) or match.group(3), (match.group(2) or match.group(4) or "").strip()) if match else None


def closes_fence(text: str, marker: str) -> bool:
    """Whether text closes the fence that `marker` opened."""
    text = text.rstrip(" \t")
    return len(text) >= len(marker) and text == marker[0] * len(text)


def rule(text: str) -> bool:
    """Whether text is a thematic break."""
    return _RULE.match(text) is not None


def underline(text: str) -> int | None:
    """The level of the heading that text makes of the paragraph above it."""
    match = _UNDERLINE.match(text)
    return (1 if text[0] == "=" else 2) if match else None


def list_marker(text: str) -> tuple[str, int | None] | None:
    """A list item's marker and its number (None for a bullet)."""
    if _BULLET.match(text):
        return text[0], None
    match = _NUMBER.match(text)
    return (match.group(), int(match.group(1))) if match else None


def task(text: str) -> tuple[str, int] | None:
    """The state of a task box (" " or "x") and how much of text it takes."""
    match = _TASK.match(text)
    return (match.group(1).lower(), match.end()) if match else None


def definition(text: str) -> tuple[str, str, str] | None:
    """Label, target and title (with its quotes) of a link reference definition on one line."""
    match = _DEFINITION.match(text)
    if not match or match.group(1).startswith("^") or not match.group(1).strip():
        return None
    return match.group(1), match.group(2) if match.group(2) is not None else match.group(3), match.group(4) or ""


def footnote(text: str) -> tuple[str, int] | None:
    """The label of a footnote's text, and where that text begins."""
    match = _FOOTNOTE.match(text)
    return (match.group(1), match.end()) if match else None


def html(text: str, *, in_paragraph: bool) -> str | None:
    """What ends the HTML block that text opens: a substring, or "" for a blank line."""
    for opening, closer in _HTML:
        if opening.match(text):
            return closer
    return "" if not in_paragraph and _HTML_ANY_TAG.match(text) else None


def closes_html(text: str, closer: str) -> bool:
    """Whether the block that `closer` ends does so on this line."""
    if closer == "</":
        return _HTML_CLOSED.search(text) is not None
    return closer in text if closer else not text.strip(" \t")


def math(text: str) -> str | None:
    """What ends the displayed mathematics that text opens; None if text goes on after that on the same line."""
    match = _MATH.match(text)
    if not match:
        return None
    opener = match.group()
    closer = f"\\end{{{match.group(1)}}}" if match.group(1) else "$$" if opener == "$$" else "\\]"
    body, found, after = text[len(opener) :].partition(closer)
    if found and not (_AFTER_MATH.fullmatch(after) and reads_as_math(opener, body)):
        return None
    return closer


def reads_as_math(opener: str, body: str, after: str = "") -> bool:
    """Whether body, after an opening delimiter and before its closing one and `after`, is a formula.

    It may be prices, names of variables, or words between brackets that were only escaped.
    """
    if opener == "$$" or _SIGN_OF_MATH.search(body):
        return True
    if opener == "$" and after and (after.isalnum() or after in "_{") and _NAME.match(body):
        return False
    return not _PROSE.search(body) and (opener != "\\[" or _OPERATOR.search(body) is not None)


def split_math(text: str, closer: str) -> tuple[str, str]:
    """The last line of displayed mathematics, and the text that goes on after it; punctuation stays with the former."""
    formula, closer, after = text.partition(closer)
    punctuation = _AFTER_MATH.match(after)
    if punctuation is None or punctuation.end() == len(after):
        return text, ""
    return formula + closer, after.strip(" \t")


def could_close_fence(text: str, marker: str) -> bool:
    """Whether text, the beginning of a line, may yet become the end of the fence that `marker` opened."""
    return not text.strip(" \t").strip(marker[0])


def is_text(text: str) -> bool:
    """Whether text, the beginning of a line, will be running text whatever the rest of the line is."""
    return len(text) > LONGEST_STRUCTURE or _TEXT.match(text) is not None
