"""What llama-server says while it completes a prompt, as typed events. Bytes in, events out; no socket here.

The raw `/completion` endpoint is used and not the chat one, because only it says which stop string was found, whether
the limit was the caller's or the context's, and leaves reasoning tags in the text. A chat becomes a prompt through the
model's own template first.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Final

import msgspec

from lmchat.values.errors import EngineError
from lmchat.values.prediction import FragmentToken, TokenCandidate


class FinishReason(StrEnum):
    """Why a completion ended."""

    END_OF_TEXT = "eos"
    STOP_STRING = "word"
    TOKEN_LIMIT = "limit"
    CONTEXT_FULL = "context"


class PromptProgress(msgspec.Struct, frozen=True):
    """Prompt tokens: all of them, those found in the cache, and those evaluated so far for this request.

    `cached + processed` reaches `total` when the prompt is done.
    """

    total: int
    cached: int
    processed: int


class TextDelta(msgspec.Struct, frozen=True):
    """Text that was generated, never empty, and how many tokens it took.

    Tokens without text of their own (parts of a character, beginnings of a stop string that was none) are counted in
    the delta that follows them.
    """

    text: str
    tokens: int
    told: tuple[FragmentToken, ...] = ()
    """What is known of the tokens, when that was asked for."""


class Timings(msgspec.Struct, frozen=True):
    """llama.cpp's own figures: `prompt_n` and `predicted_n` in tokens, without those from the cache; times in ms."""

    cache_n: int = 0
    prompt_n: int = 0
    prompt_ms: float = 0.0
    predicted_n: int = 0
    predicted_ms: float = 0.0
    predicted_per_second: float | None = None
    draft_n: int = 0
    draft_n_accepted: int = 0


class Finished(msgspec.Struct, frozen=True):
    """The last event.

    `predicted_tokens` counts everything generated, so also the end token and those of the stop string, which no delta
    carries. `stop_string` is the one that was found, else None.
    """

    reason: FinishReason
    stop_string: str | None
    prompt_tokens: int
    predicted_tokens: int
    timings: Timings


LlamaChunk = PromptProgress | TextDelta | Finished


class CompletionError(EngineError):
    """llama-server refused the request, or gave it up. `status` is HTTP's number for the reason."""

    def __init__(self, message: str, *, status: int) -> None:
        super().__init__(message)
        self.status = status


class ContextExceededError(CompletionError):
    """The prompt has more tokens than fit; at least one place must be left for the answer."""

    def __init__(self, *, prompt_tokens: int, context_length: int) -> None:
        super().__init__(
            f"The conversation is too long: {prompt_tokens} tokens, and {context_length} fit. "
            "Begin a new one, or load the model with a longer context.",
            status=400,
        )
        self.prompt_tokens = prompt_tokens
        self.context_length = context_length


class _Candidate(msgspec.Struct, frozen=True):
    id: int
    token: str
    logprob: float


class _Probability(_Candidate, frozen=True):
    top_logprobs: tuple[_Candidate, ...] = ()


class _Progress(msgspec.Struct, frozen=True):
    total: int
    cache: int
    processed: int


class _Fault(msgspec.Struct, frozen=True):
    message: str = "no reason was given"
    code: int = 500
    n_prompt_tokens: int | None = None
    n_ctx: int | None = None


class _Refusal(msgspec.Struct, frozen=True):
    error: _Fault


class _Frame(msgspec.Struct, frozen=True):
    content: str = ""
    stop: bool = False
    tokens_predicted: int = 0
    tokens_evaluated: int = 0
    prompt_progress: _Progress | None = None
    stop_type: str = "none"
    stopping_word: str = ""
    truncated: bool = False
    timings: Timings = Timings()
    error: _Fault | None = None
    completion_probabilities: tuple[_Probability, ...] = ()


_FRAME: Final = msgspec.json.Decoder(_Frame)
_REFUSAL: Final = msgspec.json.Decoder(_Refusal)
_DATA: Final = b"data:"


class CompletionReader:
    """Turns the bytes of one streamed completion into events."""

    def __init__(self) -> None:
        self._unfinished_line = b""
        self._counted = 0
        self._told: tuple[FragmentToken, ...] = ()

    def feed(self, data: bytes) -> Iterator[LlamaChunk]:
        """The events that these bytes complete. Raises CompletionError for a fault that comes in the stream."""
        # Only a newline ends a line: text may hold other separators that str.splitlines would break at.
        *lines, self._unfinished_line = (self._unfinished_line + data).split(b"\n")
        for line in lines:
            if line.startswith(_DATA) and (payload := line[len(_DATA) :].strip()) != b"[DONE]":
                yield from self._events(_decode(payload))

    def _events(self, frame: _Frame) -> Iterator[LlamaChunk]:
        if frame.error is not None:
            raise _fault(frame.error)
        if frame.prompt_progress is not None:
            progress = frame.prompt_progress
            yield PromptProgress(progress.total, progress.cache, progress.processed - progress.cache)
        self._told += tuple(_told(entry) for entry in frame.completion_probabilities)
        if frame.content:
            yield TextDelta(frame.content, frame.tokens_predicted - self._counted, self._told)
            self._counted, self._told = frame.tokens_predicted, ()
        if frame.stop:
            yield _finished(frame)


def _told(entry: _Probability) -> FragmentToken:
    candidates = tuple(TokenCandidate(text=one.token, id=one.id, log_prob=one.logprob) for one in entry.top_logprobs)
    return FragmentToken(text=entry.token, id=entry.id, log_prob=entry.logprob, candidates=candidates)


def refusal(status: int, body: bytes) -> CompletionError:
    """The error in a reply that is no stream."""
    try:
        return _fault(_REFUSAL.decode(body).error)
    except msgspec.DecodeError:
        return CompletionError(f"The engine's worker answered with HTTP status {status}. Ask again.", status=status)


def _decode(payload: bytes) -> _Frame:
    try:
        return _FRAME.decode(payload)
    except msgspec.DecodeError as error:
        text = f"The engine's worker sent something that is no completion: {error}. Reinstall xllamacpp."
        raise CompletionError(text, status=500) from error


def _fault(fault: _Fault) -> CompletionError:
    if fault.n_prompt_tokens is not None and fault.n_ctx is not None:
        return ContextExceededError(prompt_tokens=fault.n_prompt_tokens, context_length=fault.n_ctx)
    return CompletionError(f"The engine did not take the request: {fault.message}", status=fault.code)


def _finished(frame: _Frame) -> Finished:
    if frame.stop_type == "word":
        reason = FinishReason.STOP_STRING
    elif frame.stop_type == "limit":
        reason = FinishReason.CONTEXT_FULL if frame.truncated else FinishReason.TOKEN_LIMIT
    else:
        reason = FinishReason.END_OF_TEXT
    return Finished(reason, frame.stopping_word or None, frame.tokens_evaluated, frame.tokens_predicted, frame.timings)
