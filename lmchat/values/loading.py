"""What happens on the way to a model that can be asked: its download and its load, as events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from lmchat.values.model import ModelInstanceInfo


@dataclass(frozen=True, slots=True)
class DownloadProgress:
    """A model is being fetched."""

    downloaded_bytes: int
    total_bytes: int
    bytes_per_second: float


@dataclass(frozen=True, slots=True)
class ModelDownloaded:
    """A model is on the server's disk now: the last event of a download."""

    model_key: str


@dataclass(frozen=True, slots=True)
class LoadProgress:
    """A model is being loaded."""

    progress: float
    """0.0-1.0"""


@dataclass(frozen=True, slots=True)
class ModelLoaded:
    """A model is ready: the last event of a load."""

    info: ModelInstanceInfo


DownloadEvent: TypeAlias = DownloadProgress | ModelDownloaded
LoadEvent: TypeAlias = LoadProgress | ModelLoaded
