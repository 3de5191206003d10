"""A conversation's content: `Chat`, and the frozen messages and parts it holds.

The structs encode to exactly the JSON that LM Studio's protocol carries as a history: nothing translates between them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal, Protocol, TypeAlias, TypeVar, runtime_checkable

import msgspec

from lmchat.values.errors import LMStudioRuntimeError, LMStudioValueError

Role: TypeAlias = Literal["system", "user", "assistant", "tool"]
FileType: TypeAlias = Literal["image", "text/plain", "application/pdf", "application/word", "text/other", "unknown"]


class TextData(msgspec.Struct, frozen=True, tag_field="type", tag="text"):
    """A stretch of text in a message."""

    text: str


class FileHandle(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="file", rename="camel"):
    """A file that the server already has."""

    name: str
    identifier: str
    size_bytes: int
    file_type: FileType


class ToolCallRequest(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A model's wish to have a tool called."""

    type: str = msgspec.field(default_factory=lambda: "function")
    name: str
    id: str | None = None
    arguments: dict[str, Any] | None = None


class ToolCallRequestData(msgspec.Struct, frozen=True, tag_field="type", tag="toolCallRequest", rename="camel"):
    """A tool call request as a part of an assistant message."""

    tool_call_request: ToolCallRequest


class ToolCallResultData(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    tag_field="type",
    tag="toolCallResult",
    rename="camel",
    omit_defaults=True,
):
    """What a tool answered, usually JSON."""

    content: str
    tool_call_id: str | None = None
    name: str | None = None


class SystemPrompt(msgspec.Struct, frozen=True, tag_field="role", tag="system"):
    """How the model is to behave."""

    content: tuple[TextData | FileHandle, ...]


class UserMessage(msgspec.Struct, frozen=True, tag_field="role", tag="user"):
    """What a person said."""

    content: tuple[TextData | FileHandle, ...]


class AssistantResponse(msgspec.Struct, frozen=True, tag_field="role", tag="assistant"):
    """What the model said."""

    content: tuple[TextData | FileHandle | ToolCallRequestData, ...]


class ToolResultMessage(msgspec.Struct, frozen=True, tag_field="role", tag="tool"):
    """What tools answered."""

    content: tuple[ToolCallResultData, ...]


AnyChatMessage: TypeAlias = SystemPrompt | UserMessage | AssistantResponse | ToolResultMessage
_PartInput: TypeAlias = str | TextData | FileHandle | Mapping[str, Any]
ContentInput: TypeAlias = _PartInput | Iterable[_PartInput]
HistoryInput: TypeAlias = "str | Chat | Mapping[str, Any]"


PartT = TypeVar("PartT", TextData, FileHandle, ToolCallRequestData, ToolCallResultData)


class ChatHistoryData(msgspec.Struct, frozen=True):
    """A whole history as the protocol carries it."""

    messages: tuple[AnyChatMessage, ...]


def message_text(message: AnyChatMessage) -> str:
    """The text of a message, its text parts joined; tool calls and files give none."""
    return "".join(part.text for part in message.content if isinstance(part, TextData))


@runtime_checkable
class HasContent(Protocol):
    """Anything with its text in `content`: a prediction's result is one."""

    @property
    def content(self) -> str: ...


class Chat:
    """A conversation to be continued by a model.

    Messages are frozen, so copies are cheap and never share what can change.
    """

    def __init__(self, initial_prompt: ContentInput | None = None) -> None:
        """Start an empty conversation, or one that opens with a system prompt."""
        self._messages: list[AnyChatMessage] = []
        if initial_prompt is not None:
            self.add_system_prompt(initial_prompt)

    @classmethod
    def from_history(cls, history: HistoryInput) -> Chat:
        """Make a conversation from a string (one user message), a `Chat` (a copy), or `{"messages": [...]}`.

        Entries of a history are messages, `{"role", "content"}` mappings or `(role, content)` pairs.

        Raises:
            LMStudioValueError: the history has none of these forms.
        """
        if isinstance(history, Chat):
            return history.copy()
        chat = cls()
        if isinstance(history, str):
            chat.add_user_message(history)
            return chat
        if not isinstance(history, Mapping) or not isinstance(history.get("messages"), Iterable):
            raise LMStudioValueError(
                "A chat history is a string, a Chat, or a mapping with a list of 'messages'. "
                f"This is a {type(history).__name__} without one."
            )
        for entry in history["messages"]:
            if isinstance(entry, tuple) and len(entry) == 2:
                chat.add_entry(*entry)
            else:
                chat.append(entry)
        return chat

    @property
    def messages(self) -> tuple[AnyChatMessage, ...]:
        """The messages so far, oldest first."""
        return tuple(self._messages)

    def history(self) -> ChatHistoryData:
        """The conversation in the protocol's form."""
        return ChatHistoryData(self.messages)

    def copy(self) -> Chat:
        """An independent conversation with the same messages."""
        twin = Chat()
        twin._messages = list(self._messages)
        return twin

    def __copy__(self) -> Chat:
        return self.copy()

    def __deepcopy__(self, memo: dict[int, Any]) -> Chat:
        return self.copy()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Chat) and self._messages == other._messages

    __hash__ = None  # type: ignore[assignment]  # a Chat changes, so it cannot be a key

    def __len__(self) -> int:
        return len(self._messages)

    def __repr__(self) -> str:
        return f"Chat.from_history({self})"

    def __str__(self) -> str:
        return msgspec.json.format(msgspec.json.encode(self.history()), indent=2).decode()

    def add_system_prompt(self, prompt: ContentInput) -> SystemPrompt:
        """Add a system prompt.

        Raises:
            LMStudioRuntimeError: the last message is a system prompt already.
            LMStudioValueError: the prompt is empty or of a wrong kind.
        """
        self._refuse_after(SystemPrompt, "system prompts")
        message = SystemPrompt(_content(prompt))
        self._messages.append(message)
        return message

    def add_user_message(self, content: ContentInput, *, images: Iterable[FileHandle] = ()) -> UserMessage:
        """Add what a person said; directly after another user message it becomes part of that one.

        Raises:
            LMStudioValueError: nothing is said, or it is of a wrong kind.
        """
        parts = _content(content, tuple(images))
        if self._messages and isinstance(last := self._messages[-1], UserMessage):
            message = UserMessage(last.content + parts)
            self._messages[-1] = message
        else:
            message = UserMessage(parts)
            self._messages.append(message)
        return message

    def add_assistant_response(
        self,
        response: ContentInput | AssistantResponse | HasContent,
        tool_call_requests: Iterable[ToolCallRequest | ToolCallRequestData] = (),
    ) -> AssistantResponse:
        """Add what the model said: text, parts, or a prediction's result; then the tool calls it asked for.

        Raises:
            LMStudioRuntimeError: the last message is an assistant's already.
        """
        self._refuse_after(AssistantResponse, "assistant responses")
        if isinstance(response, AssistantResponse):
            parts: tuple[TextData | FileHandle | ToolCallRequestData, ...] = response.content
        elif isinstance(response, HasContent):
            parts = (TextData(response.content),)
        else:
            parts = _content(response, allow_empty=True)
        requests = tuple(
            call if isinstance(call, ToolCallRequestData) else ToolCallRequestData(call) for call in tool_call_requests
        )
        message = AssistantResponse(parts + requests)
        self._messages.append(message)
        return message

    def add_tool_result(self, result: ToolCallResultData | Mapping[str, Any]) -> ToolResultMessage:
        """Add what one tool answered."""
        return self.add_tool_results((result,))

    def add_tool_results(self, results: Iterable[ToolCallResultData | Mapping[str, Any]]) -> ToolResultMessage:
        """Add what several tools answered, as one message."""
        message = ToolResultMessage(tuple(_as_result(result) for result in results))
        self._messages.append(message)
        return message

    def add_entry(self, role: str, content: Any) -> AnyChatMessage:
        """Add a message given by role.

        Raises:
            LMStudioValueError: the role is none of system, user, assistant, tool.
        """
        match role:
            case "system":
                return self.add_system_prompt(content)
            case "user":
                return self.add_user_message(content)
            case "assistant":
                return self._add_assistant_entry(content)
            case "tool":
                results = (content,) if isinstance(content, Mapping | ToolCallResultData) else content
                return self.add_tool_results(results)
        raise LMStudioValueError(f"There is no role {role!r} in a chat. Use system, user, assistant or tool.")

    def append(self, message: AnyChatMessage | Mapping[str, Any]) -> AnyChatMessage:
        """Add a message, or a mapping with `role` and `content`."""
        if isinstance(message, Mapping):
            try:
                return self.add_entry(message["role"], message["content"])
            except KeyError as missing:
                raise LMStudioValueError(f"A chat message needs {missing}, and this one has none.") from None
        return self.add_entry(_role(message), message.content)

    def _add_assistant_entry(self, content: Any) -> AssistantResponse:
        if isinstance(content, str | Mapping) or not isinstance(content, Iterable):
            content = (content,)
        said: list[Any] = []
        calls: list[ToolCallRequestData] = []
        for part in content:
            if isinstance(part, Mapping) and part.get("type") == "toolCallRequest":
                part = _convert(part, ToolCallRequestData)
            (calls if isinstance(part, ToolCallRequestData) else said).append(part)
        return self.add_assistant_response(said, calls)

    def _refuse_after(self, kind: type[AnyChatMessage], plural: str) -> None:
        if self._messages and isinstance(self._messages[-1], kind):
            raise LMStudioRuntimeError(f"Two {plural} cannot follow each other. Add another message between them.")


def _role(message: object) -> str:
    if isinstance(message, SystemPrompt | UserMessage | AssistantResponse | ToolResultMessage):
        return str(message.__struct_config__.tag)
    raise LMStudioValueError(f"A {type(message).__name__} is not a chat message.")


def _content(
    content: Any, files: tuple[FileHandle, ...] = (), *, allow_empty: bool = False
) -> tuple[TextData | FileHandle, ...]:
    if isinstance(content, str | TextData | FileHandle | Mapping):
        content = (content,)
    if not isinstance(content, Iterable):
        raise LMStudioValueError(f"A message takes text or files, not a {type(content).__name__}.")
    parts = tuple(_as_part(part) for part in content) + files
    if not parts and not allow_empty:
        raise LMStudioValueError("A message needs some content, and this one has none.")
    return parts


def _as_part(part: Any) -> TextData | FileHandle:
    if isinstance(part, str):
        return TextData(part)
    if isinstance(part, TextData | FileHandle):
        return part
    if isinstance(part, Mapping):
        is_file = part.get("type") == "file" or "identifier" in part
        return _convert(part, FileHandle) if is_file else _convert(part, TextData)
    raise LMStudioValueError(f"A message takes text or files, not a {type(part).__name__}.")


def _as_result(result: ToolCallResultData | Mapping[str, Any]) -> ToolCallResultData:
    return result if isinstance(result, ToolCallResultData) else _convert(result, ToolCallResultData)


def _convert(mapping: Mapping[str, Any], kind: type[PartT]) -> PartT:
    tagged = {
        "type": kind.__struct_config__.tag,
        **{_camel(str(key)): value for key, value in mapping.items()},
    }
    try:
        return msgspec.convert(tagged, kind)
    except msgspec.ValidationError as wrong:
        raise LMStudioValueError(f"This part of a message does not fit: {wrong}.") from None


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.title() for word in rest)
