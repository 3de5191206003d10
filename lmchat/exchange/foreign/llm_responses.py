"""The two older forms of llm's logs: a row for each question with its answer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from lmchat.exchange.foreign.draft import Draft
from lmchat.exchange.foreign.llm_values import arguments, attachment, provenance, stats
from lmchat.exchange.foreign.loose import Skipped, moment, text
from lmchat.exchange.foreign.sqlite_file import SqliteFile
from lmchat.values.chat import TextData, ToolCallRequest, ToolCallRequestData, ToolCallResultData
from lmchat.values.history import ConversationDocument, Part, ReasoningData

Named = tuple[str, ConversationDocument]


@dataclass
class _Beside:
    """What other tables keep for a response."""

    asked: list[Part] = field(default_factory=list)
    """Before its question."""
    system: list[str] = field(default_factory=list)
    calls: list[Part] = field(default_factory=list)
    """That its answer made."""
    results: list[Part] = field(default_factory=list)
    """That were given to it."""


def read_responses(file: SqliteFile, written_at: float, skipped: Skipped) -> Iterator[Named]:
    """Conversations as llm 0.4 to 0.31 logs them."""
    titles = {name: text(title) for name, title in file.rows("conversations", "id", "name")}
    rows: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    columns = (
        "id", "conversation_id", "model", "prompt", "system", "options_json", "response", "duration_ms",
        "datetime_utc", "input_tokens", "output_tokens", "resolved_model", "reasoning",
    )  # fmt: skip
    for row in file.rows("responses", *columns, order="datetime_utc"):
        named = dict(zip(columns, row, strict=True))
        rows[str(named["conversation_id"] or named["id"])].append(named)
    beside = _read_beside(file, skipped)
    for name, responses in rows.items():
        yield name, _conversation(titles.get(name, ""), responses, beside, written_at)


def read_oldest(file: SqliteFile, written_at: float, skipped: Skipped) -> Iterator[Named]:
    """Conversations as the first releases of llm logged them."""
    rows: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    columns = ("id", "chat_id", "model", "prompt", "system", "response", "duration_ms", "datetime_utc", "options_json")
    for row in file.rows("logs", *columns, order="id"):
        named = dict(zip(columns, row, strict=True))
        rows[f"logs {named['chat_id'] or named['id']}"].append(named)
    for name, responses in rows.items():
        yield name, _conversation("", responses, {}, written_at)


def _conversation(
    title: str, responses: list[dict[str, Any]], beside: dict[object, _Beside], written_at: float
) -> ConversationDocument:
    draft = Draft(moment(responses[0].get("datetime_utc")) or written_at)
    leaf: int | None = None
    system = ""
    for row in responses:
        more = beside.get(row["id"], _Beside())
        at = moment(row.get("datetime_utc"))
        told = "\n\n".join(filter(None, (*more.system, text(row.get("system")))))
        if told and told != system:
            system = told
            leaf = draft.add("system", [TextData(told)], parent=leaf, at=at)
        asked = [*more.asked, *([TextData(prompt)] if (prompt := text(row.get("prompt"))) else [])]
        if more.results:
            leaf = draft.add("tool", more.results, parent=leaf, at=at)
        if asked:
            leaf = draft.add("user", asked, parent=leaf, at=at)
        answered: list[Part] = [ReasoningData(text=thought)] if (thought := text(row.get("reasoning"))) else []
        answered += [TextData(answer)] if (answer := text(row.get("response"))) else []
        answered += more.calls
        if answered:
            leaf = draft.add("assistant", answered, parent=leaf, at=at, stats=stats(row), provenance=provenance(row))
    return draft.document(title or _title(responses), leaf=leaf)


def _title(responses: list[dict[str, Any]]) -> str:
    return " ".join(text(responses[0].get("prompt"))[:100].split())


def _read_beside(file: SqliteFile, skipped: Skipped) -> dict[object, _Beside]:
    beside: defaultdict[object, _Beside] = defaultdict(_Beside)
    fragments = dict(file.rows("fragments", "id", "content"))
    for kind in ("prompt", "system"):
        for response, fragment in file.rows(f"{kind}_fragments", "response_id", "fragment_id", order="order"):
            if content := text(fragments.get(fragment)):
                if kind == "system":
                    beside[response].system.append(content)
                else:
                    beside[response].asked.append(TextData(f"{content}\n"))
    attachments = {row[0]: attachment(*row[1:]) for row in file.rows("attachments", "id", "type", "path", "url")}
    for response, number in file.rows("prompt_attachments", "response_id", "attachment_id", order="order"):
        if note := attachments.get(number):
            skipped.add("attachments, which are named in the text")
            beside[response].asked.append(TextData(f"{note}\n\n"))
    for response, name, given, call in file.rows("tool_calls", "response_id", "name", "arguments", "tool_call_id"):
        request = ToolCallRequest(name=text(name), id=text(call) or None, arguments=arguments(given))
        beside[response].calls.append(ToolCallRequestData(request))
    for response, name, output, call in file.rows("tool_results", "response_id", "name", "output", "tool_call_id"):
        beside[response].results.append(
            ToolCallResultData(content=text(output), tool_call_id=text(call) or None, name=text(name) or None)
        )
    return beside
