"""ChatGPT's `conversations.json`, as its "Export data" gives it.

The file is a list of conversations (some tools keep one by itself). Each has a `mapping` of nodes with `parent` and
`children`, which is a tree, and `current_node`, the end of the branch that is shown. A node without a message, or with
one that was hidden from the person, stands for nothing: what follows it follows what came before it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from lmchat.exchange.coding import ANY, from_json
from lmchat.exchange.foreign.chatgpt_message import is_hidden, model_of, parts_of, role_of, stats_of
from lmchat.exchange.foreign.draft import Draft, instance
from lmchat.exchange.foreign.loose import Skipped, mapping, moment, sequence, text
from lmchat.exchange.formats import Format, Imported
from lmchat.values.errors import LMStudioValueError
from lmchat.values.history import ConversationDocument, Provenance

SERVER: Final = "ChatGPT"
_EACH: Final = msgspec.json.Decoder(list[msgspec.Raw])


def read_chatgpt(data: bytes, *, written_at: float) -> Imported:
    """The conversations of a file. `written_at`, in Unix seconds, is for those that do not say when they began.

    Raises:
        LMStudioValueError: the file holds no conversations of ChatGPT.
    """
    skipped = Skipped()
    documents: list[ConversationDocument] = []
    for conversation in _conversations(data):
        if isinstance(mapping(conversation).get("mapping"), dict):
            documents.append(_conversation(conversation, written_at, skipped))
        else:
            skipped.add("entries that are no conversations")
    if not documents:
        raise LMStudioValueError(
            "There are no conversations of ChatGPT in this file. Import the conversations.json of its data export."
        )
    return Imported(Format.CHATGPT, tuple(documents), skipped.notes)


def _conversations(data: bytes) -> Iterator[Any]:
    """The entries of the file, decoded one after the other: all at once would take several times the file's size."""
    try:
        entries = _EACH.decode(data)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        whole = from_json(data, ANY)
        yield from whole if isinstance(whole, list) else [whole]
        return
    for entry in entries:
        yield from_json(bytes(entry), ANY)


def _conversation(conversation: dict[str, Any], written_at: float, skipped: Skipped) -> ConversationDocument:
    nodes = {name: mapping(node) for name, node in conversation["mapping"].items()}
    created_at = moment(conversation.get("create_time")) or written_at
    draft = Draft(created_at)
    kept: dict[str | None, int | None] = {None: None}
    for name, parent in _parents_first(nodes):
        added = _add(draft, mapping(nodes[name].get("message")), name, kept[parent], skipped)
        kept[name] = kept[parent] if added is None else added
    return draft.document(
        text(conversation.get("title")),
        leaf=kept.get(text(conversation.get("current_node"))),
        updated_at=moment(conversation.get("update_time")),
        pinned=conversation.get("is_starred") is True,
        archived=conversation.get("is_archived") is True,
    )


def _parents_first(nodes: dict[str, dict[str, Any]]) -> Iterator[tuple[str, str | None]]:
    """Every node with its parent, after it; children in the order their parent has them, rings cut where met first."""
    children: defaultdict[str | None, list[str]] = defaultdict(list)
    for name, node in nodes.items():
        parent = node.get("parent")
        children[parent if isinstance(parent, str) and parent in nodes and parent != name else None].append(name)
    seen: set[str] = set()
    starts = [*children[None], *nodes]
    for start in starts:
        open_nodes: list[tuple[str, str | None]] = [(start, None)]
        while open_nodes:
            name, parent = open_nodes.pop()
            if name in seen:
                continue
            seen.add(name)
            yield name, parent
            ranked = _ranked(children[name], sequence(nodes[name].get("children")))
            open_nodes.extend((child, name) for child in reversed(ranked))


def _ranked(names: list[str], order: list[Any]) -> list[str]:
    rank = {name: index for index, name in enumerate(order) if isinstance(name, str)}
    return sorted(names, key=lambda name: rank.get(name, len(rank)))


def _add(draft: Draft, message: dict[str, Any], name: str, parent: int | None, skipped: Skipped) -> int | None:
    """Add a node's message, and get its id; None when there is nothing to show."""
    if not message:
        return None
    if is_hidden(message):
        skipped.add("hidden messages")
        return None
    role = role_of(message)
    parts = parts_of(message, name, skipped)
    if role is None or not parts:
        return None
    model = model_of(message)
    by_model = role == "assistant"
    return draft.add(
        role,
        parts,
        parent=parent,
        at=moment(message.get("create_time")),
        stats=stats_of(message) if by_model else None,
        provenance=Provenance(server=SERVER, model=instance(model) if model else None) if by_model else None,
    )
