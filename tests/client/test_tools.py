"""From a model's request to a call, and from a tool's answer to text."""

from __future__ import annotations

import datetime
import enum
import json
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
from hypothesis import given, strategies as st

import lmchat as lms
from lmchat.client.tools import read_call, to_json
from lmchat.values.tools import read_tools


class Color(enum.Enum):
    RED = "red"


@dataclass
class Point:
    x: int
    color: Color = Color.RED


class Box(msgspec.Struct):
    corner: Point


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(JSON)
def test_an_answer_is_encoded_as_the_official_sdk_does(value: Any) -> None:
    assert to_json(value) == json.dumps(value, ensure_ascii=False)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Box(Point(1)), '{"corner": {"x": 1, "color": "red"}}'),
        ([datetime.date(2020, 1, 2)], '["2020-01-02"]'),
        ({"é": (1, 2)}, '{"é": [1, 2]}'),
        ("torn \udce9", '"torn \\udce9"'),
    ],
)
def test_an_answer_may_be_more_than_json_knows(value: Any, text: str) -> None:
    assert to_json(value) == text
    text.encode()


def test_an_answer_without_a_form_in_json_is_an_error() -> None:
    with pytest.raises(TypeError):
        to_json(object())


def paint(color: Color, at: Point) -> tuple[Color, Point]:
    """Paint."""
    assert isinstance(color, Color)
    assert isinstance(at, Point)
    return color, at


def test_arguments_reach_the_tool_as_their_types() -> None:
    tools = read_tools([paint], allow_async=False)
    request = lms.ToolCallRequest(name="paint", arguments={"color": "red", "at": {"x": 1}})
    assert read_call(request, tools).work() == '["red", {"x": 1, "color": "red"}]'
