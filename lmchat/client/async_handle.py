"""A loaded model, for asynchronous programs: what language models and embedding models have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Generic, overload

from lmchat.client.lmstudio import LMStudioBackend
from lmchat.client.model_calls import InstanceT, LoadConfigT, ModelCalls


class AsyncModelHandle(ABC, Generic[InstanceT, LoadConfigT]):
    """A model that is loaded on a server. It holds the instance's name only: nothing is asked before it is needed."""

    def __init__(self, identifier: str, backend: LMStudioBackend) -> None:
        self.identifier = identifier
        self._backend = backend

    @property
    @abstractmethod
    def _calls(self) -> ModelCalls[InstanceT, LoadConfigT]:
        """The models of its kind."""

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, AsyncModelHandle)
            and type(self) is type(other)
            and self.identifier == other.identifier
            and self._backend is other._backend
        )

    def __hash__(self) -> int:
        return hash((self.identifier, id(self._backend)))

    def __repr__(self) -> str:
        return f"{type(self).__name__}(identifier={self.identifier!r})"

    async def get_info(self) -> InstanceT:
        """What the server says about the model."""
        return await self._calls.info(self.identifier)

    async def get_load_config(self) -> LoadConfigT:
        """How the model was loaded, as far as the server tells."""
        return await self._calls.load_config(self.identifier)

    async def get_context_length(self) -> int:
        """The context the model was loaded with, in tokens."""
        return (await self.get_info()).context_length

    @overload
    async def tokenize(self, input: str) -> list[int]: ...  # type: ignore[overload-overlap]  # a string is looked for first
    @overload
    async def tokenize(self, input: Iterable[str]) -> list[list[int]]: ...
    async def tokenize(self, input: str | Iterable[str]) -> list[int] | list[list[int]]:
        """A text in the model's tokens, or several texts, each in its own list; they are sent one after the other."""
        if isinstance(input, str):
            return await self._calls.tokenize(self.identifier, input)
        return [await self._calls.tokenize(self.identifier, text) for text in input]

    async def count_tokens(self, input: str) -> int:
        """How many of the model's tokens a text is."""
        return await self._calls.count_tokens(self.identifier, input)

    async def unload(self) -> None:
        """Unload the model."""
        await self._calls.unload(self.identifier)
