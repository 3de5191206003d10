"""A conversation from the Markdown that it was written as, also after a person changed it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from lmchat.exchange.coding import ANY, file_text, from_json
from lmchat.exchange.formats import Format, Imported
from lmchat.exchange.markdown.fences import unfenced
from lmchat.exchange.markdown.front_matter import read_front_matter
from lmchat.exchange.markdown.marks import DECODER, END, WORD, Head, Mark, finder
from lmchat.exchange.markdown.writer import VERSION
from lmchat.exchange.tree import mended
from lmchat.values.chat import TextData, ToolCallRequestData, ToolCallResultData
from lmchat.values.errors import LMStudioValueError
from lmchat.values.history import ConversationDocument, MessageRecord, Part, ReasoningData

_OURS: Final = re.compile(r"#{1,3} |</?details>|<summary>|<sub>|\*\*|[ \t]*\r?$")
"""How lines begin that are for the reader."""


def read_markdown(data: bytes) -> Imported:
    """The conversation that `write_markdown` was given, with what a person changed in its texts.

    Raises:
        LMStudioValueError: it is not such a file, one of a newer lmchat, or its marks were broken.
    """
    text = file_text(data)
    if re.match(r"---[ \t]*\r\n", text):  # somebody's editor or git gave the whole file other ends of lines
        text = text.replace("\r\n", "\n")
    values, body = read_front_matter(text)
    _check_version(values.get("lmchat"))
    reader = _Reader()
    reader.read(body, finder(str(values.get("word", WORD))))
    document, notes = mended(_document(values, reader.messages))
    return Imported(Format.MARKDOWN, (document,), (*reader.notes, *notes))


def _check_version(version: object) -> None:
    if not isinstance(version, int):
        raise LMStudioValueError(
            "This Markdown file does not say which lmchat wrote it. Only lmchat's own exports can be read back; "
            "their front matter has a line 'lmchat: 1'."
        )
    if version > VERSION:
        raise LMStudioValueError(
            f"This file was written by a newer lmchat: its version is {version}, and up to {VERSION} can be read. "
            "Update lmchat, and import it then."
        )


def _document(values: dict[str, Any], messages: list[MessageRecord]) -> ConversationDocument:
    times = [message.created_at for message in messages]
    began = _as(float, values.get("created_at"), min(times, default=0.0))
    order = _as(list[int], values.get("order"), sorted(message.id for message in messages))
    place = {number: index for index, number in reversed(list(enumerate(order)))}
    return ConversationDocument(
        title=str(values.get("title") or ""),
        created_at=began,
        updated_at=_as(float, values.get("updated_at"), max(times, default=began)),
        messages=tuple(sorted(messages, key=lambda message: place.get(message.id, len(place)))),
        leaf_id=_as(int, values.get("leaf"), None),
        tags=_tags(values.get("tags")),
        pinned=values.get("pinned") is True,
        archived=values.get("archived") is True,
    )


def _as(kind: Any, value: object, otherwise: Any) -> Any:
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return otherwise


def _tags(value: object) -> tuple[str, ...]:
    if isinstance(value, str):  # [a, b] without quotes, as a person writes it
        return tuple(filter(None, (tag.strip(" \"'") for tag in value.strip("[]").split(","))))
    return tuple(_as(list[str], value, []))


@dataclass
class _Open:
    """A message whose parts are being read."""

    head: Head
    parts: list[Part] = field(default_factory=list)
    error: str | None = None


class _Reader:
    """Puts messages together from what stands between marks."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self._open: list[_Open] = []
        self._outside = 0

    @property
    def messages(self) -> list[MessageRecord]:
        """What was read."""
        return [
            MessageRecord(
                id=message.head.id,
                parent_id=message.head.parent_id,
                role=message.head.role,
                parts=tuple(message.parts),
                created_at=message.head.created_at,
                stats=message.head.stats,
                provenance=message.head.provenance,
                error=message.error,
            )
            for message in self._open
        ]

    def read(self, text: str, marks: re.Pattern[str]) -> None:
        """Take all of a file after its front matter."""
        kind = END
        for kind, details, region in _regions(text, marks):
            if kind == END:
                lines = region.split("\n")
                self._outside += sum(_OURS.match(line) is None for line in lines)
            else:
                self._take(kind, _known(details), region)
        if kind != END:
            self.notes.append("The end of the file is missing; the last message may be cut.")
        if self._outside:
            self.notes.append(f"Text outside of the messages was left out ({self._outside} lines).")

    def _take(self, kind: str, known: Mark, region: str) -> None:
        message = self._message(known)
        body = _body(region, known.closed_by)
        if kind == "error":
            message.error = body
        elif kind != "empty":
            message.parts.append(self._part(known.part, body, message.head.id))

    def _message(self, known: Mark) -> _Open:
        last = self._open[-1] if self._open else None
        head = known.message
        if head is None and last is not None and known.of in (None, last.head.id):
            return last
        if head is None:  # a person took away the part with which the message began
            number = known.of if known.of is not None else 1
            before = last.head if last else None
            head = Head(
                id=number,
                role="assistant",
                parent_id=before.id if before else None,
                created_at=before.created_at if before else 0.0,
            )
            self.notes.append(f"The beginning of message {number} is missing.")
        self._open.append(_Open(head))
        return self._open[-1]

    def _part(self, part: Part | None, body: str, number: int) -> Part:
        match part:
            case None | TextData():
                return TextData(body)
            case ReasoningData():
                return replace(part, text=body)
            case ToolCallResultData():
                inner = unfenced(body)
                return replace(part, content=body if inner is None else inner)
            case ToolCallRequestData(request):
                return ToolCallRequestData(replace(request, arguments=self._arguments(body, number)))
        return part

    def _arguments(self, body: str, number: int) -> dict[str, Any] | None:
        inner = unfenced(body)
        if inner is None:
            return None
        try:
            found = from_json(inner, ANY)
        except LMStudioValueError:
            found = None
        if not isinstance(found, dict):
            self.notes.append(f"The arguments of a tool call in message {number} are no JSON, and were left out.")
            return None
        return found


def _regions(text: str, marks: re.Pattern[str]) -> Iterator[tuple[str, str | None, str]]:
    """Each mark's kind and what is known, with the text up to the next; what is before the first as after an end."""
    kind, details, start = END, None, 0
    for found in marks.finditer(text):
        yield kind, details, text[start : found.start()]
        kind, details, start = found[1], found[2], found.end()
    yield kind, details, text[start:]


def _known(details: str | None) -> Mark:
    try:
        return from_json(details or "{}", DECODER)
    except LMStudioValueError as wrong:
        raise LMStudioValueError(
            f"A mark in this Markdown file was changed so that it cannot be read: {(details or '')[:60]} "
            "Undo that change, or export the conversation again."
        ) from wrong


def _body(region: str, closed_by: str) -> str:
    """The text between two marks, which stand apart from it by a blank line each."""
    for blank in ("\n\n", "\n"):
        if region.startswith(blank):
            region = region[len(blank) :]
            break
    for blank in ("\n\n", "\n"):
        if region.endswith(blank):
            region = region[: len(region) - len(blank)]
            break
    return region.removesuffix(f"\n{closed_by}") if closed_by else region
