"""A conversation as Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

from msgspec.structs import replace

from lmchat.exchange.coding import file_bytes, to_json
from lmchat.exchange.facts import NAMES, figures_of, thought_of, time_of, versions_of
from lmchat.exchange.markdown.fences import closer, fenced
from lmchat.exchange.markdown.front_matter import write_front_matter
from lmchat.exchange.markdown.marks import END, WORD, Head, Mark, mark, word_for
from lmchat.exchange.tree import shown_branch
from lmchat.values.chat import FileHandle, TextData, ToolCallRequestData, ToolCallResultData
from lmchat.values.history import ConversationDocument, MessageRecord, Part, ReasoningData
from lmchat.values.safe_text import safe_line

VERSION: Final = 1
_SPECIAL: Final = re.compile(r"([\\`*_\[\]<>()#!|~$&:@])")


def write_markdown(document: ConversationDocument) -> bytes:
    """The conversation as the content of a file."""
    shown = shown_branch(document)
    on_branch = {message.id for message in shown}
    others = [message for message in document.messages if message.id not in on_branch]
    writer = _Writer(document)
    pieces = [
        write_front_matter(_front_matter(document, writer.word)),
        f"# {_plain(document.title) or 'Conversation'}",
        *(piece for message in shown for piece in writer.message(message, "##")),
    ]
    if others:
        pieces.append("## Other versions")
        pieces += [piece for message in others for piece in writer.message(message, "###")]
    return file_bytes("\n\n".join(pieces) + "\n")


def _front_matter(document: ConversationDocument, word: str) -> dict[str, Any]:
    ids = [message.id for message in document.messages]
    began = time_of(document.created_at)
    values: dict[str, Any] = {
        "lmchat": VERSION,
        "title": document.title,
        "date": began.isoformat() if began else None,
        "created_at": document.created_at,
        "updated_at": document.updated_at,
        "tags": document.tags,
        "pinned": document.pinned,
        "archived": document.archived,
        "leaf": document.leaf_id,
    }
    if word != WORD:
        values["word"] = word
    if ids != sorted(ids):
        values["order"] = ids
    return values


class _Writer:
    """Writes messages with marks that fit the whole file."""

    def __init__(self, document: ConversationDocument) -> None:
        self.word = word_for(_texts(document.messages))
        self._versions = versions_of(document.messages)

    def message(self, message: MessageRecord, level: str) -> Iterator[str]:
        """The blocks of a message."""
        version = self._versions.get(message.id)
        yield f"{level} {NAMES[message.role]}{f' ({version})' if version else ''}"
        head: Head | None = Head(
            id=message.id,
            parent_id=message.parent_id,
            role=message.role,
            created_at=message.created_at,
            stats=message.stats,
            provenance=message.provenance,
        )
        for part in message.parts:
            yield from self._part(part, head, message.id)
            head = None
        if message.error is not None:
            yield "**Error**"
            yield from self._between("error", message.error, self._known(head, message.id))
        elif head is not None:
            yield mark(self.word, "empty", Mark(message=head))
            yield mark(self.word, END)
        if figures := figures_of(message):
            yield f"<sub>{_plain(' · '.join(figures))}</sub>"

    def _part(self, part: Part, head: Head | None, number: int) -> Iterator[str]:
        known = self._known(head, number)
        match part:
            case TextData():
                yield from self._between("text", part.text, known)
            case ReasoningData():
                yield f"<details>\n<summary>{thought_of(part)}</summary>"
                yield from self._between("reasoning", part.text, replace(known, part=replace(part, text="")))
                yield "</details>"
            case FileHandle():
                yield mark(self.word, "file", replace(known, part=part))
                yield f"*File:* {_plain(part.name)}"
                yield mark(self.word, END)
            case ToolCallRequestData(request):
                yield f"**Tool call:** {_plain(request.name)}"
                bare = ToolCallRequestData(replace(request, arguments=None))
                yield mark(self.word, "call", replace(known, part=bare))
                if request.arguments is not None:
                    yield fenced(to_json(request.arguments, indent=2), "json")
                yield mark(self.word, END)
            case ToolCallResultData():
                yield f"**Tool result:** {_plain(part.name or '')}".rstrip()
                yield mark(self.word, "result", replace(known, part=replace(part, content="")))
                yield fenced(part.content, "json" if part.content[:1] in ("{", "[") else "")
                yield mark(self.word, END)

    def _known(self, head: Head | None, number: int) -> Mark:
        return Mark(message=head, of=None if head else number)

    def _between(self, kind: str, text: str, known: Mark) -> Iterator[str]:
        closed_by = closer(text)
        yield mark(self.word, kind, replace(known, closed_by=closed_by))
        yield f"{text}\n{closed_by}" if closed_by else text
        yield mark(self.word, END)


def _texts(messages: Iterable[MessageRecord]) -> Iterator[str]:
    """All that is written as it is."""
    for message in messages:
        yield message.error or ""
        for part in message.parts:
            match part:
                case TextData() | ReasoningData():
                    yield part.text
                case ToolCallResultData():
                    yield part.content


def _plain(text: str) -> str:
    """A name on one line that no reader of Markdown takes for anything else."""
    return _SPECIAL.sub(r"\\\1", safe_line(text).strip())
