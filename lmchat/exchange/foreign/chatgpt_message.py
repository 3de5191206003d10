"""One message of ChatGPT's export as parts."""

from __future__ import annotations

from typing import Any, Final

from lmchat.exchange.foreign.loose import Skipped, count, mapping, number, sequence, text
from lmchat.values.chat import Role, TextData, ToolCallRequest, ToolCallRequestData, ToolCallResultData
from lmchat.values.history import Part, ReasoningData
from lmchat.values.prediction import LlmPredictionStats

_ROLES: Final[dict[str, Role]] = {"system": "system", "user": "user", "assistant": "assistant", "tool": "tool"}
_NEVER_SHOWN: Final = frozenset({"user_editable_context", "model_editable_context"})
_ENDINGS: Final = {
    "stop": "eosFound",
    "max_tokens": "maxPredictedTokensReached",
    "interrupted": "userStopped",
}
_ASSETS: Final = {
    "image_asset_pointer": "image",
    "audio_asset_pointer": "audio",
    "video_container_asset_pointer": "video",
    "real_time_user_audio_video_asset_pointer": "voice",
}


def is_hidden(message: dict[str, Any]) -> bool:
    """Whether ChatGPT never showed this message: context it put in by itself, or what weighs nothing."""
    details = mapping(message.get("metadata"))
    kind = mapping(message.get("content")).get("content_type")
    return (
        details.get("is_visually_hidden_from_conversation") is True
        or details.get("is_user_system_message") is True
        or (isinstance(kind, str) and kind in _NEVER_SHOWN)
        or number(message.get("weight")) == 0
    )


def role_of(message: dict[str, Any]) -> Role | None:
    """Who speaks."""
    return _ROLES.get(text(mapping(message.get("author")).get("role")))


def model_of(message: dict[str, Any]) -> str:
    """The name of the model; empty if it is not known."""
    return text(mapping(message.get("metadata")).get("model_slug"))


def stats_of(message: dict[str, Any]) -> LlmPredictionStats | None:
    """How the answer ended, all that the export says of it."""
    ending = text(mapping(mapping(message.get("metadata")).get("finish_details")).get("type"))
    return LlmPredictionStats(stop_reason=_ENDINGS.get(ending, ending)) if ending else None


def parts_of(message: dict[str, Any], name: str, skipped: Skipped) -> list[Part]:
    """What a message holds; `name` is its node's, which calls of tools have no other id than."""
    content = mapping(message.get("content"))
    author = mapping(message.get("author"))
    recipient = text(message.get("recipient")) or "all"
    kind = text(content.get("content_type"))
    if kind == "thoughts":
        return _thoughts(content)
    if kind == "reasoning_recap":
        seconds = number(mapping(message.get("metadata")).get("finished_duration_sec"))
        return [] if seconds is None else [ReasoningData(text="", seconds=seconds)]
    said = _said(content, kind, skipped)
    if not said:
        return []
    if author.get("role") == "tool":
        return [
            ToolCallResultData(content=said, tool_call_id=_asked_by(message), name=text(author.get("name")) or None)
        ]
    if author.get("role") == "assistant" and recipient != "all":
        return [ToolCallRequestData(ToolCallRequest(name=recipient, id=name, arguments={_argument(kind): said}))]
    return [TextData(said)]


def _thoughts(content: dict[str, Any]) -> list[Part]:
    thoughts = map(mapping, sequence(content.get("thoughts")))
    pairs = ((text(thought.get("summary")), text(thought.get("content"))) for thought in thoughts)
    told = "\n\n".join("\n\n".join(filter(None, pair)) for pair in pairs if any(pair))
    return [ReasoningData(text=told)] if told else []


def _argument(kind: str) -> str:
    return "code" if kind == "code" else "input"


def _asked_by(message: dict[str, Any]) -> str | None:
    return text(mapping(message.get("metadata")).get("parent_id")) or None


def _said(content: dict[str, Any], kind: str, skipped: Skipped) -> str:
    """The text of a content of any kind; all kinds keep it in one of a few fields."""
    pieces = [piece for part in sequence(content.get("parts")) if (piece := _piece(part, skipped))]
    if pieces:
        return "\n\n".join(pieces)
    for field in ("text", "result", "content"):
        if said := text(content.get(field)):
            title = " ".join(filter(None, (text(content.get("title")), text(content.get("url")))))
            return f"{title}\n\n{said}" if title else said
    if kind not in ("", "text", "multimodal_text", "code", "execution_output"):
        skipped.add("messages of an unknown kind")
    return ""


def _piece(part: object, skipped: Skipped) -> str:
    if isinstance(part, str):
        return part
    found = mapping(part)
    kind = text(found.get("content_type"))
    if kind in _ASSETS:
        skipped.add("images and recordings, which are named in the text")
        return _asset(found, _ASSETS[kind])
    if said := text(found.get("text")):
        return said
    if found:
        skipped.add("pieces of an unknown kind")
    return ""


def _asset(found: dict[str, Any], what: str) -> str:
    """A note in place of something that is not text."""
    inner = mapping(found.get("audio_asset_pointer")) or found
    place = text(inner.get("asset_pointer"))
    width, height = count(inner.get("width")), count(inner.get("height"))
    size = f"{width} × {height}" if width and height else ""
    return f"[{', '.join(filter(None, (what, place, size)))}]"
