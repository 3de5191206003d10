"""Documents for tests: any that can be, and a small one with everything in it."""

from __future__ import annotations

import types
import typing
from functools import cache
from typing import Any

import msgspec
from hypothesis import strategies as st

from lmchat.values.chat import FileHandle, TextData, ToolCallRequest, ToolCallRequestData, ToolCallResultData
from lmchat.values.history import ConversationDocument, MessageRecord, Provenance, ReasoningData
from lmchat.values.model import LlmInstanceInfo
from lmchat.values.prediction import LlmPredictionStats

TEXT = st.text(st.characters(exclude_categories=()))
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)
LEAVES: dict[object, st.SearchStrategy[Any]] = {
    str: TEXT,
    int: st.integers(),
    float: NUMBERS,
    bool: st.booleans(),
    type(None): st.none(),
    Any: JSON,
}

TREACHEROUS = st.sampled_from(
    [
        "",
        "\n",
        " trailing  \n\n",
        "a\r\nb\rc",
        "---\nlmchat: 1\n---\n",
        "<!-- lmchat end -->",
        '<!-- lmchat-1 text {"message":{"id":1}} -->',
        "<!-- lmchat text -->\n\nx\n\n<!-- lmchat end -->",
        "```python\nprint(1)",
        "~~~~\n```",
        "```\nclosed\n```",
        "<pre>\nopen",
        "<!-- open",
        "<?php",
        "<![CDATA[",
        "</details>",
        "## User",
        "> ```\n> x",
        "- ```\n  x",
        "````\n```\n```",
        "\ud83d\ude00",
        "\ud83d",
        "\x00\x1b]0;x\x07\u2028\x85",
        "\ufeff",
        "--><script>alert(1)</script>",
    ]
)
TEXTS = TEXT | TREACHEROUS | st.lists(TREACHEROUS, max_size=4).map("\n".join)


@cache
def values(kind: Any) -> st.SearchStrategy[Any]:
    """Any value of a type of the vocabulary."""
    if kind in LEAVES:
        return LEAVES[kind]
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        hints = typing.get_type_hints(kind)
        return st.builds(kind, **{name: values(hints[name]) for name in kind.__struct_fields__})
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Literal:
        return st.sampled_from(arguments)
    if origin in (typing.Union, types.UnionType):
        return st.one_of([values(argument) for argument in arguments])
    if origin is dict:
        return st.dictionaries(TEXT, values(arguments[1]), max_size=3)
    items = st.lists(values(arguments[0]), max_size=3)
    return items.map(tuple) if origin is tuple else items


@st.composite
def documents(draw: st.DrawFn) -> ConversationDocument:
    """Any document: every kind of part, stats and provenance, a tree of any shape, parents first."""
    ids = draw(st.lists(st.integers(-(2**63), 2**63), max_size=5, unique=True))
    messages: list[MessageRecord] = []
    for index, number in enumerate(ids):
        record: MessageRecord = draw(values(MessageRecord))
        parent = draw(st.sampled_from([None, *ids[:index]]))
        parts = tuple(_with_text(part, draw(TEXTS)) if draw(st.booleans()) else part for part in record.parts)
        fields: dict[str, Any] = {name: getattr(record, name) for name in record.__struct_fields__}
        messages.append(MessageRecord(**{**fields, "id": number, "parent_id": parent, "parts": parts}))
    return ConversationDocument(
        title=draw(TEXTS),
        created_at=draw(NUMBERS),
        updated_at=draw(NUMBERS),
        messages=tuple(messages),
        leaf_id=draw(st.sampled_from([None, *ids])),
        tags=tuple(draw(st.lists(TEXTS, max_size=2))),
        pinned=draw(st.booleans()),
        archived=draw(st.booleans()),
    )


def _with_text(part: Any, text: str) -> Any:
    match part:
        case TextData():
            return TextData(text)
        case ReasoningData():
            return ReasoningData(text=text, tokens=part.tokens, seconds=part.seconds)
        case ToolCallResultData():
            return ToolCallResultData(content=text, tool_call_id=part.tool_call_id, name=part.name)
    return part


def message(number: int, role: Any, *parts: Any, parent: int | None = None, **more: Any) -> MessageRecord:
    """A message; a string is a part of text."""
    made = tuple(TextData(part) if isinstance(part, str) else part for part in parts)
    return MessageRecord(id=number, parent_id=parent, role=role, parts=made, created_at=1.7e9 + number, **more)


def document(*messages: MessageRecord, leaf: int | None = None, title: str = "A title") -> ConversationDocument:
    """A conversation of these messages."""
    return ConversationDocument(
        title=title, created_at=1.7e9, updated_at=1.7e9 + 60, messages=messages, leaf_id=leaf, tags=("one", "two")
    )


MODEL = LlmInstanceInfo(
    model_key="small",
    format="gguf",
    display_name="Small 1B",
    path="small/small.gguf",
    size_bytes=1,
    max_context_length=4096,
    identifier="small",
    instance_reference="r",
    context_length=2048,
)
FULL = document(
    message(1, "system", "Be brief."),
    message(
        2, "user", "Weather?", FileHandle(name="a*b.png", identifier="f1", size_bytes=3, file_type="image"), parent=1
    ),
    message(
        3,
        "assistant",
        ReasoningData(text="I had better ask.", tokens=5, seconds=1.25),
        ToolCallRequestData(ToolCallRequest(name="weather", id="c1", arguments={"city": "Bern", "days": [1, 2.5]})),
        ToolCallResultData(content='{"sky": "clear"}', tool_call_id="c1", name="weather"),
        "It is **clear**.",
        parent=2,
        stats=LlmPredictionStats(
            stop_reason="maxPredictedTokensReached",
            tokens_per_second=41.25,
            predicted_tokens_count=120,
            time_to_first_token_sec=0.25,
        ),
        provenance=Provenance(server="desk", model=MODEL),
    ),
    message(4, "assistant", "Cannot say.", parent=2, error="The connection was lost."),
    message(5, "user", "Thanks.", parent=3),
    message(6, "assistant", parent=5),
    leaf=5,
)
