"""What any server can be asked, whatever it speaks. Everything that differs between servers ends at this interface."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Sequence

from lmchat.values.chat import Chat
from lmchat.values.config import LlmLoadModelConfig, LlmPredictionConfig
from lmchat.values.loading import DownloadEvent, LoadEvent
from lmchat.values.model import LlmInstanceInfo, ModelInfo
from lmchat.values.prediction import PredictionEvent


class EventStream(ABC):
    """The events of one prediction, as they come."""

    @abstractmethod
    async def take(self) -> Sequence[PredictionEvent]:
        """All events that have come, at least one; the last of all is a `PredictionFinished`, and after it none come.

        Raises:
            LMStudioError: the prediction failed.
        """

    @abstractmethod
    async def cancel(self) -> None:
        """Ask the server to stop. The stream still ends with its `PredictionFinished`."""

    @abstractmethod
    async def aclose(self) -> None:
        """Leave the stream; a server that is still at work is told to stop."""


class Backend(ABC):
    """A connection to one server."""

    @abstractmethod
    async def downloaded(self) -> list[ModelInfo]:
        """The models on the server's disk."""

    @abstractmethod
    async def loaded(self) -> list[LlmInstanceInfo]:
        """The language models that are loaded."""

    @abstractmethod
    def load(self, key: str, config: LlmLoadModelConfig, *, ttl: int | None) -> AsyncIterator[LoadEvent]:
        """Get a model ready, loading it if needed; the last event is a `ModelLoaded`.

        Args:
            key: a model key, an instance's identifier, or a path.
            ttl: seconds of idleness after which a model that is loaded now may be unloaded; None: never.
        """

    @abstractmethod
    def download(self, search_term: str) -> AsyncIterator[DownloadEvent]:
        """Fetch the best match for a search term to the server's disk; the last event is a `ModelDownloaded`."""

    @abstractmethod
    async def unload(self, identifier: str) -> None:
        """Unload an instance."""

    @abstractmethod
    async def model_info(self, identifier: str) -> LlmInstanceInfo:
        """What the server says about a loaded model."""

    @abstractmethod
    async def load_config(self, identifier: str) -> LlmLoadModelConfig:
        """How a loaded model was loaded."""

    @abstractmethod
    async def tokenize(self, identifier: str, text: str) -> list[int]:
        """A text in a loaded model's tokens."""

    @abstractmethod
    async def count_tokens(self, identifier: str, text: str) -> int:
        """How many tokens of a loaded model a text is."""

    @abstractmethod
    async def apply_prompt_template(self, identifier: str, chat: Chat) -> str:
        """The exact text that a loaded model would be given for a conversation."""

    @abstractmethod
    async def predict(
        self, identifier: str, chat: Chat, config: LlmPredictionConfig, *, preset: str | None = None
    ) -> EventStream:
        """Have a loaded model continue a conversation."""

    @abstractmethod
    async def aclose(self) -> None:
        """Close all connections."""
