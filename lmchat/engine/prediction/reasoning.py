"""Tells a model's reasoning from its answer, by the tags that it writes around its thoughts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from lmchat.values.prediction import ReasoningType


class Piece(NamedTuple):
    """Text of one kind, never empty, and how many tokens it took."""

    kind: ReasoningType
    text: str
    tokens: int


class ReasoningSplitter:
    """Splits streamed text at the tags.

    The texts of all pieces together are the text that went in, and their tokens as many. What may be the beginning of
    a tag waits until it is known. Tokens that are told before their text is count with the next piece.
    """

    def __init__(self, start: str, end: str, *, inside: bool = False) -> None:
        """Make a splitter; with `inside` the prompt has opened the reasoning already."""
        self._start = start
        self._end = end
        self._inside = inside
        self._held = ""
        self._tokens = 0

    def feed(self, text: str, tokens: int) -> Iterator[Piece]:
        """Take the next text; gives what is certain now."""
        self._held += text
        self._tokens += tokens
        while (at := self._held.find(self._tag)) >= 0:
            yield from self._piece("reasoning" if self._inside else "none", at)
            yield from self._piece("reasoningEndTag" if self._inside else "reasoningStartTag", len(self._tag))
            self._inside = not self._inside
        yield from self._piece("reasoning" if self._inside else "none", self._certain())

    def flush(self) -> Iterator[Piece]:
        """What is left when no more text comes."""
        yield from self._piece("reasoning" if self._inside else "none", len(self._held))

    @property
    def _tag(self) -> str:
        return self._end if self._inside else self._start

    def _certain(self) -> int:
        """How much of the held text cannot be the beginning of the tag."""
        longest = min(len(self._held), len(self._tag) - 1)
        overlap = next((size for size in range(longest, 0, -1) if self._tag.startswith(self._held[-size:])), 0)
        return len(self._held) - overlap

    def _piece(self, kind: ReasoningType, length: int) -> Iterator[Piece]:
        if length > 0:
            text, self._held = self._held[:length], self._held[length:]
            tokens, self._tokens = self._tokens, 0
            yield Piece(kind, text, tokens)
