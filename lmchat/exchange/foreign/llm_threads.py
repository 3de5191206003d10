"""The form of llm's logs since 0.32: a tree of messages shared by all threads, each thread and turn naming its end."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lmchat.exchange.foreign.draft import Draft
from lmchat.exchange.foreign.llm_values import attachment, json_of, provenance, stats
from lmchat.exchange.foreign.loose import Skipped, count, mapping, moment, sequence, text
from lmchat.exchange.foreign.sqlite_file import SqliteFile
from lmchat.values.chat import Role, TextData, ToolCallRequest, ToolCallRequestData, ToolCallResultData
from lmchat.values.history import ConversationDocument, Part, ReasoningData

_ROLES: dict[str, Role] = {"system": "system", "user": "user", "assistant": "assistant", "tool": "tool"}
_TURN = (
    "id", "thread_id", "tip_message_hash", "model", "resolved_model", "options_json", "input_tokens", "output_tokens",
    "duration_ms", "datetime_utc",
)  # fmt: skip


@dataclass(frozen=True)
class _Messages:
    """All messages of the database, by hash."""

    parents: dict[str, tuple[str | None, str]]
    """The parent's hash, and the role."""
    parts: dict[str, list[Part]]


def read_threads(file: SqliteFile, written_at: float, skipped: Skipped) -> Iterator[tuple[str, ConversationDocument]]:
    """The threads of a database, each with all messages that its turns ended in or came from."""
    turns: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in file.rows("turns", *_TURN, order="datetime_utc"):
        turn = dict(zip(_TURN, row, strict=True))
        turns[str(turn["thread_id"])].append(turn)
    if not turns:
        return
    messages = _read_messages(file, skipped)
    threads = {str(name): (title, tip) for name, title, tip in file.rows("threads", "id", "name", "tip_message_hash")}
    for name, mine in turns.items():
        title, tip = threads.get(name, ("", mine[-1]["tip_message_hash"]))
        yield name, _conversation(text(title), text(tip), mine, messages, written_at)


def _conversation(
    title: str, tip: str, turns: list[dict[str, Any]], messages: _Messages, written_at: float
) -> ConversationDocument:
    draft = Draft(moment(turns[0]["datetime_utc"]) or written_at)
    added: dict[str, int | None] = {}
    for turn in (*turns, {"tip_message_hash": tip}):
        end = text(turn["tip_message_hash"])
        chain = _chain(end, messages, added)
        parent = added.get(messages.parents[chain[0]][0] or "") if chain else None
        for name in chain:
            role = _ROLES.get(messages.parents[name][1])
            parts = messages.parts.get(name, [])
            if role is not None and parts:
                by_model = role == "assistant" and name == end and "id" in turn
                parent = draft.add(
                    role,
                    parts[:],
                    parent=parent,
                    at=moment(turn.get("datetime_utc")),
                    stats=stats(turn) if by_model else None,
                    provenance=provenance(turn) if by_model else None,
                )
            added[name] = parent
    return draft.document(title, leaf=added.get(tip))


def _chain(end: str, messages: _Messages, added: dict[str, int | None]) -> list[str]:
    """The messages up to this one that are not added yet, first to last."""
    chain: dict[str, None] = {}
    here: str | None = end
    while here in messages.parents and here not in added and here not in chain:
        chain[here] = None
        here = messages.parents[here][0]
    return list(reversed(chain))


def _read_messages(file: SqliteFile, skipped: Skipped) -> _Messages:
    parents = {
        name: (parent if isinstance(parent, str) else None, text(role))
        for name, parent, role in file.rows("messages", "hash", "parent_hash", "role")
        if isinstance(name, str)
    }
    fragments = dict(file.rows("fragments", "id", "content"))
    attachments = {row[0]: attachment(*row[1:]) for row in file.rows("attachments", "id", "type", "path", "url")}
    parts: defaultdict[str, list[Part]] = defaultdict(list)
    for name, kind, written, payload in file.rows("parts", "message_hash", "type", "text", "payload", order="position"):
        found = json_of(payload)
        said = text(written) or text(found.get("text")) or _assembled(found, fragments)
        if part := _part(text(kind), said, found, attachments, skipped):
            parts[str(name)].append(part)
    return _Messages(parents, parts)


def _part(kind: str, said: str, found: dict[str, Any], attachments: dict[Any, str], skipped: Skipped) -> Part | None:
    call = text(found.get("tool_call_id")) or None
    name = text(found.get("name"))
    match kind:
        case "text":
            return TextData(said) if said else None
        case "reasoning":
            return ReasoningData(text=said) if said else None
        case "tool_call":
            return ToolCallRequestData(
                ToolCallRequest(name=name, id=call, arguments=mapping(found.get("arguments")) or None)
            )
        case "tool_result":
            content = text(found.get("output")) or text(found.get("exception"))
            return ToolCallResultData(content=content, tool_call_id=call, name=name or None)
        case "attachment":
            skipped.add("attachments, which are named in the text")
            place = mapping(found.get("attachment")).get("id")
            return TextData(attachments.get(place, "[attachment]") if isinstance(place, str | int) else "[attachment]")
    skipped.add("pieces of an unknown kind")
    return None


def _assembled(found: dict[str, Any], fragments: dict[Any, Any]) -> str:
    """A text that borrows fragments, put together."""
    pieces = map(mapping, sequence(found.get("text_ref")))
    return "".join(
        text(piece["literal"]) if "literal" in piece else text(fragments.get(count(piece.get("fragment"))))
        for piece in pieces
    )
