"""What a model is told of tools: the same as LM Studio's Python SDK tells it, for functions of every kind."""

from __future__ import annotations

import datetime
import decimal
import enum
import functools
import json
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, NamedTuple, NotRequired, Optional, TypedDict

import msgspec
import pytest
from hypothesis import given, strategies as st
from lmstudio.json_api import ChatResponseEndpoint

import lmchat as lms
from lmchat.values.tools import Tool, read_tools


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


@dataclass
class Point:
    """A place on the plane."""

    x: int
    y: float = 0.5
    names: list[str] = field(default_factory=list)


class Options(TypedDict):
    width: int
    title: NotRequired[str]


class Pair(NamedTuple):
    first: int
    second: str = "x"


class Line(msgspec.Struct):
    start: Point
    end: Point
    color: Color = Color.RED


class Node(msgspec.Struct):
    value: int
    next: Optional[Node] = None  # noqa: UP045  # an older way to write it, which tools use too


def no_parameters() -> int:
    """Do it."""
    return 1


def one_number(n: int) -> int:
    """Do it."""
    return n


def two_numbers(a: float, b: float = 2.5) -> float:
    """Do it.

    With a second paragraph.
    """
    return a * b


def text_and_flag(text: str = "a", flag: bool = True) -> str:
    """Do it."""
    return text * flag


def optional(a: int | None, b: str | None = None) -> None:
    """Do it."""


def old_optional(a: Optional[int] = None) -> None:  # noqa: UP045
    """Do it."""


def none_for_a_number(a: int = None) -> None:  # type: ignore[assignment]  # noqa: RUF013  # people write it
    """Do it."""


def either(a: int | str, b: int | list[str] | None = None) -> None:
    """Do it."""


def words(mode: Literal["fast", "slow"] = "fast") -> None:
    """Do it."""


def mixed_literal(mode: Literal[1, 2, None]) -> None:
    """Do it."""


def color(color: Color) -> None:
    """Do it."""


def color_by_default(color: Color = Color.RED, level: Level = Level.HIGH) -> None:
    """Do it."""


def maybe_color(color: Color | None = None) -> None:
    """Do it."""


def lists(a: list[int], b: list[list[str]], c: list) -> None:  # type: ignore[type-arg]  # people write it
    """Do it."""


def empty_list(a: list[int] = []) -> None:  # noqa: B006  # people write it
    """Do it."""


def other_collections(a: set[int], b: frozenset[str], c: tuple[int, str], d: tuple[int, ...]) -> None:
    """Do it."""


def abstract_collections(a: Sequence[int], b: Mapping[str, float]) -> None:
    """Do it."""


def empty_tuple(a: Sequence[str] = ()) -> None:
    """Do it."""


def mappings(a: dict[str, int], b: dict[str, list[bool]], c: dict) -> None:  # type: ignore[type-arg]
    """Do it."""


def keys_of_an_enum(a: dict[Color, int]) -> None:
    """Do it."""


def point(point: Point) -> None:
    """Do it."""


def point_by_default(point: Point = Point(1)) -> None:  # noqa: B008  # a default is what is tried
    """Do it."""


def points(points: list[Point]) -> None:
    """Do it."""


def options(options: Options) -> None:
    """Do it."""


def pair(pair: Pair) -> None:
    """Do it."""


def line(line: Line) -> None:
    """Do it."""


def recursive(node: Node) -> None:
    """Do it."""


def annotated(n: Annotated[int, msgspec.Meta(ge=0, le=9, description="a digit")] = 3) -> None:
    """Do it."""


def described_text(a: Annotated[str, msgspec.Meta(pattern="^a", max_length=5)]) -> None:
    """Do it."""


def times(a: datetime.datetime, b: datetime.date = datetime.date(2020, 1, 2)) -> None:
    """Do it."""


def others(a: uuid.UUID, b: bytes, c: decimal.Decimal, d: Any) -> None:
    """Do it."""


def keyword_only(*, a: int, b: int = 1) -> None:
    """Do it."""


def with_self(self: int, cls: int) -> None:
    """Do it."""


async def coroutine(a: int) -> int:
    """Do it."""
    return a


def add(a, b):  # type: ignore[no-untyped-def]  # a tool may say what its function does not
    return a + b


class Machine:
    def turn(self, degrees: int) -> None:
        """Do it."""


FUNCTIONS: list[Callable[..., Any]] = [
    no_parameters,
    one_number,
    two_numbers,
    text_and_flag,
    optional,
    old_optional,
    none_for_a_number,
    either,
    words,
    mixed_literal,
    color,
    color_by_default,
    maybe_color,
    lists,
    empty_list,
    other_collections,
    abstract_collections,
    empty_tuple,
    mappings,
    keys_of_an_enum,
    point,
    point_by_default,
    points,
    options,
    pair,
    line,
    recursive,
    annotated,
    described_text,
    times,
    others,
    keyword_only,
    with_self,
    coroutine,
    Machine().turn,
]
DEFINITIONS: list[dict[str, Any]] = [
    {"name": "add", "description": "Add.", "parameters": {"a": int, "b": int}, "implementation": add},
    {"name": "add", "description": "", "parameters": {"a": {"type": int, "default": 3}}, "implementation": add},
    {"name": "a b-c", "description": "Odd.", "parameters": {"p": {"type": Point}}, "implementation": add},
]


def ours(tool: Any) -> dict[str, Any]:
    (made,) = read_tools([tool], allow_async=True).values()
    return as_json(made.schema)


def official(tool: Any) -> dict[str, Any]:
    array, _ = ChatResponseEndpoint.parse_tools([tool], allow_async=True)
    tools = array.to_dict()["tools"]
    assert tools is not None
    return as_json(tools[0])


def as_json(value: Any) -> dict[str, Any]:
    decoded: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(value))
    return decoded


def without_definitions(tool: dict[str, Any]) -> dict[str, Any]:
    """LM Studio's SDK refers to definitions and does not send them."""
    function = tool["function"]
    parameters = {key: value for key, value in function["parameters"].items() if key != "$defs"}
    return tool | {"function": function | {"parameters": parameters}}


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(target := value.get("$ref"), str):
            yield target
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.__name__)
def test_a_function_is_described_as_the_official_sdk_does(function: Callable[..., Any]) -> None:
    assert without_definitions(ours(function)) == official(function)


@pytest.mark.parametrize("definition", DEFINITIONS, ids=range(len(DEFINITIONS)))
def test_a_definition_is_described_as_the_official_sdk_does(definition: dict[str, Any]) -> None:
    expected = official(definition)
    assert without_definitions(ours(definition)) == expected
    assert without_definitions(ours(lms.ToolFunctionDef(**definition))) == expected


@pytest.mark.parametrize("function", [color, maybe_color, point, points, options, line, recursive])
def test_what_a_schema_refers_to_is_sent_along(function: Callable[..., Any]) -> None:
    parameters = ours(function)["function"]["parameters"]
    targets = set(references(parameters))
    assert targets
    assert {target.removeprefix("#/$defs/") for target in targets} <= set(parameters["$defs"])


def test_a_parameter_may_be_of_a_class_with_any_name() -> None:
    @dataclass
    class Parameters:
        a: int

    def function(p) -> None:  # type: ignore[no-untyped-def]  # its class is known here only
        """Do it."""

    function.__annotations__["p"] = Parameters
    described = ours(function)["function"]["parameters"]
    (target,) = references(described)
    assert described["$defs"][target.removeprefix("#/$defs/")]["properties"] == {"a": {"type": "integer"}}
    assert described["required"] == ["p"]


def test_a_name_and_a_description_may_be_given_instead() -> None:
    tool = lms.ToolFunctionDef.from_callable(one_number, name="count", description="Count to n.")
    assert tool == lms.ToolFunctionDef(
        name="count", description="Count to n.", parameters={"n": int}, implementation=one_number
    )


def test_parameters_stay_in_their_order() -> None:
    assert list(read_tools([lists], allow_async=False)["lists"].schema["function"]["parameters"]["properties"]) == [
        "a",
        "b",
        "c",
    ]


def filled_list(a: list[int] = [1, 2]) -> list[int]:  # noqa: B006  # a default is what is tried
    """Do it."""
    return a


def hidden_default(a: int = ...) -> Any:  # type: ignore[assignment]  # a mark that JSON has no form for
    """Do it."""
    return a


def test_a_default_may_be_a_filled_list_or_have_no_form_in_json() -> None:
    filled, hidden = read_tools([filled_list, hidden_default], allow_async=False).values()
    assert filled.schema["function"]["parameters"]["properties"]["a"]["default"] == [1, 2]
    assert filled.read_arguments({}) == {"a": [1, 2]}
    assert hidden.schema["function"]["parameters"] == {
        "type": "object",
        "properties": {"a": {"type": "integer"}},
        "required": [],
    }
    assert hidden.read_arguments(None) == {"a": ...}


def test_arguments_come_as_their_types() -> None:
    tools = read_tools([color_by_default, point, times, other_collections], allow_async=False)
    assert tools["color_by_default"].read_arguments({"level": 1}) == {"color": Color.RED, "level": Level.LOW}
    assert tools["point"].read_arguments({"point": {"x": 1}}) == {"point": Point(1)}
    assert tools["times"].read_arguments({"a": "2021-01-01T00:00:00"})["a"] == datetime.datetime(2021, 1, 1)
    assert tools["other_collections"].read_arguments({"a": [1], "b": ["x"], "c": [1, "y"], "d": [1, 2]}) == {
        "a": {1},
        "b": frozenset({"x"}),
        "c": (1, "y"),
        "d": (1, 2),
    }


@pytest.mark.parametrize("given", [{}, {"n": "1"}, {"n": None}, {"m": 1}, None])
def test_arguments_that_do_not_fit_are_refused(given: dict[str, Any] | None) -> None:
    (tool,) = read_tools([one_number], allow_async=False).values()
    with pytest.raises(msgspec.ValidationError):
        tool.read_arguments(given)


def no_docstring(a: int) -> None: ...


def no_hint(a) -> None:  # type: ignore[no-untyped-def]  # that it has none is the point
    """Do it."""


def no_hint_but_a_default(a=1) -> None:  # type: ignore[no-untyped-def]
    """Do it."""


def unknown_hint(a: Nowhere) -> None:  # type: ignore[name-defined]  # noqa: F821  # that it is unknown is the point
    """Do it."""


def by_position(a: int, /) -> None:
    """Do it."""


def without_schema(a: complex) -> None:
    """Do it."""


@pytest.mark.parametrize(
    ("tool", "message"),
    [
        (no_docstring, "tool description"),
        (functools.partial(one_number, 1), "tool name"),
        (no_hint, "tool parameter info .* 'a' has no type hint"),
        (no_hint_but_a_default, "tool parameter info .* 'a' has no type hint"),
        (unknown_hint, "tool parameter info .*Nowhere"),
        (by_position, "tool parameter info .* cannot be given by name"),
        (without_schema, "'without_schema' cannot be described"),
        (print, "tool parameter info"),
        (3, "not a int"),
        ("add", "not a str"),
        ({"name": "x"}, "description, parameters and implementation"),
        (DEFINITIONS[0] | {"extra": 1}, "does not fit: .*extra"),
        (DEFINITIONS[0] | {"parameters": {"a": {"default": 1}}}, "'a' has no 'type'"),
        (DEFINITIONS[0] | {"parameters": {"a-b": int}}, "cannot be described"),
    ],
)
def test_a_tool_that_does_not_tell_enough_is_refused(tool: Any, message: str) -> None:
    with pytest.raises(lms.LMStudioValueError, match=message):
        read_tools([tool], allow_async=True)


def test_tools_are_some_of_different_names_and_can_be_called() -> None:
    with pytest.raises(lms.LMStudioValueError, match="at least one tool"):
        read_tools(iter(()), allow_async=True)
    with pytest.raises(lms.LMStudioValueError, match="Two tools have the name 'one_number'"):
        read_tools([one_number, one_number], allow_async=True)
    with pytest.raises(lms.LMStudioValueError, match="coroutine function"):
        read_tools([coroutine], allow_async=False)


def catch_all(a: int, *args: int, **kwargs: int) -> None:
    """Do it."""


def test_parameters_that_take_what_is_left_are_not_offered() -> None:
    assert list(ours(catch_all)["function"]["parameters"]["properties"]) == ["a"]


# Any type hint, built up of those above, with values that fit it

Kind = tuple[Any, st.SearchStrategy[Any]]
INTEGERS = st.integers(-1000, 1000)
SIMPLE: list[Kind] = [
    (int, INTEGERS),
    (str, st.text(max_size=4)),
    (bool, st.booleans()),
    (Color, st.sampled_from(Color)),
    (Level, st.sampled_from(Level)),
    (Point, st.builds(Point, INTEGERS, INTEGERS.map(float))),
    (Options, st.fixed_dictionaries({"width": INTEGERS}, optional={"title": st.text(max_size=4)})),
    (Pair, st.builds(Pair, INTEGERS)),
    (datetime.date, st.dates()),
    (uuid.UUID, st.uuids()),
    (Literal["a", "b"], st.sampled_from(["a", "b"])),
]


def larger(kinds: st.SearchStrategy[Kind]) -> st.SearchStrategy[Kind]:
    forms: tuple[Any, ...] = (list, dict, tuple, Optional)
    return st.one_of(
        kinds.map(lambda kind: (forms[0][kind[0]], st.lists(kind[1], max_size=2))),
        kinds.map(lambda kind: (forms[1][str, kind[0]], st.dictionaries(st.text(max_size=2), kind[1], max_size=2))),
        kinds.map(lambda kind: (forms[2][kind[0], ...], st.lists(kind[1], max_size=2).map(tuple))),
        kinds.map(lambda kind: (forms[3][kind[0]], st.none() | kind[1])),
    )


KINDS = st.recursive(st.sampled_from(SIMPLE), larger, max_leaves=3)
NAMES = st.sampled_from(["a", "b", "name", "type", "default", "self", "required", "title"])


@st.composite
def described(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    """Parameters, some with defaults, and arguments for all of them."""
    parameters: dict[str, Any] = {}
    values: dict[str, Any] = {}
    for name, (kind, fitting) in draw(st.dictionaries(NAMES, KINDS, max_size=4)).items():
        values[name] = draw(fitting)
        # The official SDK takes no filled list or mapping as a default.
        optional = not isinstance(values[name], list | dict) and draw(st.booleans())
        parameters[name] = {"type": kind, "default": values[name]} if optional else kind
    return parameters, values


@given(described())
def test_any_parameters_are_described_as_the_official_sdk_does_and_read_back(
    drawn: tuple[dict[str, Any], dict[str, Any]],
) -> None:
    parameters, values = drawn
    definition = DEFINITIONS[0] | {"parameters": parameters}
    described = ours(definition)
    assert without_definitions(described) == official(definition)
    for target in references(described):
        assert target.removeprefix("#/$defs/") in described["function"]["parameters"]["$defs"]
    tool = Tool.of(lms.ToolFunctionDef(**definition))
    asked = json.loads(msgspec.json.encode(values))
    assert tool.read_arguments(asked) == values
    required = {name: asked[name] for name in described["function"]["parameters"]["required"]}
    assert tool.read_arguments(required) == values
