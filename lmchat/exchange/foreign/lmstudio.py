"""LM Studio's conversation files, `~/.lmstudio/conversations/**/*.conversation.json`.

The form is LM Studio's own business and changes, so it is read by what readers of it agree on: a list of messages, each
with `versions` of which one is `currentlySelected`; a version is a `singleStep` with `content`, or a `multiStep` whose
`contentBlock`s hold text, thoughts (`style.type` is "thinking"), calls of tools and their results, with the model,
its configuration and the stats in `genInfo`. The next message follows the version that is selected.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Final, get_args

import msgspec

from lmchat.exchange.coding import ANY, from_json
from lmchat.exchange.foreign.draft import Draft, instance
from lmchat.exchange.foreign.loose import (
    Skipped,
    count,
    mapping,
    moment_of_milliseconds,
    sequence,
    text,
)
from lmchat.exchange.formats import Format, Imported
from lmchat.protocol.kvconfig import read_load, read_prediction
from lmchat.values.chat import (
    FileHandle,
    FileType,
    Role,
    TextData,
    ToolCallRequest,
    ToolCallRequestData,
    ToolCallResultData,
)
from lmchat.values.errors import LMStudioValueError
from lmchat.values.history import ConversationDocument, Part, Provenance, ReasoningData
from lmchat.values.prediction import LlmPredictionStats

SERVER: Final = "LM Studio"
_ROLES: Final[dict[str, Role]] = {"system": "system", "user": "user", "assistant": "assistant", "tool": "tool"}
_UNSAID: Final = frozenset({"status", "toolStatus", "debugInfoBlock"})
"""Steps that were for the screen; what they tell is in the blocks beside them."""
_THOUGHT: Final = re.compile(r"\s*<think>\n?(.*?)\n?</think>\n*", re.DOTALL)
_TOOK: Final = re.compile(r"(?:(\d+) min(?:ute)?s? (?:and )?)?(\d+(?:\.\d+)?) ?s(?:econds?)?\b")


def read_lmstudio(data: bytes, *, written_at: float) -> Imported:
    """The conversation of a file. `written_at`, in Unix seconds, is for a file that does not say when it began.

    Raises:
        LMStudioValueError: it is not a conversation of LM Studio.
    """
    file = from_json(data, ANY)
    if not isinstance(file, dict) or not isinstance(file.get("messages"), list):
        raise LMStudioValueError(
            "This is not a conversation of LM Studio, for it has no list of messages. "
            "They are in ~/.lmstudio/conversations, and end in .conversation.json."
        )
    skipped = Skipped()
    return Imported(Format.LMSTUDIO, (_conversation(file, written_at, skipped),), skipped.notes)


def _conversation(file: dict[str, Any], written_at: float, skipped: Skipped) -> ConversationDocument:
    created_at = moment_of_milliseconds(file.get("createdAt")) or written_at
    said_at = [moment_of_milliseconds(file.get(f"{who}LastMessagedAt")) for who in ("user", "assistant")]
    draft = Draft(created_at)
    parent: int | None = None
    if prompt := _system_prompt(file):
        parent = draft.add("system", [TextData(prompt)], parent=None)
    usual_model = text(mapping(file.get("lastUsedModel")).get("identifier"))
    for message in sequence(file["messages"]):
        parent = _add_versions(draft, mapping(message), parent, usual_model, skipped)
    return draft.document(
        text(file.get("name")),
        leaf=parent,
        updated_at=max(filter(None, said_at), default=None),
        pinned=file.get("pinned") is True,
    )


def _system_prompt(file: dict[str, Any]) -> str:
    if file.get("usePerChatPredictionConfig") is not False:
        settings = _settings(file.get("perChatPredictionConfig"))
        if prompt := text(settings.get("llm.prediction.systemPrompt")):
            return prompt
    return text(file.get("systemPrompt"))


def _add_versions(
    draft: Draft, message: dict[str, Any], parent: int | None, usual_model: str, skipped: Skipped
) -> int | None:
    """Add a message's versions beside each other, and get the selected one, or the parent when none is of use."""
    versions = sequence(message.get("versions")) or [message]  # the first releases had no versions
    selected = count(message.get("currentlySelected")) or 0
    added: dict[int, int] = {}
    for index, version in enumerate(versions):
        steps = _Steps(skipped)
        steps.read(mapping(version))
        role = _ROLES.get(text(mapping(version).get("role")).lower())
        if role is None or not steps.parts:
            skipped.add("messages without content")
            continue
        by_model = role == "assistant"
        added[index] = draft.add(
            role,
            steps.parts,
            parent=parent,
            at=steps.began_at,
            stats=steps.stats if by_model else None,
            provenance=steps.provenance(mapping(version), usual_model) if by_model else None,
        )
    if not added:
        return parent
    return added.get(selected, max(added.values()))


@dataclass
class _Steps:
    """What the steps of one version add up to."""

    skipped: Skipped
    parts: list[Part] = field(default_factory=list)
    began_at: float | None = None
    generation: dict[str, Any] = field(default_factory=dict)
    stats: LlmPredictionStats | None = None
    calls: dict[int, ToolCallRequest] = field(default_factory=dict)

    def read(self, version: dict[str, Any]) -> None:
        """Take a version's content, then its steps; the first writers of steps left a copy of them in the content."""
        steps = sequence(version.get("steps"))
        if not steps:
            self._read_content(version.get("content"), thinking=None)
        for step in map(mapping, steps):
            self.began_at = self.began_at or _began_at(step)
            kind = text(step.get("type"))
            if kind == "contentBlock":
                style = mapping(step.get("style"))
                self._read_content(step.get("content"), thinking=style if style.get("type") == "thinking" else None)
                self._read_generation(mapping(step.get("genInfo")))
            elif kind not in _UNSAID:
                self.skipped.add("citations" if kind == "citationBlock" else "steps of an unknown kind")
        self._part_thoughts()

    def _read_content(self, content: object, *, thinking: dict[str, Any] | None) -> None:
        pieces = [{"type": "text", "text": content}] if isinstance(content, str) else sequence(content)
        said: list[str] = []
        tokens = 0
        for piece in map(mapping, pieces):
            if piece.get("type") != "text":
                self._read_piece(piece)
            elif not piece.get("isStructural"):  # else it is a tag around thoughts
                said.append(text(piece.get("text")))
                tokens += count(piece.get("tokensCount")) or 0
        whole = "".join(said)
        if whole and thinking is not None:
            self.parts.append(ReasoningData(text=whole, tokens=tokens or None, seconds=_took(thinking)))
        elif whole:
            self.parts.append(TextData(whole))

    def _read_piece(self, piece: dict[str, Any]) -> None:
        match piece.get("type"):
            case "file":
                self.parts.append(_file(piece))
                self.skipped.add("contents of files, which stay with LM Studio")
            case "toolCallRequest":
                request = _request(piece)
                self.calls[count(piece.get("callId")) or 0] = request
                self.parts.append(ToolCallRequestData(request))
            case "toolCallResult":
                asked = self.calls.get(count(piece.get("callId")) or 0)
                self.parts.append(_result(piece, asked))
            case _:
                self.skipped.add("pieces of an unknown kind")

    def _read_generation(self, generation: dict[str, Any]) -> None:
        if generation:
            self.generation = generation
            self.stats = _stats(mapping(generation.get("stats"))) or self.stats

    def _part_thoughts(self) -> None:
        """Take thoughts out of a text that begins with them, as it was kept before they had blocks of their own."""
        first = self.parts[0] if self.parts else None
        if isinstance(first, TextData) and (thought := _THOUGHT.match(first.text)):
            answer = first.text[thought.end() :]
            self.parts[:1] = [ReasoningData(text=thought[1]), *([TextData(answer)] if answer else [])]

    def provenance(self, version: dict[str, Any], usual_model: str) -> Provenance:
        """Where an answer came from."""
        info = self.generation
        sender = text(mapping(version.get("senderInfo")).get("senderName"))
        name = text(info.get("identifier")) or sender or usual_model
        load = read_load(_settings(info.get("loadModelConfig")))
        model = instance(
            name, path=text(info.get("indexedModelIdentifier")), context_length=count(load.context_length) or 0
        )
        return Provenance(
            server=SERVER,
            model=model if name else None,
            load_config=load,
            prediction_config=read_prediction(_settings(info.get("predictionConfig"))),
        )


def _settings(config: object) -> dict[str, Any]:
    fields = map(mapping, sequence(mapping(config).get("fields")))
    return {text(setting.get("key")): setting.get("value") for setting in fields}


def _began_at(step: dict[str, Any]) -> float | None:
    """The time in a step's identifier, which is `<Unix milliseconds>-<random>`."""
    digits = text(step.get("stepIdentifier")).partition("-")[0]
    if not (digits.isascii() and digits.isdigit() and len(digits) == 13):
        return None
    return moment_of_milliseconds(int(digits))


def _took(style: dict[str, Any]) -> float | None:
    """The seconds in a title such as "Thought for 1 minute 2.3 seconds"."""
    found = _TOOK.search(text(style.get("title"))[:200])
    return int((found[1] or "0")[:9]) * 60 + float(found[2][:9]) if found else None


def _file(piece: dict[str, Any]) -> FileHandle:
    identifier = text(piece.get("identifier")) or text(piece.get("fileIdentifier"))
    kinds: dict[object, FileType] = {kind: kind for kind in get_args(FileType)}
    return FileHandle(
        name=text(piece.get("name")) or identifier,
        identifier=identifier,
        size_bytes=count(piece.get("sizeBytes")) or 0,
        file_type=kinds.get(text(piece.get("fileType")), "unknown"),
    )


def _request(piece: dict[str, Any]) -> ToolCallRequest:
    inner = mapping(piece.get("toolCallRequest")) or piece
    given = inner.get("arguments", inner.get("parameters"))
    return ToolCallRequest(
        name=text(inner.get("name")),
        id=text(inner.get("toolCallRequestId")) or text(inner.get("id")) or None,
        arguments=given if isinstance(given, dict) else None,
    )


def _result(piece: dict[str, Any], asked: ToolCallRequest | None) -> ToolCallResultData:
    call = text(piece.get("toolCallRequestId")) or text(piece.get("toolCallId"))
    return ToolCallResultData(
        content=text(piece.get("content")),
        tool_call_id=call or (asked.id if asked else None),
        name=text(piece.get("name")) or (asked.name if asked else None),
    )


def _stats(found: dict[str, Any]) -> LlmPredictionStats | None:
    """The stats that are of the right type; LM Studio names them as its protocol does."""
    if not found:
        return None
    known: dict[str, Any] = {"stopReason": text(found.get("stopReason")) or "unknown"}
    for name in LlmPredictionStats.__struct_encode_fields__[1:]:
        try:
            msgspec.convert({"stopReason": "", name: found.get(name)}, LlmPredictionStats)
        except msgspec.ValidationError:
            continue
        known[name] = found.get(name)
    return msgspec.convert(known, LlmPredictionStats)
