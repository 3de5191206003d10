"""What is kept of a conversation: its messages as a tree of records, and the summary by which it is found again."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from lmchat.values.chat import FileHandle, Role, TextData, ToolCallRequestData, ToolCallResultData
from lmchat.values.config import LlmLoadModelConfig, LlmPredictionConfig
from lmchat.values.model import LlmInstanceInfo
from lmchat.values.prediction import LlmPredictionStats


class ReasoningData(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="reasoning", omit_defaults=True):
    """What a model thought before it answered."""

    text: str
    tokens: int | None = None
    seconds: float | None = None


Part: TypeAlias = TextData | ReasoningData | FileHandle | ToolCallRequestData | ToolCallResultData


class Provenance(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where an answer came from: enough to ask for it again in exactly this way."""

    server: str
    """The name of the server that answered."""
    model: LlmInstanceInfo | None = None
    load_config: LlmLoadModelConfig = LlmLoadModelConfig()
    prediction_config: LlmPredictionConfig = LlmPredictionConfig()
    measured_by: Literal["server", "client"] = "server"
    """Whose clock and count the answer's stats are."""


class MessageRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One message of a conversation as it is kept.

    Messages form a tree: an edited or regenerated message is a sibling, a child of the same parent.
    """

    id: int
    parent_id: int | None
    """None for the first message."""
    role: Role
    parts: tuple[Part, ...]
    created_at: float
    """Unix seconds."""
    stats: LlmPredictionStats | None = None
    """How the answer went; None for messages that no model wrote."""
    provenance: Provenance | None = None
    error: str | None = None
    """What went wrong, when an answer failed; never part of its text."""

    @property
    def text(self) -> str:
        """The message without reasoning, files and tool calls."""
        return "".join(part.text for part in self.parts if isinstance(part, TextData))

    @property
    def reasoning(self) -> str:
        """What the model thought, or nothing."""
        return "".join(part.text for part in self.parts if isinstance(part, ReasoningData))


class ConversationSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation as a list shows it."""

    id: int
    title: str
    """Empty until it has one."""
    created_at: float
    """Unix seconds."""
    updated_at: float
    """Unix seconds of the last message."""
    message_count: int
    """Messages in the whole tree."""
