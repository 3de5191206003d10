"""Payloads and errors of endpoints that only a server has a use for; clients here never ask for them."""

from __future__ import annotations

from typing import Any

import msgspec


class _Payload(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    pass


class ModelKeyParameter(_Payload, frozen=True, kw_only=True):
    """listDownloadedModelVariants"""

    model_key: str


class SetExperimentFlag(_Payload, frozen=True, kw_only=True):
    code: str
    value: bool


class FileParameter(_Payload, frozen=True, kw_only=True):
    """getDocumentParsingLibrary, parseDocument"""

    file_identifier: str


class DocumentParser(_Payload, frozen=True, kw_only=True):
    """getDocumentParsingLibrary"""

    library: str
    version: str


class ParserLoaded(_Payload, frozen=True, kw_only=True, tag_field="type", tag="parserLoaded"):
    parser: DocumentParser


class ParseProgress(_Payload, frozen=True, kw_only=True, tag_field="type", tag="progress"):
    progress: float


class ParseResult(_Payload, frozen=True, kw_only=True, tag_field="type", tag="result"):
    content: str
    parser: DocumentParser


class Ready(_Payload, frozen=True, kw_only=True, tag_field="type", tag="ready"):
    """registerDevelopmentPlugin"""

    client_identifier: str
    client_passkey: str


def superjson_map(entries: dict[str, Any]) -> dict[str, Any]:
    """A JavaScript Map as SuperJSON writes it: getEngineSelections answers in that form."""
    return {"json": [[key, value] for key, value in entries.items()], "meta": {"values": ["map"]}}
