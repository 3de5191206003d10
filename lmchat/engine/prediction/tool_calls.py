"""Tells a model's tool calls from its text.

Models write them between `<tool_call>` tags (Hermes, Qwen), after `[TOOL_CALLS]` (Mistral), or as a bare or fenced JSON
object that is the whole answer (Llama, and small models of any kind).
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import msgspec

from lmchat.engine.prediction.reasoning import Piece
from lmchat.protocol.errors import UNREADABLE
from lmchat.values.chat import ToolCallRequest

OPEN: Final = "<tool_call>"
CLOSE: Final = "</tool_call>"
_WHOLE_ANSWER: Final = ("{", "[TOOL_CALLS]", "```json")


@dataclass(frozen=True, slots=True)
class CallBegun:
    """The model began to write a call."""

    identifier: str


@dataclass(frozen=True, slots=True)
class CallWritten:
    """A whole call. The begun call that it ends has its identifier."""

    request: ToolCallRequest


@dataclass(frozen=True, slots=True)
class CallUnreadable:
    """What was begun as a call is none."""

    text: str


AnswerPart: TypeAlias = Piece | CallBegun | CallWritten | CallUnreadable


class ToolCallReader:
    """Takes the pieces of an answer and gives its text and its calls. Reasoning passes through."""

    def __init__(self, names: Iterable[str]) -> None:
        """`names` are those of the tools that the model may call."""
        self._names = frozenset(names)
        self._held = ""
        self._tokens = 0
        self._at_start = True
        self._identifier: str | None = None

    def feed(self, piece: Piece) -> Iterator[AnswerPart]:
        """Take the next piece; gives what is certain now."""
        if piece.kind != "none":
            yield piece
            return
        self._held += piece.text
        self._tokens += piece.tokens
        while True:
            if self._identifier is not None:
                if CLOSE not in self._held:
                    return
                inside, _, self._held = self._held.partition(CLOSE)
                yield from self._end(inside)
            elif self._may_be_whole():
                return
            elif OPEN in self._held:
                before, _, self._held = self._held.partition(OPEN)
                yield from self._text(before)
                self._identifier = _new_identifier()
                yield CallBegun(self._identifier)
            else:
                break
        certain = len(self._held) - _overlap(self._held, OPEN)
        text, self._held = self._held[:certain], self._held[certain:]
        yield from self._text(text)

    def flush(self) -> Iterator[AnswerPart]:
        """What is left when no more text comes."""
        rest, self._held = self._held, ""
        if self._identifier is not None:
            yield from self._end(rest)
        elif self._at_start and (requests := self._read(_bare(rest))):
            for request in requests:
                yield CallBegun(request.id or "")
                yield CallWritten(request)
        else:
            yield from self._text(rest)

    def _may_be_whole(self) -> bool:
        begun = self._held.lstrip()
        return self._at_start and any(begun.startswith(start) or start.startswith(begun) for start in _WHOLE_ANSWER)

    def _text(self, text: str) -> Iterator[Piece]:
        if not text:
            return
        self._at_start = self._at_start and not text.strip()
        tokens, self._tokens = self._tokens, 0
        yield Piece("none", text, tokens)

    def _end(self, inside: str) -> Iterator[AnswerPart]:
        identifier, self._identifier = self._identifier, None
        self._at_start = False
        requests = self._read(inside.strip())
        if not requests:
            yield CallUnreadable(inside)
            return
        first, *others = requests
        yield CallWritten(msgspec.structs.replace(first, id=identifier))
        for request in others:
            yield CallBegun(request.id or "")
            yield CallWritten(request)

    def _read(self, text: str) -> list[ToolCallRequest]:
        """The calls that a JSON text stands for; none when any of it is no call of a tool that there is."""
        try:
            data = msgspec.json.decode(text)
        except UNREADABLE:
            return []
        requests = [_request(entry) for entry in (data if isinstance(data, list) else [data])]
        if any(request is None or request.name not in self._names for request in requests):
            return []
        return [request for request in requests if request is not None]


def _request(entry: Any) -> ToolCallRequest | None:
    match entry:
        case {"function": dict() as inner}:
            return _request(inner)
        case {"name": str() as name, **rest}:
            arguments = rest.get("arguments", rest.get("parameters", {}))
        case _:
            return None
    if isinstance(arguments, str):
        try:
            arguments = msgspec.json.decode(arguments or "{}")
        except UNREADABLE:
            return None
    return (
        ToolCallRequest(name=name, id=_new_identifier(), arguments=arguments) if isinstance(arguments, dict) else None
    )


def _bare(text: str) -> str:
    text = text.strip().removeprefix("[TOOL_CALLS]").strip()
    return text.removeprefix("```json").removesuffix("```").strip()


def _overlap(text: str, tag: str) -> int:
    """How much of the text's end may be the beginning of the tag."""
    longest = min(len(text), len(tag) - 1)
    return next((size for size in range(longest, 0, -1) if tag.startswith(text[-size:])), 0)


def _new_identifier() -> str:
    return f"{secrets.randbelow(10**9):09}"
