"""What is kept of a conversation: its messages as a tree of records, and the summary by which it is found again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Final, Literal, TypeAlias

import msgspec

from lmchat.values.chat import Chat, FileHandle, Role, TextData, ToolCallRequestData, ToolCallResultData
from lmchat.values.config import LlmLoadModelConfig, LlmPredictionConfig
from lmchat.values.model import LlmInstanceInfo
from lmchat.values.prediction import LlmPredictionStats

_MOST_TOKENS: Final = 2**53
"""More than any model writes; a careless server may say anything."""


class ReasoningData(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="reasoning", omit_defaults=True):
    """What a model thought before it answered."""

    text: str
    tokens: int | None = None
    seconds: float | None = None


TitleSource: TypeAlias = Literal["words", "user", "model"]
"""Who gave a title: nobody, so that it is the first words; a person; or a model."""
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


class MessageOutline(msgspec.Struct, frozen=True, gc=False):
    """What is known of a message without reading it."""

    id: int
    role: Role
    size: int
    """About how many characters it has to show."""
    tokens: int
    """Tokens that the model wrote; 0 when it is not known."""


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

    @property
    def is_empty_answer(self) -> bool:
        """Whether it is an answer that never began."""
        return self.role == "assistant" and not self.parts

    @property
    def texts(self) -> tuple[str, ...]:
        """All that a reader can unfold, in order: what is searched."""
        return texts_of(self.parts, self.error)

    @property
    def outline(self) -> MessageOutline:
        """The message in short."""
        return MessageOutline(self.id, self.role, size_of(self.parts, self.error), tokens_of(self.stats))


class MessageNode(msgspec.Struct, frozen=True, gc=False):
    """A message as a drawing of the tree shows it."""

    id: int
    parent_id: int | None
    role: Role
    words: str
    """How its text begins, in one line."""
    created_at: float
    """Unix seconds."""
    stop_reason: str | None = None
    """How the answer ended; None for messages that no model wrote, and while it is being written."""
    deleted: bool = False


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
    """Messages in the whole tree, but for deleted ones."""
    tags: tuple[str, ...] = ()
    pinned: bool = False
    archived: bool = False
    deleted: bool = False
    model: str | None = None
    """The key of the model that was asked last."""
    title_by: TitleSource = "words"
    forked_from: int | None = None
    """The message, of another conversation, up to which this one began as a copy."""


class Changes(msgspec.Struct, frozen=True):
    """What has changed in the store since a revision of it."""

    revision: int
    """What to ask from the next time."""
    conversations: tuple[int, ...]
    """The conversations that were added, changed, deleted or removed, each once; the latest last."""


class Salvaged(msgspec.Struct, frozen=True):
    """How much was taken over from another file."""

    conversations: int
    messages: int


class ConversationDocument(msgspec.Struct, frozen=True, kw_only=True):
    """All of a conversation as one value, for files and for other programs."""

    title: str
    created_at: float
    """Unix seconds."""
    updated_at: float
    """Unix seconds of the last message."""
    messages: tuple[MessageRecord, ...]
    """The whole tree, parents before their children. The ids are the document's own."""
    leaf_id: int | None
    """The end of the branch that was shown; None shows the newest."""
    tags: tuple[str, ...] = ()
    pinned: bool = False
    archived: bool = False


def chat_of(messages: Iterable[MessageRecord]) -> Chat:
    """What a model is given: every message with text, without the reasoning of earlier answers."""
    chat = Chat()
    for message in messages:
        if not (text := message.text):
            continue
        match message.role:
            case "system":
                chat.add_system_prompt(text)
            case "user":
                chat.add_user_message(text)
            case "assistant":
                chat.add_assistant_response(text)
    return chat


def texts_of(parts: Iterable[Part], error: str | None) -> tuple[str, ...]:
    """The texts of a message: of each part in order (of a tool call its name, then its arguments), then the error."""
    texts = [text for part in parts for text in _texts(part)]
    return (*texts, error) if error else tuple(texts)


def size_of(parts: Iterable[Part], error: str | None) -> int:
    """How many characters the texts of a message have."""
    return sum(map(len, texts_of(parts, error)))


def tokens_of(stats: LlmPredictionStats | None) -> int:
    """How many tokens a model wrote; 0 when it is not known."""
    count = stats.predicted_tokens_count if stats else None
    return min(max(count or 0, 0), _MOST_TOKENS)


def _texts(part: Part) -> Iterator[str]:
    match part:
        case TextData() | ReasoningData():
            yield part.text
        case FileHandle():
            yield part.name
        case ToolCallRequestData(request):
            yield request.name
            if request.arguments:
                yield json.dumps(request.arguments, ensure_ascii=False)
        case ToolCallResultData():
            yield part.content
