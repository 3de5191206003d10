from __future__ import annotations

from typing import Any

import pytest

import lmchat as lms
from lmchat.client.schema import read_response_format


class Author(lms.BaseModel):
    name: str


class Book(lms.BaseModel):
    title: str
    year: int
    authors: list[Author]


class Node(lms.BaseModel):
    children: list[Node] = []


class Foreign:
    """A class of another library that knows its schema."""

    @classmethod
    def model_json_schema(cls) -> dict[str, Any]:
        return {"type": "object", "properties": {"a": {"type": "string"}}}


def test_fields_become_a_schema_with_its_own_definition_at_the_root() -> None:
    schema = Book.model_json_schema()
    assert (schema["type"], schema["required"]) == ("object", ["title", "year", "authors"])
    assert schema["properties"]["title"] == {"type": "string"}
    assert set(schema["$defs"]) == {"Author"}
    assert Author.model_json_schema()["properties"] == {"name": {"type": "string"}}
    assert "$defs" not in Author.model_json_schema()


def test_a_class_that_refers_to_itself_keeps_its_definition() -> None:
    schema = Node.model_json_schema()
    assert schema["properties"]["children"]["items"] == {"$ref": "#/$defs/Node"}
    assert "Node" in schema["$defs"]


SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}}


@pytest.mark.parametrize(
    ("given", "setting"),
    [
        (Author, {"type": "json", "jsonSchema": Author.model_json_schema()}),
        (Foreign, {"type": "json", "jsonSchema": SCHEMA}),
        (SCHEMA, {"type": "json", "jsonSchema": SCHEMA}),
        ({"anyOf": [SCHEMA]}, {"type": "json", "jsonSchema": {"anyOf": [SCHEMA]}}),
        ({"type": "json", "jsonSchema": SCHEMA}, {"type": "json", "jsonSchema": SCHEMA}),
        ({"type": "json", "json_schema": SCHEMA}, {"type": "json", "jsonSchema": SCHEMA}),
        ({"type": "gbnf", "gbnfGrammar": 'root ::= "x"'}, {"type": "gbnf", "gbnfGrammar": 'root ::= "x"'}),
    ],
)
def test_forms_of_a_form(given: Any, setting: dict[str, Any]) -> None:
    assert read_response_format(given) == setting


@pytest.mark.parametrize("given", [7, "json", {}, {"properties": {}}, {"type": "gbnf"}, int, Author(name="x")])
def test_what_is_no_form_is_refused(given: Any) -> None:
    with pytest.raises(lms.LMStudioValueError, match="response format"):
        read_response_format(given)


def test_a_schema_that_is_no_json_is_refused() -> None:
    nested: dict[str, Any] = {"type": "object"}
    nested["properties"] = nested
    for schema in ({"type": "object", "default": object()}, nested):
        with pytest.raises(lms.LMStudioValueError, match="cannot be written as JSON"):
            read_response_format(schema)

    class Odd(lms.BaseModel):
        value: complex

    with pytest.raises(lms.LMStudioValueError, match="Odd has no JSON schema"):
        read_response_format(Odd)


def test_a_form_is_kept_as_it_was() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    setting = read_response_format(schema)
    schema["properties"] = {}
    assert setting["jsonSchema"] == SCHEMA
