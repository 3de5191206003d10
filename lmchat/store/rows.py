"""Rows of the database as values."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any, Final, TypeAlias, get_args

import msgspec

from lmchat.store.codec import read_json
from lmchat.values.chat import Role, TextData
from lmchat.values.history import (
    MessageRecord,
    Part,
    Provenance,
    ReasoningData,
    texts_of,
)
from lmchat.values.prediction import LlmPredictionStats

Row: TypeAlias = tuple[Any, ...]
Journal: TypeAlias = Iterable[tuple[str, str]]
"""Pieces of an answer as (kind, text), in order."""

MESSAGE_COLUMNS = "id, parent_id, role, parts, created_at, stats, provenance, error, owner"
TEXT_COLUMNS = "id, parts, error, owner"

_PARTS = msgspec.json.Decoder(tuple[Part, ...])
_STATS = msgspec.json.Decoder(LlmPredictionStats)
_PROVENANCE = msgspec.json.Decoder(Provenance)
ROLES: Final[dict[str, Role]] = {role: role for role in get_args(Role)}
"""The one string for each role; thousands of messages share it."""


def message(row: Row, journal: Journal = ()) -> MessageRecord:
    """The message of a row of `MESSAGE_COLUMNS`; while it is being written, its parts are those of its journal."""
    number, parent_id, role, parts, created_at, stats, provenance, error, owner = row
    return MessageRecord(
        id=number,
        parent_id=parent_id,
        role=role,
        parts=_parts(parts, owner, journal),
        created_at=created_at,
        stats=None if stats is None else read_json(stats, _STATS),
        provenance=None if provenance is None else read_json(provenance, _PROVENANCE),
        error=error,
    )


def texts(row: Row, journal: Journal = ()) -> tuple[str, ...]:
    """The texts of a row of `TEXT_COLUMNS`; while the message is being written, those of its journal."""
    _, parts, error, owner = row
    return texts_of(_parts(parts, owner, journal), error)


def is_being_written(row: Row) -> bool:
    """Whether the message of a row of `MESSAGE_COLUMNS` or `TEXT_COLUMNS` is not finished yet."""
    return row[-1] is not None


def journal_parts(journal: Journal) -> tuple[Part, ...]:
    """What a journal holds: neighbours of the same kind are one part."""
    parts: list[Part] = []
    for kind, pieces in itertools.groupby(journal, key=lambda piece: piece[0]):
        text = "".join(text for _, text in pieces)
        parts.append(ReasoningData(text=text) if kind == "reasoning" else TextData(text))
    return tuple(parts)


def _parts(kept: str, owner: str | None, journal: Journal) -> tuple[Part, ...]:
    return read_json(kept, _PARTS) if owner is None else journal_parts(journal)


def journal_kind(piece: TextData | ReasoningData) -> str:
    """The kind under which the journal has a piece."""
    return "reasoning" if isinstance(piece, ReasoningData) else "text"
