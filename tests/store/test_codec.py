"""Every value comes back as it went in, whatever is in its strings."""

from __future__ import annotations

import tempfile
import types
import typing
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import msgspec
import pytest
from hypothesis import given, settings, strategies as st

from lmchat.store.codec import read_json, read_text, write_json, write_text
from lmchat.store.store import Store
from lmchat.values.chat import TextData, ToolCallRequest, ToolCallRequestData
from lmchat.values.errors import StoreError
from lmchat.values.history import Part, Provenance, ReasoningData
from lmchat.values.prediction import LlmPredictionStats

TEXT = st.text(st.characters(exclude_categories=())) | st.sampled_from(
    [
        "\udcff",
        "\ud83d\ude00",
        "\ude00\ud83d",
        "a\x00b",
        "\x1b]0;x\x07",
        "\u202eevil",
        "👩‍👩‍👧",
        "'; DROP TABLE messages; --",
        "\ufeff",
    ]
)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)
LEAVES: dict[object, st.SearchStrategy[Any]] = {
    str: TEXT,
    int: st.integers(-(2**63), 2**63 - 1),
    float: NUMBERS,
    bool: st.booleans(),
    type(None): st.none(),
    Any: JSON,
}


def values(kind: Any) -> st.SearchStrategy[Any]:
    """Any value that a type of the vocabulary describes."""
    if kind in LEAVES:
        return LEAVES[kind]
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        hints = typing.get_type_hints(kind)
        return st.builds(kind, **{name: values(hints[name]) for name in kind.__struct_fields__})
    arguments = get_args(kind)
    if get_origin(kind) is Literal:
        return st.sampled_from(arguments)
    if get_origin(kind) in (typing.Union, types.UnionType):
        return st.one_of([values(argument) for argument in arguments])
    if get_origin(kind) is dict:
        return st.dictionaries(TEXT, values(arguments[1]), max_size=3)
    if get_origin(kind) is list:
        return st.lists(values(arguments[0]), max_size=3)
    if get_origin(kind) is tuple:
        if arguments[-1] is ...:
            return st.lists(values(arguments[0]), max_size=3).map(tuple)
        return st.tuples(*map(values, arguments))
    raise AssertionError(f"no strategy for {kind}")


PARTS = st.lists(values(Part), max_size=4).map(tuple)
PIECES = st.lists(values(TextData | ReasoningData), max_size=6)


@given(TEXT)
def test_text_comes_back(text: str) -> None:
    assert read_text(write_text(text)) == text


@given(JSON)
def test_json_comes_back(value: object) -> None:
    part = ToolCallRequestData(ToolCallRequest(name="f", arguments={"value": value}))
    decoder = msgspec.json.Decoder(ToolCallRequestData)
    assert read_json(read_text(write_json(part)), decoder) == part


@given(st.binary())
def test_bytes_that_were_never_written_are_read_as_some_text(raw: bytes) -> None:
    assert isinstance(read_text(raw), str)


@pytest.mark.parametrize("text", ['{"type":"text"}', "[", "\udcff", '[{"type":"hologram"}]'])
def test_json_that_is_no_such_value_is_a_store_error(text: str) -> None:
    with pytest.raises(StoreError):
        read_json(text, msgspec.json.Decoder(tuple[Part, ...]))


@settings(max_examples=60, deadline=None)
@given(
    parts=PARTS,
    pieces=PIECES,
    stats=values(LlmPredictionStats),
    provenance=values(Provenance),
    texts=st.lists(TEXT, min_size=3, max_size=3),
)
def test_a_whole_conversation_comes_back(
    parts: tuple[Part, ...],
    pieces: list[TextData | ReasoningData],
    stats: LlmPredictionStats,
    provenance: Provenance,
    texts: list[str],
) -> None:
    title, prompt, error = texts
    with tempfile.TemporaryDirectory() as folder:
        store = Store.open(Path(folder) / "chats.db")
        try:
            talk = store.create_conversation(title)
            asked = store.add_message(talk.id, parent_id=None, role="user", parts=parts)
            answer = store.begin_answer(talk.id, parent_id=asked.id, provenance=provenance)
            store.append_to_answer(answer, pieces)
            store.remember_prompt(prompt)
            question, streaming = store.branch(talk.id)
            assert store.conversation(talk.id).title == title
            assert store.prompts() == [prompt]
            assert (question, question.parts) == (asked, parts)
            assert streaming.provenance == provenance
            assert streaming.text == "".join(piece.text for piece in pieces if isinstance(piece, TextData))
            assert streaming.reasoning == "".join(piece.text for piece in pieces if isinstance(piece, ReasoningData))
            done = store.finish_answer(answer, parts=parts, stats=stats, provenance=provenance, error=error)
            assert store.branch(talk.id) == [asked, done]
            assert (done.parts, done.stats, done.provenance, done.error) == (parts, stats, provenance, error)
        finally:
            store.close()
