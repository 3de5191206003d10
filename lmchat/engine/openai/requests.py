"""What clients of OpenAI's interface send, and what it means in terms of the protocol.

Source: OpenAI's API reference, and LM Studio's list of the fields that it understands.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from lmchat.protocol.endpoints import CompleteRawText, Predict, by_identifier
from lmchat.protocol.errors import UNREADABLE
from lmchat.protocol.kvconfig import prediction_stack
from lmchat.values.chat import (
    AnyChatMessage,
    AssistantResponse,
    ChatHistoryData,
    SystemPrompt,
    TextData,
    ToolCallRequest,
    ToolCallRequestData,
    ToolCallResultData,
    ToolResultMessage,
    UserMessage,
)
from lmchat.values.config import LlmPredictionConfig
from lmchat.values.errors import EngineError


class _Function(msgspec.Struct, frozen=True):
    name: str
    arguments: str = "{}"


class _Call(msgspec.Struct, frozen=True):
    function: _Function
    id: str = ""


class _Part(msgspec.Struct, frozen=True):
    type: str
    text: str = ""


class _Message(msgspec.Struct, frozen=True):
    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | tuple[_Part, ...] | None = None
    tool_calls: tuple[_Call, ...] | None = None
    tool_call_id: str | None = None


class _StreamOptions(msgspec.Struct, frozen=True):
    include_usage: bool = False


class _Sampled(msgspec.Struct, frozen=True, kw_only=True):
    """What requests for chats and for bare completions have in common."""

    model: str = ""
    stream: bool = False
    stream_options: _StreamOptions | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    max_tokens: int | None = None
    stop: str | tuple[str, ...] | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    repeat_penalty: float | None = None
    logit_bias: dict[int, float] | None = None
    seed: int | None = None

    @property
    def include_usage(self) -> bool:
        """Whether a stream is to end with the numbers of tokens."""
        return self.stream_options is not None and self.stream_options.include_usage

    def _config(self, limit: int | None) -> LlmPredictionConfig:
        stop = [self.stop] if isinstance(self.stop, str) else self.stop
        bias: list[list[int | float | str]] | None = None
        if self.logit_bias is not None:
            bias = [[token, value] for token, value in self.logit_bias.items()]
        return LlmPredictionConfig(
            temperature=self.temperature,
            top_p_sampling=self.top_p,
            top_k_sampling=self.top_k,
            max_tokens=False if limit is not None and limit < 1 else limit,
            stop_strings=None if stop is None else list(stop),
            presence_penalty=self.presence_penalty,
            frequency_penalty=self.frequency_penalty,
            repeat_penalty=self.repeat_penalty,
            seed=self.seed,
            logit_bias=bias,
        )


class ChatRequest(_Sampled, frozen=True, kw_only=True):
    """`POST /v1/chat/completions`."""

    messages: tuple[_Message, ...]
    max_completion_tokens: int | None = None
    response_format: dict[str, Any] | None = None
    tools: tuple[dict[str, Any], ...] | None = None
    tool_choice: Any = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, msgspec.Meta(ge=0, le=20)] | None = None

    def prediction(self, identifier: str) -> Predict:
        """The request for a loaded model. Raises EngineError for what has no meaning here."""
        limit = self.max_tokens if self.max_completion_tokens is None else self.max_completion_tokens
        config = msgspec.structs.replace(
            self._config(limit),
            structured=_structured(self.response_format or {}),
            raw_tools=None if not self.tools else {"type": "toolArray", "tools": list(self.tools)},
            tool_choice=_choice(self.tool_choice),
            log_probs=(self.top_logprobs or 0) if self.logprobs else None,
        )
        return Predict(
            model_specifier=by_identifier(identifier),
            history=ChatHistoryData(tuple(_message(message) for message in self.messages)),
            prediction_config_stack=prediction_stack(config),
        )


class CompletionRequest(_Sampled, frozen=True, kw_only=True):
    """`POST /v1/completions`: text that is gone on with, without a chat template."""

    prompt: str | tuple[str]

    def prediction(self, identifier: str) -> CompleteRawText:
        """The request for a loaded model."""
        return CompleteRawText(
            model_specifier=by_identifier(identifier),
            raw_prompt=self.prompt if isinstance(self.prompt, str) else self.prompt[0],
            prediction_config_stack=prediction_stack(self._config(self.max_tokens)),
        )


class EmbeddingRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /v1/embeddings`."""

    input: str | tuple[str, ...]
    model: str = ""
    encoding_format: Literal["float", "base64"] = "float"

    @property
    def texts(self) -> tuple[str, ...]:
        """What is to be embedded."""
        return (self.input,) if isinstance(self.input, str) else self.input


def _message(message: _Message) -> AnyChatMessage:
    text = _text(message)
    match message.role:
        case "system" | "developer":
            return SystemPrompt((TextData(text),))
        case "user":
            return UserMessage((TextData(text),))
        case "tool":
            return ToolResultMessage((ToolCallResultData(content=text, tool_call_id=message.tool_call_id),))
    calls = [ToolCallRequestData(_call(call)) for call in message.tool_calls or ()]
    return AssistantResponse((*([TextData(text)] if text else []), *calls))


def _text(message: _Message) -> str:
    if isinstance(message.content, str) or message.content is None:
        return message.content or ""
    if any(part.type != "text" for part in message.content):
        raise EngineError("The models here read text only, and a message has something else. Leave it out.")
    return "".join(part.text for part in message.content)


def _call(call: _Call) -> ToolCallRequest:
    try:
        arguments = msgspec.json.decode(call.function.arguments or "{}", type=dict[str, Any])
    except UNREADABLE:
        raise EngineError("The arguments of a tool call are no JSON object. Give them as the model did.") from None
    return ToolCallRequest(name=call.function.name, id=call.id, arguments=arguments)


def _structured(wanted: dict[str, Any]) -> dict[str, Any] | None:
    match wanted:
        case {"type": "json_schema", "json_schema": {"schema": dict() as schema}}:
            return {"type": "json", "jsonSchema": schema}
        case {"type": "json_object" | "json_schema"}:
            return {"type": "json"}
    return None


def _choice(choice: Any) -> dict[str, Any] | None:
    """A tool that is named has to be called; which one it is stays the model's choice."""
    match choice:
        case "none" | "auto" | "required":
            return {"type": "generic", "mode": choice}
        case dict():
            return {"type": "generic", "mode": "required"}
    return None
