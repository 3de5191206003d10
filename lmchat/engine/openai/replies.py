"""A prediction's packets as OpenAI's interface words them, whole or piece by piece."""

from __future__ import annotations

import time
import uuid
from typing import Any, Final

import msgspec

from lmchat.protocol import endpoints as wire
from lmchat.values.chat import ToolCallRequest
from lmchat.values.prediction import LlmPredictionStats

_LIMITS: Final = frozenset({"maxPredictedTokensReached", "contextLengthReached"})


class Reply:
    """The answer to one chat request; takes the packets in their order."""

    def __init__(self, model: str) -> None:
        self._head = {"id": f"chatcmpl-{uuid.uuid4().hex}", "created": int(time.time()), "model": model}
        self._content: list[str] = []
        self._reasoning: list[str] = []
        self._calls: list[dict[str, Any]] = []
        self._stats = LlmPredictionStats(stop_reason="failed")

    def feed(self, packet: wire.PredictPacket) -> dict[str, Any] | None:
        """Take a packet; gives what it adds to a stream, as a chunk."""
        match packet:
            case wire.Fragment(fragment=fragment) if fragment.reasoning_type == "none":
                self._content.append(fragment.content)
                return self._chunk({"content": fragment.content})
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
        return {**self._head, "object": "chat.completion.chunk", "choices": [], "usage": self._usage()}

    def whole(self) -> dict[str, Any]:
        """The reply when nothing is streamed."""
        message: dict[str, Any] = {"role": "assistant", "content": "".join(self._content)}
        if self._reasoning:
            message["reasoning_content"] = "".join(self._reasoning)
        if self._calls:
            message["tool_calls"] = self._calls
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": self._finish_reason()}
        return {**self._head, "object": "chat.completion", "choices": [choice], "usage": self._usage()}

    def _chunk(self, delta: dict[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        return {**self._head, "object": "chat.completion.chunk", "choices": [choice]}

    def _finish_reason(self) -> str:
        if self._calls:
            return "tool_calls"
        return "length" if self._stats.stop_reason in _LIMITS else "stop"

    def _usage(self) -> dict[str, int]:
        prompt, predicted = self._stats.prompt_tokens_count or 0, self._stats.predicted_tokens_count or 0
        return {"prompt_tokens": prompt, "completion_tokens": predicted, "total_tokens": prompt + predicted}


def _call(request: ToolCallRequest) -> dict[str, Any]:
    arguments = msgspec.json.encode(request.arguments or {}).decode()
    return {"id": request.id or "", "type": "function", "function": {"name": request.name, "arguments": arguments}}
