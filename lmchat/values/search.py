"""What is looked for in all conversations, and what is found: the query that a person types, and the hits."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Final, get_args

import msgspec

from lmchat.values.chat import Role
from lmchat.values.history import ConversationSummary

_PIECE: Final = re.compile(r'(?:(?P<name>[A-Za-z]+):)?(?:"(?P<phrase>[^"]*)(?P<closed>"?)|(?P<word>[^\s"]*))')
_DATE: Final = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?")
_FILTERS: Final = frozenset({"model", "tag", "before", "after", "is", "role"})
_STATES: Final = frozenset({"pinned", "archived", "deleted"})


class SearchQuery(msgspec.Struct, frozen=True, kw_only=True):
    """What is looked for. Every condition must hold; case and accents make no difference."""

    words: tuple[str, ...] = ()
    """Words, and phrases of several words."""
    beginning: str = ""
    """A word, or a phrase, that goes on in any way: what is being typed."""
    models: tuple[str, ...] = ()
    """Parts of the name of the model that wrote the message."""
    tags: tuple[str, ...] = ()
    """Tags that the conversation has."""
    roles: tuple[Role, ...] = ()
    """Whose the message may be; anybody's when there is none."""
    before: float | None = None
    """Unix seconds before which the message was written."""
    after: float | None = None
    """Unix seconds from which on the message was written."""
    pinned: bool = False
    archived: bool = False
    deleted: bool = False
    """Whether to look among what is deleted, instead of among what is not."""

    @property
    def has_words(self) -> bool:
        """Whether there is any text to look for."""
        return bool(self.words or self.beginning)

    @property
    def is_about_messages(self) -> bool:
        """Whether there is a condition that only a message can fulfil, and not a conversation."""
        return bool(self.models or self.roles) or self.before is not None or self.after is not None


class Snippet(msgspec.Struct, frozen=True):
    """A piece of a text, with the places in it that were looked for. The text is as it was written, so not safe."""

    text: str
    marks: tuple[tuple[int, int], ...] = ()
    """From and to where in the text, in order, without overlaps."""


class SearchHit(msgspec.Struct, frozen=True, kw_only=True):
    """A place where everything that was looked for occurs."""

    conversation: ConversationSummary
    message_id: int | None
    """None when it is the conversation's title."""
    snippet: Snippet
    rank: float
    """The higher, the better it fits."""
    created_at: float
    """Unix seconds of the message, or of the conversation's last one."""


def parse_query(text: str) -> SearchQuery:
    """The query that a text is, whatever it is; what is no filter is a word.

    Words, "phrases in quotes", `model:`, `tag:`, `role:`, `before:` and `after:` with a day (2026-03-31, 2026-03, 2026,
    today, yesterday; local time), `is:pinned`, `is:archived`, `is:deleted`. A last word without a space after it is
    the beginning of one. A filter without a value is left out, for it is being typed.
    """
    words: list[str] = []
    kept: dict[str, list[str]] = {name: [] for name in _FILTERS}
    beginning = ""
    end = 0
    while end < len(text):
        if text[end].isspace():
            end += 1
            continue
        found = _PIECE.match(text, end)
        assert found is not None  # every part of it may be empty
        end = max(found.end(), end + 1)
        name, value = (found["name"] or "").lower(), found["phrase"] if found["word"] is None else found["word"]
        if name in _FILTERS and (not value.strip() or _is_valid(name, value)):
            kept[name] += [value.strip()] if value.strip() else []
            continue
        shown = value if not found["name"] else f"{found['name']}:{value}"
        is_open = end == len(text) and not found["closed"]
        if is_open:
            beginning = shown.strip()
        elif shown.strip():
            words.append(shown.strip())
    return _query(tuple(words), beginning, kept)


def _query(words: tuple[str, ...], beginning: str, kept: dict[str, list[str]]) -> SearchQuery:
    states = {state.lower() for state in kept["is"]}
    wanted = {role.lower() for role in kept["role"]}
    befores = [moment for value in kept["before"] if (moment := _moment(value)) is not None]
    afters = [moment for value in kept["after"] if (moment := _moment(value)) is not None]
    return SearchQuery(
        words=words,
        beginning=beginning,
        models=tuple(kept["model"]),
        tags=tuple(kept["tag"]),
        roles=tuple(role for role in get_args(Role) if role in wanted),
        before=min(befores, default=None),
        after=max(afters, default=None),
        pinned="pinned" in states,
        archived="archived" in states,
        deleted="deleted" in states,
    )


def _is_valid(name: str, value: str) -> bool:
    match name:
        case "before" | "after":
            return _moment(value) is not None
        case "is":
            return value.lower() in _STATES
        case "role":
            return value.lower() in get_args(Role)
    return True


def _moment(value: str) -> float | None:
    """When the day, month or year begins; None when it is none."""
    try:
        today = datetime.now().replace(hour=0, minute=0, second=0, microsecond=0)
        match value.strip().lower():
            case "today":
                return today.timestamp()
            case "yesterday":
                return (today - timedelta(days=1)).timestamp()
        if (found := _DATE.fullmatch(value.strip())) is None:
            return None
        year, month, day = (int(part or 1) for part in found.groups())
        return datetime(year, month, day).timestamp()
    except (ValueError, OverflowError, OSError):
        return None
