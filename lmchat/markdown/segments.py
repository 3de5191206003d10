"""Long paragraphs in pieces: where running text can be cut so that both sides read the same as the whole.

The parse of a paragraph is repeated with each frame while it is being written, so it must not grow with the paragraph.
Text is therefore cut into segments, each parsed once. A cut is a blank (or a place between two characters of a script
without spaces) at which no emphasis, code, link or tag is open. It is looked for past 512 characters, then past 1,024,
and so on; from 4,096 on any blank will do, and at 8,192 any character. So inline markup reaches over at least 512 and
at most 8,192 characters. Where the cuts fall depends on the text alone, never on the pieces it came in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import copy
from typing import TYPE_CHECKING

from lmchat.markdown.inline import References, parse, spans as inline_spans, styled
from lmchat.markdown.lines import Span

if TYPE_CHECKING:
    from markdown_it.token import Token

SHORTEST = 512
"""Characters in a segment at the least."""
LONGEST = 8 * SHORTEST
"""Characters after which a segment is cut even though some markup in it is still open."""

_CJK = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3"
_CUT = re.compile(rf"(?<=[^ \\])[ \n](?=[^ \n\t])|(?<=[{_CJK}])(?=[{_CJK}])")
_OPEN = re.compile(
    r"`|\x01|\$(?=[^\s\d])|\*(?=[^\s*])|(?<![^\W_])_+(?=[^\s_])|~~(?=\S)|\]\([^)]*\Z|<[A-Za-z/!?][^>]*\Z|!?\[[^\]]*\Z"
)


class Segments:
    """Running text that grows at the end; `take` hands out what can no longer change, as styled spans."""

    def __init__(self, base: str, references: References) -> None:
        self._base = base
        self._references = references
        self._rung = SHORTEST
        self.rest = ""
        self.cut = False

    def fork(self) -> Segments:
        """A copy that goes its own way."""
        return copy(self)

    def add(self, text: str) -> Iterator[list[Span]]:
        """Append text; yields the segments that this completes."""
        text = self.rest + text
        start = 0
        while len(text) - start > self._rung:
            end = self._candidate(text, start)
            if end == start:
                break
            if end < 0:
                self._rung *= 2
                continue
            segment = text[start:end]
            tokens = parse(segment, self._references)
            if self._rung < LONGEST and (_is_open(tokens) or "|" in segment[segment.rfind("\n", 0, -1) + 1 :]):
                self._rung *= 2
                continue
            yield styled(tokens, self._base)
            self._rung = SHORTEST
            self.cut = True
            start = end
        self.rest = text[start:]

    def tail(self) -> list[Span]:
        """The spans of the text that is left when no more will come."""
        return inline_spans(self.rest.rstrip(), self._base, self._references)

    def _candidate(self, text: str, start: int) -> int:
        """Where this rung would cut: `start` when that cannot be known yet, -1 when there is no place."""
        limit = start + 2 * self._rung
        match = _CUT.search(text, start + self._rung, limit + 1)
        if match and match.end() <= limit:
            return match.end()
        if len(text) <= limit + 1:
            return start
        return limit if self._rung >= LONGEST else -1


def read(text: str, base: str, references: References) -> list[Span]:
    """The spans of a text that is there as a whole, such as a cell; a long one is read in segments too."""
    if len(text) <= LONGEST:
        return inline_spans(text, base, references)
    segments = Segments(base, references)
    spans = [span for segment in segments.add(text) for span in segment]
    return spans + segments.tail()


def _is_open(tokens: list[Token]) -> bool:
    """Whether some markup might still be closed by later text; may say so needlessly, never the opposite."""
    return _OPEN.search("".join(map(_written, tokens))) is not None


def _written(token: Token) -> str:
    """Text as it is; all that is settled as NUL; an escaped bracket, which may open mathematics, as U+0001."""
    if token.type == "text":
        return token.content
    return "\x01" if token.type == "text_special" and token.content in "([" else "\0"
