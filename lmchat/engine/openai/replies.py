"""A prediction's packets as OpenAI's interface words them, whole or piece by piece."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from lmchat.protocol import endpoints as wire
from lmchat.values.chat import ToolCallRequest
from lmchat.values.prediction import FragmentToken, LlmPredictionStats

_NEVER: Final = -9999.0
"""OpenAI's number for what is all but impossible; JSON has no infinity."""
_LIMITS: Final = frozenset({"maxPredictedTokensReached", "contextLengthReached"})


class Reply:
    """The answer to one request; takes the packets in their order. This is the one to a chat."""

    _prefix = "chatcmpl"
    _chunk_object = "chat.completion.chunk"

    def __init__(self, model: str) -> None:
        self._head = {"id": f"{self._prefix}-{uuid.uuid4().hex}", "created": int(time.time()), "model": model}
        self._content: list[str] = []
        self._reasoning: list[str] = []
        self._calls: list[dict[str, Any]] = []
        self._tokens: list[dict[str, Any]] = []
        self._stats = LlmPredictionStats(stop_reason="failed")

    def feed(self, packet: wire.PredictPacket) -> dict[str, Any] | None:
        """Take a packet; gives what it adds to a stream, as a chunk."""
        match packet:
            case wire.Fragment(fragment=fragment) if fragment.reasoning_type == "none":
                self._content.append(fragment.content)
                tokens = [_token(token) for token in fragment.tokens or ()]
                self._tokens += tokens
                return self._chunk({"content": fragment.content}, tokens=tokens)
            case wire.Fragment(fragment=fragment) if fragment.reasoning_type == "reasoning":
                self._reasoning.append(fragment.content)
                return self._chunk({"reasoning_content": fragment.content})
            case wire.ToolCallGenerationEnd(tool_call_request=request):
                self._calls.append(_call(request))
                return self._chunk({"tool_calls": [{"index": len(self._calls) - 1, **self._calls[-1]}]})
            case wire.PredictionSuccess(stats=stats):
                self._stats = stats
                return self._chunk({}, self._finish_reason())
        return None

    def opening(self) -> dict[str, Any]:
        """The first chunk of a stream."""
        return self._chunk({"role": "assistant", "content": ""})

    def usage_chunk(self) -> dict[str, Any]:
        """The last chunk of a stream that is to tell of its tokens."""
        return {**self._head, "object": self._chunk_object, "choices": [], "usage": self._usage()}

    def whole(self) -> dict[str, Any]:
        """The reply when nothing is streamed."""
        message: dict[str, Any] = {"role": "assistant", "content": "".join(self._content)}
        if self._reasoning:
            message["reasoning_content"] = "".join(self._reasoning)
        if self._calls:
            message["tool_calls"] = self._calls
        choice = {
            "index": 0,
            "message": message,
            "logprobs": _told(self._tokens),
            "finish_reason": self._finish_reason(),
        }
        return {**self._head, "object": "chat.completion", "choices": [choice], "usage": self._usage()}

    def _chunk(
        self, delta: dict[str, Any], finish_reason: str | None = None, tokens: Sequence[dict[str, Any]] = ()
    ) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "logprobs": _told(tokens), "finish_reason": finish_reason}
        return {**self._head, "object": self._chunk_object, "choices": [choice]}

    def _finish_reason(self) -> str:
        if self._calls:
            return "tool_calls"
        return "length" if self._stats.stop_reason in _LIMITS else "stop"

    def _usage(self) -> dict[str, int]:
        prompt, predicted = self._stats.prompt_tokens_count or 0, self._stats.predicted_tokens_count or 0
        return {"prompt_tokens": prompt, "completion_tokens": predicted, "total_tokens": prompt + predicted}


class CompletionReply(Reply):
    """The answer to a request for a bare completion."""

    _prefix = "cmpl"
    _chunk_object = "text_completion"

    def whole(self) -> dict[str, Any]:
        """The reply when nothing is streamed."""
        return {**self._chunk({"content": "".join(self._content)}, self._finish_reason()), "usage": self._usage()}

    def feed(self, packet: wire.PredictPacket) -> dict[str, Any] | None:
        """Take a packet; gives what it adds to a stream, as a chunk. Tags of reasoning are text like any other."""
        if isinstance(packet, wire.Fragment):
            self._content.append(packet.fragment.content)
            return self._chunk({"content": packet.fragment.content})
        return super().feed(packet)

    def _chunk(
        self, delta: dict[str, Any], finish_reason: str | None = None, tokens: Sequence[dict[str, Any]] = ()
    ) -> dict[str, Any]:
        choice = {"index": 0, "text": delta.get("content", ""), "logprobs": None, "finish_reason": finish_reason}
        return {**self._head, "object": self._chunk_object, "choices": [choice]}


def _told(tokens: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    return {"content": list(tokens), "refusal": None} if tokens else None


def _token(token: FragmentToken) -> dict[str, Any]:
    candidates = [_chance(other.text, other.log_prob) for other in token.candidates or ()]
    return {**_chance(token.text, token.log_prob), "top_logprobs": candidates}


def _chance(text: str, log_prob: float | None) -> dict[str, Any]:
    chance = _NEVER if log_prob is None else max(log_prob, _NEVER)
    return {"token": text, "logprob": chance, "bytes": list(text.encode(errors="replace"))}


def _call(request: ToolCallRequest) -> dict[str, Any]:
    arguments = msgspec.json.encode(request.arguments or {}).decode()
    return {"id": request.id or "", "type": "function", "function": {"name": request.name, "arguments": arguments}}
