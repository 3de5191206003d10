"""The comments between which the parts of messages stand in a Markdown file."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable
from typing import Final

import msgspec

from lmchat.exchange.coding import to_json
from lmchat.values.chat import Role
from lmchat.values.history import Part, Provenance
from lmchat.values.prediction import LlmPredictionStats

WORD: Final = "lmchat"
END: Final = "end"
_USED: Final = re.compile(rf"<!-- {WORD}(?:-(\d{{1,9}}))? ")


class Head(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is to be known of a message beside its parts."""

    id: int
    role: Role
    parent_id: int | None = None
    created_at: float
    stats: LlmPredictionStats | None = None
    provenance: Provenance | None = None


class Mark(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is to be known of a part beside its text."""

    message: Head | None = None
    """The message that begins with this part."""
    of: int | None = None
    """The message that goes on with this part."""
    part: Part | None = None
    """The part without its text; None for a part that is nothing but text."""
    closed_by: str = ""
    """A line after the text that is not of it, and ends a block that the text left open."""


DECODER: Final = msgspec.json.Decoder(Mark)


def word_for(texts: Iterable[str]) -> str:
    """A word for marks that none of the texts could be taken to contain."""
    used = {int(found[1] or 0) for text in texts for found in _USED.finditer(text)}
    free = next(number for number in itertools.count() if number not in used)
    return f"{WORD}-{free}" if free else WORD


def mark(word: str, kind: str, details: Mark | None = None) -> str:
    """The line that begins or ends a part."""
    known = "" if details is None else to_json(details)
    if known in ("", "{}"):
        return f"<!-- {word} {kind} -->"
    # Nothing in a comment may look like its end; in JSON these characters stand in strings only.
    known = known.replace("<", "\\u003c").replace(">", "\\u003e").replace("--", "-\\u002d")
    return f"<!-- {word} {kind} {known} -->"


def finder(word: str) -> re.Pattern[str]:
    """Finds the marks with this word: their kind, and what is known."""
    return re.compile(rf"^<!-- {re.escape(word)} ([a-z]+)(?: (\{{[^\n]*\}}))? -->[ \t]*$", re.MULTILINE)
