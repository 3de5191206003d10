"""A conversation while it is put together from another program's file.

Other programs keep the steps of one answer (thoughts, calls of tools, their results, text) as messages of their own.
Here they are one message with parts in that order, as LM Studio has it: what was asked and what was answered
take turns, so the conversation can be continued.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from msgspec.structs import replace

from lmchat.values.chat import Role
from lmchat.values.history import ConversationDocument, MessageRecord, Part, Provenance, ReasoningData
from lmchat.values.model import LlmInstanceInfo
from lmchat.values.prediction import LlmPredictionStats


@dataclass(slots=True)
class _Entry:
    id: int
    parent_id: int | None
    role: Role
    parts: list[Part]
    created_at: float
    stats: LlmPredictionStats | None
    provenance: Provenance | None
    absorbed_by: int | None = field(default=None)


class Draft:
    """Messages of one conversation, each added after its parent."""

    def __init__(self, created_at: float) -> None:
        self._created_at = created_at
        self._entries: list[_Entry] = []

    def add(
        self,
        role: Role,
        parts: list[Part],
        *,
        parent: int | None,
        at: float | None = None,
        stats: LlmPredictionStats | None = None,
        provenance: Provenance | None = None,
    ) -> int:
        """Add a message, and get its id. `at` is in Unix seconds; None is the time of its parent."""
        if at is None:
            at = self._created_at if parent is None else self._entries[parent - 1].created_at
        number = len(self._entries) + 1
        self._entries.append(_Entry(number, parent, role, parts, at, stats, provenance))
        return number

    def document(
        self,
        title: str,
        *,
        leaf: int | None,
        updated_at: float | None = None,
        pinned: bool = False,
        archived: bool = False,
    ) -> ConversationDocument:
        """The conversation. Without `updated_at` it is the time of its newest message."""
        self._join_steps()
        newest = max((entry.created_at for entry in self._entries), default=self._created_at)
        return ConversationDocument(
            title=title,
            created_at=self._created_at,
            updated_at=newest if updated_at is None else updated_at,
            messages=tuple(self._record(entry) for entry in self._entries if entry.absorbed_by is None),
            leaf_id=self._head(leaf),
            pinned=pinned,
            archived=archived,
        )

    def _join_steps(self) -> None:
        """Let each message that only continues its parent be part of it."""
        children = Counter(entry.parent_id for entry in self._entries)
        for entry in self._entries:
            head = self._head(entry.parent_id)
            if entry.parent_id is None or head is None or children[entry.parent_id] > 1:
                continue
            before = self._entries[head - 1]
            if (before.role, entry.role) in _CONTINUE:
                _append(before.parts, entry.parts)
                before.stats = entry.stats or before.stats
                before.provenance = entry.provenance or before.provenance
                entry.absorbed_by = head

    def _head(self, number: int | None) -> int | None:
        """The message that has become of one."""
        if number is None:
            return None
        return self._entries[number - 1].absorbed_by or number

    def _record(self, entry: _Entry) -> MessageRecord:
        return MessageRecord(
            id=entry.id,
            parent_id=self._head(entry.parent_id),
            role=entry.role,
            parts=tuple(entry.parts),
            created_at=entry.created_at,
            stats=entry.stats,
            provenance=entry.provenance,
        )


_CONTINUE = frozenset({("assistant", "assistant"), ("assistant", "tool"), ("system", "system"), ("tool", "tool")})


def _append(parts: list[Part], more: list[Part]) -> None:
    """Append parts; a reasoning without text only tells how long the one before it took."""
    for part in more:
        last = parts[-1] if parts else None
        if isinstance(part, ReasoningData) and not part.text and isinstance(last, ReasoningData):
            parts[-1] = replace(last, seconds=last.seconds or part.seconds)
        else:
            parts.append(part)


def instance(identifier: str, *, path: str = "", context_length: int = 0) -> LlmInstanceInfo:
    """A model of which little more than the name is known; 0 is a number that is not."""
    return LlmInstanceInfo(
        model_key=identifier,
        format="",
        display_name=identifier,
        path=path,
        size_bytes=0,
        max_context_length=0,
        identifier=identifier,
        instance_reference="",
        context_length=context_length,
    )
