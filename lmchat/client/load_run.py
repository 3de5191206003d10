"""What a load has come to while it runs. No waiting happens here, so the callback runs on whichever thread iterates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias

from lmchat.client.callbacks import tell
from lmchat.values.errors import LMStudioClientError
from lmchat.values.loading import LoadEvent, LoadProgress, ModelLoaded

DEFAULT_TTL: Final = 3600
"""Seconds of idleness after which a model that was loaded on request may be unloaded."""

ModelLoadingCallback: TypeAlias = Callable[[float], Any]
"""Gets how far a load is: increasing, up to 1.0, which is all that a model gives that is loaded already."""


class LoadRun:
    """The fold of a load's events."""

    def __init__(self, key: str, on_progress: ModelLoadingCallback | None) -> None:
        self._key = key
        self._on_progress = on_progress
        self._progress = -1.0
        self._identifier: str | None = None

    def feed(self, event: LoadEvent) -> None:
        """Take the next event."""
        match event:
            case LoadProgress(progress):
                self._report(progress)
            case ModelLoaded(info):
                self._identifier = info.identifier
                self._report(1.0)

    @property
    def identifier(self) -> str:
        """The instance that is ready now.

        Raises:
            LMStudioClientError: the load ended without one.
        """
        if self._identifier is None:
            raise LMStudioClientError(f"The load of {self._key} ended without a model. Try again.")
        return self._identifier

    def _report(self, progress: float) -> None:
        if self._progress < progress <= 1.0:
            self._progress = progress
            tell(self._on_progress, progress)
