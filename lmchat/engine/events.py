"""What an engine tells whoever runs it, so that it can be narrated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from lmchat.engine.models.packaged import FetchProgress
from lmchat.values.model import ModelInstanceInfo


@dataclass(frozen=True, slots=True)
class Listening:
    """Clients can connect."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Fetching:
    """The packaged model is on its way."""

    progress: FetchProgress


@dataclass(frozen=True, slots=True)
class Preloading:
    """The default model is being loaded."""

    model_key: str


@dataclass(frozen=True, slots=True)
class Preloaded:
    """The default model is ready."""

    info: ModelInstanceInfo


@dataclass(frozen=True, slots=True)
class PreloadFailed:
    """There is no default model; the engine serves without."""

    message: str


EngineEvent: TypeAlias = Listening | Fetching | Preloading | Preloaded | PreloadFailed
