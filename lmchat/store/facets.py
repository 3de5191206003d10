"""What a message is besides its text, as words for the full-text index: whose, from when, by which model, and where.

They are characters for private use, of which `words_of` makes no words, and as few of them as can be: what has one
character needs no list of its own for its beginning.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Final

import msgspec

from lmchat.store import rows
from lmchat.store.codec import read_json
from lmchat.values.errors import StoreError

_MONTH: Final = 2_629_746.0
"""Seconds."""
_MONTHS: Final = 1_200
"""Until 2070; what is later is in the last."""
_ROLES: Final = dict(zip(rows.ROLES, "\ue000\ue001\ue002\ue003", strict=True))
_FIRST_MONTH: Final = 0xE010
_MODELS: Final = 0xF0000
_MOST_MODELS: Final = 0xFFF0
_CONVERSATIONS: Final = 0x100000
_A_CHARACTER_HAS: Final = 0xFF00


class _ModelKey(msgspec.Struct, rename="camel"):
    model_key: str


class _Origin(msgspec.Struct):
    model: _ModelKey | None = None


_ORIGIN: Final = msgspec.json.Decoder(_Origin)


def role_word(role: str) -> str:
    """What each message of a role has in the index."""
    return _ROLES.get(rows.ROLES.get(role, "user"), "")


def month_of(at: float) -> int:
    """The number of a stretch of time of about a month; what is out of all bounds is in the first or last."""
    return int(min(max(at / _MONTH, 0.0), float(_MONTHS)))


def month_word(month: int) -> str:
    """What each message of that time has in the index."""
    return chr(_FIRST_MONTH + month)


def conversation_word(conversation_id: int) -> str:
    """What each message of a conversation has in the index."""
    high, low = divmod(conversation_id, _A_CHARACTER_HAS)
    return chr(_CONVERSATIONS + high % _A_CHARACTER_HAS) + chr(_CONVERSATIONS + low)


def model_word(model_id: int) -> str:
    """What each answer of a model has in the index."""
    return chr(_MODELS + model_id % _MOST_MODELS)


def model_key(provenance: str | None) -> str | None:
    """The model that an answer is of."""
    if provenance is None:
        return None
    with suppress(StoreError):
        model = read_json(provenance, _ORIGIN).model
        return None if model is None else model.model_key
    return None
