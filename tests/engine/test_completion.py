"""The decoder of llama-server's stream, without a server."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, strategies as st

from lmchat.engine.worker.completion import (
    CompletionError,
    CompletionReader,
    ContextExceededError,
    Finished,
    FinishReason,
    LlamaChunk,
    PromptProgress,
    TextDelta,
    refusal,
)

FRAMES: list[dict[str, Any]] = [
    {"content": "", "tokens_predicted": 0, "prompt_progress": {"total": 9, "cache": 4, "processed": 4, "time_ms": 0}},
    {"content": "", "tokens_predicted": 0, "prompt_progress": {"total": 9, "cache": 4, "processed": 9, "time_ms": 5}},
    {"content": "a\u2028b\x85", "tokens_predicted": 1, "stop": False},
    {"content": "", "tokens_predicted": 2, "stop": False},
    {"content": "😀", "tokens_predicted": 4, "stop": False},
    {
        "content": "",
        "tokens_predicted": 5,
        "tokens_evaluated": 9,
        "stop": True,
        "stop_type": "eos",
        "stopping_word": "",
        "truncated": False,
        "timings": {"cache_n": 4, "prompt_n": 5, "prompt_ms": 5.5, "predicted_n": 5, "predicted_per_second": None},
    },
]


def stream(frames: list[dict[str, Any]]) -> bytes:
    return b"".join(b"data: " + json.dumps(frame, ensure_ascii=False).encode() + b"\n\n" for frame in frames)


def read(*pieces: bytes) -> list[LlamaChunk]:
    reader = CompletionReader()
    return [chunk for piece in pieces for chunk in reader.feed(piece)]


def last(**fields: Any) -> Finished:
    (chunk,) = read(stream([{"content": "", "stop": True, **fields}]))
    assert isinstance(chunk, Finished)
    return chunk


def test_progress_and_deltas_count_only_what_this_request_took() -> None:
    chunks = read(stream(FRAMES))
    assert chunks[:2] == [PromptProgress(9, 4, 0), PromptProgress(9, 4, 5)]
    assert chunks[2:4] == [TextDelta("a\u2028b\x85", 1), TextDelta("😀", 3)]
    assert isinstance(chunks[4], Finished)
    assert (chunks[4].prompt_tokens, chunks[4].predicted_tokens, chunks[4].timings.cache_n) == (9, 5, 4)
    assert len(chunks) == 5


@given(st.lists(st.integers(0, len(stream(FRAMES))), max_size=20))
def test_where_the_bytes_are_cut_makes_no_difference(cuts: list[int]) -> None:
    data = stream(FRAMES)
    edges = [0, *sorted(cuts), len(data)]
    assert read(*(data[begin:end] for begin, end in pairwise(edges))) == read(data)


@pytest.mark.parametrize(
    ("fields", "reason", "stop_string"),
    [
        ({"stop_type": "eos"}, FinishReason.END_OF_TEXT, None),
        ({"stop_type": "word", "stopping_word": "three"}, FinishReason.STOP_STRING, "three"),
        ({"stop_type": "limit"}, FinishReason.TOKEN_LIMIT, None),
        ({"stop_type": "limit", "truncated": True}, FinishReason.CONTEXT_FULL, None),
    ],
)
def test_the_reason_for_the_end(fields: dict[str, Any], reason: FinishReason, stop_string: str | None) -> None:
    finished = last(**fields)
    assert (finished.reason, finished.stop_string) == (reason, stop_string)


def test_lines_that_are_no_data_are_passed_over() -> None:
    assert read(b": ping\n\nevent: x\n\ndata: [DONE]\n\n") == []


def test_a_fault_in_the_stream_is_an_error() -> None:
    with pytest.raises(CompletionError, match="out of luck") as caught:
        read(b'data: {"error": {"code": 503, "message": "out of luck"}}\n\n')
    assert caught.value.status == 503


def test_rubbish_in_the_stream_is_an_error() -> None:
    with pytest.raises(CompletionError, match="no completion"):
        read(b"data: {nonsense\n\n")


def test_a_prompt_too_long_carries_its_numbers() -> None:
    error = refusal(400, b'{"error": {"code": 400, "message": "m", "n_prompt_tokens": 9001, "n_ctx": 4096}}')
    assert isinstance(error, ContextExceededError)
    assert (error.prompt_tokens, error.context_length, error.status) == (9001, 4096, 400)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"error": 5}', b"\xff"])
def test_a_refusal_without_words_still_is_an_error(body: bytes) -> None:
    assert refusal(502, body).status == 502
