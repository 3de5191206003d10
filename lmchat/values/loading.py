"""What happens on the way to a model that can be asked: its download and its load, as events, and what they take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import msgspec

from lmchat.values.model import ModelInstanceInfo


class DownloadProgressUpdate(msgspec.Struct, frozen=True, rename="camel"):
    """A model is being fetched."""

    downloaded_bytes: int
    total_bytes: int
    speed_bytes_per_second: float


DownloadProgress: TypeAlias = DownloadProgressUpdate


@dataclass(frozen=True, slots=True)
class DownloadFinalizing:
    """All bytes of a model are there, and are being checked and put in place."""


@dataclass(frozen=True, slots=True)
class ModelDownloaded:
    """A model is on the server's disk now: the last event of a download."""

    model_key: str


@dataclass(frozen=True, slots=True)
class OtherModelUnloaded:
    """A model that was loaded on request has made room for the one that is being loaded."""

    info: ModelInstanceInfo


@dataclass(frozen=True, slots=True)
class LoadProgress:
    """A model is being loaded."""

    progress: float
    """0.0-1.0"""


@dataclass(frozen=True, slots=True)
class ModelLoaded:
    """A model is ready: the last event of a load."""

    info: ModelInstanceInfo


DownloadEvent: TypeAlias = DownloadProgress | DownloadFinalizing | ModelDownloaded
LoadEvent: TypeAlias = OtherModelUnloaded | LoadProgress | ModelLoaded


class MemoryUsage(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Bytes that a model would take, by what takes them and where."""

    confidence: Literal["high", "low"]
    model_vram_bytes: float
    context_vram_bytes: float
    total_vram_bytes: float
    model_bytes: float
    context_bytes: float
    total_bytes: float


class ModelUsageEstimate(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What a load would take before it is done."""

    memory: MemoryUsage
    passes_guardrails: bool
    """Whether the server would allow the load."""
