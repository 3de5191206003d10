"""The one line with which an engine process answers its options, as JSON on standard output."""

from __future__ import annotations

from typing import TypeAlias

import msgspec


class EngineReady(msgspec.Struct, frozen=True, tag_field="event", tag="ready"):
    """Clients can connect."""

    host: str
    port: int


class EngineFailed(msgspec.Struct, frozen=True, tag_field="event", tag="error"):
    """It cannot start, and ends now; the message is for people."""

    message: str


EngineAnswer: TypeAlias = EngineReady | EngineFailed
