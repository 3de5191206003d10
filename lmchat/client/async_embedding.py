"""An embedding model, for asynchronous programs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import overload

from lmchat.client.async_handle import AsyncModelHandle
from lmchat.client.model_calls import ModelCalls
from lmchat.values.config import EmbeddingLoadModelConfig
from lmchat.values.model import EmbeddingModelInstanceInfo


class AsyncEmbeddingModel(AsyncModelHandle[EmbeddingModelInstanceInfo, EmbeddingLoadModelConfig]):
    """An embedding model that is loaded on a server. `tokenize` also gives the special tokens round a text."""

    @property
    def _calls(self) -> ModelCalls[EmbeddingModelInstanceInfo, EmbeddingLoadModelConfig]:
        return self._backend.embedding

    @overload
    async def embed(self, input: str) -> list[float]: ...  # type: ignore[overload-overlap]  # a string is looked for first
    @overload
    async def embed(self, input: Iterable[str]) -> list[list[float]]: ...
    async def embed(self, input: str | Iterable[str]) -> list[float] | list[list[float]]:
        """A text as a vector, or several texts, each as its own; they are sent one after the other."""
        if isinstance(input, str):
            return await self._backend.embed(self.identifier, input)
        return [await self._backend.embed(self.identifier, text) for text in input]
