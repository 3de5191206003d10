"""The page: conversations, their shown branch first, other versions folded at the end."""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from lmchat.exchange.coding import to_json
from lmchat.exchange.facts import NAMES, figures_of, thought_of, time_of, versions_of
from lmchat.exchange.html.style import policy, style_sheet
from lmchat.exchange.html.text import code_html, text_html
from lmchat.exchange.tree import shown_branch
from lmchat.values.chat import FileHandle, TextData, ToolCallRequestData, ToolCallResultData
from lmchat.values.history import ConversationDocument, MessageRecord, Part, ReasoningData
from lmchat.values.safe_text import safe_text

_UNTITLED: Final = "Conversation"


def write_html(documents: Sequence[ConversationDocument]) -> bytes:
    """Conversations as the content of an HTML file."""
    title = documents[0].title if len(documents) == 1 else f"{len(documents)} conversations"
    body = "\n".join(article for document in documents for article in _article(document))
    # Invisible and directional characters, also those that entities in the texts have become, are shown as symbols.
    page = safe_text(
        "<!DOCTYPE html>\n"
        '<html lang="">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{html.escape(policy())}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        '<meta name="generator" content="lmchat">\n'
        f"<title>{_escaped(title) or _UNTITLED}</title>\n"
        f"<style>{style_sheet()}</style>\n"
        f"</head>\n<body>\n{body}\n</body>\n</html>\n"
    )
    return page.encode()


def _article(document: ConversationDocument) -> Iterator[str]:
    shown = shown_branch(document)
    on_branch = {message.id for message in shown}
    others = [message for message in document.messages if message.id not in on_branch]
    versions = versions_of(document.messages)
    yield "<article>"
    yield f'<header>\n<h1 dir="auto">{_escaped(document.title) or _UNTITLED}</h1>\n{_about(document)}</header>'
    yield from _sections(shown, versions)
    if others:
        yield f"<details>\n<summary>Other versions ({len(others)} messages)</summary>"
        yield from _sections(others, versions)
        yield "</details>"
    yield "</article>"


def _about(document: ConversationDocument) -> str:
    dates = [_date(seconds) for seconds in (document.created_at, document.updated_at)]
    about = [" – ".join(dict.fromkeys(filter(None, dates))), *map(_escaped, document.tags)]
    return f'<p class="quiet">{" · ".join(filter(None, about))}</p>\n'


def _date(seconds: float) -> str:
    time = time_of(seconds)
    return f'<time datetime="{time.isoformat()}">{time:%Y-%m-%d %H:%M} UTC</time>' if time else ""


def _sections(messages: Iterable[MessageRecord], versions: dict[int, str]) -> Iterator[str]:
    for message in messages:
        version = versions.get(message.id)
        yield f'<section class="{message.role}">'
        yield f"<h2>{NAMES[message.role]}{f' <small>({version})</small>' if version else ''}</h2>"
        yield from map(_part, message.parts)
        if message.error is not None:
            yield f'<p class="error" dir="auto">{_escaped(message.error)}</p>'
        if figures := figures_of(message):
            yield f'<p class="figures">{_escaped(" · ".join(figures))}</p>'
        yield "</section>"


def _part(part: Part) -> str:
    match part:
        case TextData():
            return text_html(part.text)
        case ReasoningData():
            return _folded(thought_of(part), text_html(part.text))
        case FileHandle():
            return f'<p class="quiet" dir="auto">File: {_escaped(part.name)}</p>'
        case ToolCallRequestData(request):
            given = to_json(request.arguments or {}, indent=2)
            return _folded(f"Tool call: {request.name}", code_html(given, "json"))
        case ToolCallResultData():
            name = f": {part.name}" if part.name else ""
            language = "json" if part.content[:1] in ("{", "[") else ""
            return _folded(f"Tool result{name}", code_html(part.content, language))


def _folded(summary: str, content: str) -> str:
    return f"<details>\n<summary>{_escaped(summary)}</summary>\n{content}</details>"


def _escaped(text: str) -> str:
    return html.escape(text)
