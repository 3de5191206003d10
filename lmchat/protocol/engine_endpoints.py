"""Payloads and errors of endpoints that only a server has a use for; clients here never ask for them."""

from __future__ import annotations

from typing import Any

import msgspec

from lmchat.protocol.errors import SerializedError


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


def feature_not_supported(feature: str, engine: str, version: str) -> SerializedError:
    """The engine lacks something, in all its versions."""
    title = f"{engine} does not support {feature}"
    data = {
        "code": "generic.engineDoesNotSupportFeature",
        "feature": feature,
        "engineName": engine,
        "engineType": "llm-engine",
        "installedVersion": version,
        "supportedVersion": None,
    }
    return SerializedError(title=title, root_title=title, display_data=data)
