"""The form that an answer is to have: a JSON schema, a class that has one, or a grammar."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, TypeAlias, runtime_checkable

import msgspec

from lmchat.values.errors import LMStudioValueError

DictSchema: TypeAlias = Mapping[str, Any]
"""A JSON schema."""


@runtime_checkable
class ModelSchema(Protocol):
    """A class that knows its JSON schema: a `BaseModel` here, or one of pydantic's."""

    @classmethod
    def model_json_schema(cls) -> dict[str, Any]:
        """The JSON schema of the class."""
        ...


class BaseModel(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Base of classes that say which form an answer is to have: their annotated fields make the schema."""

    @classmethod
    def model_json_schema(cls) -> dict[str, Any]:
        """The JSON schema of the class.

        Raises:
            LMStudioValueError: a field's type has no form in JSON.
        """
        try:
            return _without_reference(msgspec.json.schema(cls))
        except TypeError as wrong:
            raise LMStudioValueError(f"{cls.__name__} has no JSON schema: {wrong}.") from wrong


ResponseSchema: TypeAlias = DictSchema | type[ModelSchema]
"""A JSON schema, a class that has one, or a setting of `type` "json" or "gbnf" with its schema or grammar."""


def read_response_format(given: ResponseSchema) -> dict[str, Any]:
    """The setting that asks for a form.

    Raises:
        LMStudioValueError: this is no form of these, or its schema cannot be written as JSON.
    """
    if isinstance(given, type) and issubclass(given, ModelSchema):
        setting: Mapping[str, Any] = {"type": "json", "jsonSchema": given.model_json_schema()}
    else:
        setting = _read_mapping(given)
    try:
        encoded = msgspec.json.encode(setting)
    except (TypeError, ValueError, RecursionError) as wrong:
        raise LMStudioValueError(f"The response format cannot be written as JSON: {wrong}.") from wrong
    # What is asked for stays what it was, whatever happens to the caller's objects.
    return msgspec.json.decode(encoded, type=dict[str, Any])


def _read_mapping(given: object) -> Mapping[str, Any]:
    match given:
        case {"type": "json", "jsonSchema": schema} | {"type": "json", "json_schema": schema}:
            return {"type": "json", "jsonSchema": schema}
        case {"type": "gbnf", "gbnfGrammar": str() as grammar} | {"type": "gbnf", "gbnf_grammar": str() as grammar}:
            return {"type": "gbnf", "gbnfGrammar": grammar}
        case {"type": "json" | "gbnf"}:
            pass
        case {"type": _} | {"$ref": _} | {"anyOf": _} | {"oneOf": _} | {"allOf": _} | {"enum": _} | {"const": _}:
            return {"type": "json", "jsonSchema": given}
    raise LMStudioValueError(
        "A response format is a JSON schema with a 'type', a class with model_json_schema(), or a mapping with a "
        f"'gbnfGrammar'; {given!r:.80} is none of them."
    )


def _without_reference(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema with its first definition at the root, where servers look for it."""
    definitions: dict[str, Any] = schema.get("$defs", {})
    reference = schema.get("$ref", "")
    name = reference.removeprefix("#/$defs/")
    if name not in definitions:
        return schema
    root = definitions[name]
    # A class that refers to itself needs its definition all the same.
    if reference.encode() not in msgspec.json.encode(definitions):
        definitions = {other: definition for other, definition in definitions.items() if other != name}
    return {**root, "$defs": definitions} if definitions else dict(root)
