"""The models of a server, for asynchronous programs: those on its disk, and the way from there to a loaded one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing
from typing import Any, Generic, TypeAlias, TypeVar

from lmchat.client.async_embedding import AsyncEmbeddingModel
from lmchat.client.async_handle import AsyncModelHandle
from lmchat.client.async_llm import AsyncLLM
from lmchat.client.lmstudio import LMStudioBackend
from lmchat.client.load_run import DEFAULT_TTL, LoadRun, ModelLoadingCallback
from lmchat.client.model_calls import InstanceT, LoadConfigT, ModelCalls
from lmchat.values.config import EmbeddingLoadModelConfig, LlmLoadModelConfig, read_config
from lmchat.values.errors import LMStudioClientError
from lmchat.values.loading import LoadEvent, ModelUsageEstimate
from lmchat.values.model import (
    EmbeddingModelInfo,
    EmbeddingModelInstanceInfo,
    LlmInfo,
    LlmInstanceInfo,
    ModelNamespace,
)

HandleT = TypeVar("HandleT", bound=AsyncModelHandle[Any, Any])
InfoT = TypeVar("InfoT", LlmInfo, EmbeddingModelInfo)
Connect: TypeAlias = Callable[[], Awaitable[LMStudioBackend]]


class AsyncModelNamespace(ABC, Generic[HandleT, InfoT, InstanceT, LoadConfigT]):
    """The models of one kind."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect

    async def model(
        self,
        model_key: str | None = None,
        /,
        *,
        ttl: int | None = DEFAULT_TTL,
        config: LoadConfigT | Mapping[str, Any] | None = None,
        on_load_progress: ModelLoadingCallback | None = None,
    ) -> HandleT:
        """A model to use: the one of this key, loaded if it is not yet, or without a key any that is loaded.

        Args:
            model_key: a model key, an instance's identifier, or a path.
            ttl: seconds of idleness after which a model that is loaded now may be unloaded; None: never.
            config: options of the load; they do nothing for a model that is loaded already.
            on_load_progress: gets how far a load is, 0.0-1.0.

        Raises:
            LMStudioModelNotFoundError: the server has no such model.
            LMStudioClientError: no key was given and no model is loaded.
        """
        if model_key is None:
            return await self.any_loaded()
        events = self.load_events(model_key, ttl, config)
        return await self._finished(events, LoadRun(model_key, on_load_progress))

    async def load_new_instance(
        self,
        model_key: str,
        instance_identifier: str | None = None,
        *,
        ttl: int | None = DEFAULT_TTL,
        config: LoadConfigT | Mapping[str, Any] | None = None,
        on_load_progress: ModelLoadingCallback | None = None,
    ) -> HandleT:
        """Load another instance of a model, whatever is loaded.

        Args:
            model_key: a model key or a path.
            instance_identifier: the name of the new instance; None: the server chooses one.
            ttl: seconds of idleness after which it may be unloaded; None: never.
            config: options of the load.
            on_load_progress: gets how far the load is, 0.0-1.0.

        Raises:
            LMStudioModelNotFoundError: the server has no such model.
            LMStudioServerError: an instance of that name is loaded already, or the model could not be loaded.
        """
        events = self.new_load_events(model_key, instance_identifier, ttl, config)
        return await self._finished(events, LoadRun(model_key, on_load_progress))

    async def list_loaded(self) -> list[HandleT]:
        """The instances that are loaded."""
        backend = await self._connect()
        return [self._handle(info.identifier, backend) for info in await self._calls(backend).loaded()]

    async def list_infos(self) -> list[InfoT]:
        """What the server says about the models on its disk."""
        backend = await self._connect()
        return [info for info in await backend.downloaded() if isinstance(info, self._info)]

    async def get_model_info(self, identifier: str, /) -> InstanceT:
        """What the server says about a loaded model."""
        return await self._calls(await self._connect()).info(identifier)

    async def unload(self, identifier: str, /) -> None:
        """Unload an instance.

        Raises:
            LMStudioModelNotFoundError: no such instance is loaded.
        """
        await self._calls(await self._connect()).unload(identifier)

    async def estimate_usage(
        self, model_key: str, /, *, config: LoadConfigT | Mapping[str, Any] | None = None
    ) -> ModelUsageEstimate:
        """What loading a model would take, without loading it.

        Raises:
            LMStudioModelNotFoundError: the server has no such model.
            LMStudioTimeoutError: the server does not know the question.
        """
        calls = self._calls(await self._connect())
        return await calls.estimate_usage(model_key, read_config(config, calls.kind.config))

    async def any_loaded(self) -> HandleT:
        """The first instance that is loaded.

        Raises:
            LMStudioClientError: none is.
        """
        if not (loaded := await self.list_loaded()):
            raise LMStudioClientError(
                f"No {self._noun} is loaded. Load one in LM Studio, or name one by its key, which loads it."
            )
        return loaded[0]

    async def load_events(
        self, key: str, ttl: int | None, config: LoadConfigT | Mapping[str, Any] | None
    ) -> AsyncGenerator[LoadEvent, None]:
        """The events of getting a model ready."""
        calls = self._calls(await self._connect())
        async with aclosing(calls.load(key, read_config(config, calls.kind.config), ttl=ttl)) as events:
            async for event in events:
                yield event

    async def new_load_events(
        self, key: str, identifier: str | None, ttl: int | None, config: LoadConfigT | Mapping[str, Any] | None
    ) -> AsyncGenerator[LoadEvent, None]:
        """The events of loading another instance."""
        calls = self._calls(await self._connect())
        options = read_config(config, calls.kind.config)
        async with aclosing(calls.load_new(key, identifier, options, ttl=ttl)) as events:
            async for event in events:
                yield event

    async def handle(self, identifier: str) -> HandleT:
        """The instance of this name; the server is not asked."""
        return self._handle(identifier, await self._connect())

    async def _finished(self, events: AsyncIterator[LoadEvent], run: LoadRun) -> HandleT:
        async for event in events:
            run.feed(event)
        return await self.handle(run.identifier)

    _noun: str
    _info: type[InfoT]
    _handle: Callable[[str, LMStudioBackend], HandleT]

    @abstractmethod
    def _calls(self, backend: LMStudioBackend) -> ModelCalls[InstanceT, LoadConfigT]:
        """The calls of this kind."""


class AsyncDownloadedModel(Generic[InfoT, HandleT, LoadConfigT]):
    """A model on a server's disk."""

    def __init__(self, info: InfoT, namespace: AsyncModelNamespace[HandleT, InfoT, Any, LoadConfigT]) -> None:
        self.info: InfoT = info
        """What the server says about it."""
        self._namespace: AsyncModelNamespace[HandleT, InfoT, Any, LoadConfigT] = namespace

    @property
    def type(self) -> ModelNamespace:
        """Which kind of model it is."""
        return self.info.kind

    @property
    def path(self) -> str:
        """`publisher/repository/file`, relative to the server's model folder."""
        return self.info.path

    @property
    def model_key(self) -> str:
        """What a person types to load it."""
        return self.info.model_key

    async def model(
        self,
        *,
        ttl: int | None = DEFAULT_TTL,
        config: LoadConfigT | Mapping[str, Any] | None = None,
        on_load_progress: ModelLoadingCallback | None = None,
    ) -> HandleT:
        """The model, loaded if it is not yet. Arguments as in `AsyncModelNamespace.model`."""
        return await self._namespace.model(self.model_key, ttl=ttl, config=config, on_load_progress=on_load_progress)

    async def load_new_instance(
        self,
        *,
        ttl: int | None = DEFAULT_TTL,
        instance_identifier: str | None = None,
        config: LoadConfigT | Mapping[str, Any] | None = None,
        on_load_progress: ModelLoadingCallback | None = None,
    ) -> HandleT:
        """Load another instance of it. Arguments as in `AsyncModelNamespace.load_new_instance`."""
        return await self._namespace.load_new_instance(
            self.model_key, instance_identifier, ttl=ttl, config=config, on_load_progress=on_load_progress
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.info.in_short()})"


class AsyncDownloadedLlm(AsyncDownloadedModel[LlmInfo, AsyncLLM, LlmLoadModelConfig]):
    """A language model on a server's disk."""


class AsyncDownloadedEmbeddingModel(
    AsyncDownloadedModel[EmbeddingModelInfo, AsyncEmbeddingModel, EmbeddingLoadModelConfig]
):
    """An embedding model on a server's disk."""


class AsyncLLMNamespace(AsyncModelNamespace[AsyncLLM, LlmInfo, LlmInstanceInfo, LlmLoadModelConfig]):
    """The language models of a server."""

    _noun = "model"
    _info = LlmInfo
    _handle = AsyncLLM

    def _calls(self, backend: LMStudioBackend) -> ModelCalls[LlmInstanceInfo, LlmLoadModelConfig]:
        return backend.llm

    async def list_downloaded(self) -> list[AsyncDownloadedLlm]:
        """The language models on the server's disk."""
        return [AsyncDownloadedLlm(info, self) for info in await self.list_infos()]


class AsyncEmbeddingNamespace(
    AsyncModelNamespace[AsyncEmbeddingModel, EmbeddingModelInfo, EmbeddingModelInstanceInfo, EmbeddingLoadModelConfig]
):
    """The embedding models of a server."""

    _noun = "embedding model"
    _info = EmbeddingModelInfo
    _handle = AsyncEmbeddingModel

    def _calls(self, backend: LMStudioBackend) -> ModelCalls[EmbeddingModelInstanceInfo, EmbeddingLoadModelConfig]:
        return backend.embedding

    async def list_downloaded(self) -> list[AsyncDownloadedEmbeddingModel]:
        """The embedding models on the server's disk."""
        return [AsyncDownloadedEmbeddingModel(info, self) for info in await self.list_infos()]
