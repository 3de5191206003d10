"""The messages of a document as the tree they form: its shown branch, and trees that files got wrong set right."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Sequence

from msgspec.structs import replace

from lmchat.values.history import ConversationDocument, MessageRecord


def shown_branch(document: ConversationDocument) -> tuple[MessageRecord, ...]:
    """The messages of the branch that was shown, first to last."""
    by_id = {message.id: message for message in document.messages}
    newest = document.messages[-1] if document.messages else None
    here = newest if document.leaf_id is None else by_id.get(document.leaf_id)
    path: dict[int, MessageRecord] = {}
    while here is not None and here.id not in path:
        path[here.id] = here
        here = None if here.parent_id is None else by_id.get(here.parent_id)
    return tuple(reversed(path.values()))


def mended(document: ConversationDocument) -> tuple[ConversationDocument, tuple[str, ...]]:
    """The document as a proper tree, parents before their children, and notes of what had to be changed for that.

    A document that is one already is returned as it is.
    """
    notes: list[str] = []
    messages = _parents_first(_known_parents(_unique_ids(document.messages, notes), notes), notes)
    leaf_id = document.leaf_id
    if leaf_id is not None and all(message.id != leaf_id for message in messages):
        notes.append("The message that was shown last is not in the file; the newest is shown instead.")
        leaf_id = None
    if not notes and messages == document.messages:
        return document, ()
    return replace(document, messages=messages, leaf_id=leaf_id), tuple(notes)


def _unique_ids(messages: Sequence[MessageRecord], notes: list[str]) -> list[MessageRecord]:
    used: set[int] = set()
    free = max((message.id for message in messages), default=0) + 1
    unique: list[MessageRecord] = []
    for message in messages:
        if message.id in used:
            notes.append(f"Two messages have the id {message.id}; the later was given another.")
            message = replace(message, id=free)
            free += 1
        used.add(message.id)
        unique.append(message)
    return unique


def _known_parents(messages: Sequence[MessageRecord], notes: list[str]) -> list[MessageRecord]:
    known = {message.id for message in messages}
    joined: list[MessageRecord] = []
    for message in messages:
        if message.parent_id is not None and message.parent_id not in known:
            notes.append(f"What message {message.id} follows is not in the file; it was put after the one before it.")
            message = replace(message, parent_id=joined[-1].id if joined else None)
        joined.append(message)
    return joined


def _parents_first(messages: Sequence[MessageRecord], notes: list[str]) -> tuple[MessageRecord, ...]:
    """The messages in their order as far as that has parents first; a ring of messages is cut at its first."""
    children: defaultdict[int | None, list[int]] = defaultdict(list)
    for index, message in enumerate(messages):
        children[message.parent_id].append(index)
    ready = children[None][:]
    placed: dict[int, MessageRecord] = {}
    uncut = iter(range(len(messages)))
    while len(placed) < len(messages):
        if not ready:
            first = next(index for index in uncut if index not in placed)
            notes.append(f"Message {messages[first].id} comes after itself; it was put at the beginning.")
            ready.append(first)
            placed[first] = replace(messages[first], parent_id=None)
        index = heapq.heappop(ready)
        placed.setdefault(index, messages[index])
        for child in children[messages[index].id]:
            if child not in placed:
                heapq.heappush(ready, child)
    return tuple(placed.values())
