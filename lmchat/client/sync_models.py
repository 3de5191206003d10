"""The models of a server, for synchronous programs. They only wait: the asynchronous namespaces do the work."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Mapping
from typing import Any, Generic, TypeAlias, TypeVar

from lmchat.client.async_embedding import AsyncEmbeddingModel
from lmchat.client.async_llm import AsyncLLM
from lmchat.client.async_models import AsyncModelNamespace, InfoT
from lmchat.client.load_run import DEFAULT_TTL, LoadRun, ModelLoadingCallback
from lmchat.client.model_calls import InstanceT, LoadConfigT
from lmchat.client.portal import Portal
from lmchat.client.sync_handle import LLM, AsyncT, EmbeddingModel
from lmchat.values.config import EmbeddingLoadModelConfig, LlmLoadModelConfig
from lmchat.values.loading import LoadEvent, ModelUsageEstimate
from lmchat.values.model import (
    EmbeddingModelInfo,
    EmbeddingModelInstanceInfo,
    LlmInfo,
    LlmInstanceInfo,
    ModelNamespace,
)

HandleT = TypeVar("HandleT", LLM, EmbeddingModel)


class SyncModelNamespace(ABC, Generic[HandleT, AsyncT, InfoT, InstanceT, LoadConfigT]):
    """The models of one kind."""

    def __init__(self, namespace: AsyncModelNamespace[AsyncT, InfoT, InstanceT, LoadConfigT], portal: Portal) -> None:
        self._namespace: AsyncModelNamespace[AsyncT, InfoT, InstanceT, LoadConfigT] = namespace
        self._portal = portal

    def model(
        self,
        model_key: str | None = None,
        /,
        *,
        ttl: int | None = DEFAULT_TTL,
        config: LoadConfigT | Mapping[str, Any] | None = None,
        on_load_progress: ModelLoadingCallback | None = None,
    ) -> HandleT:
        """A model to use: the one of this key, loaded if it is not yet, or without a key any that is loaded.

        Arguments and errors as in `AsyncModelNamespace.model`.
        """
        if model_key is None:
            return self._handle(self._portal.call(self._namespace.any_loaded()))
        return self._finished(self._namespace.load_events(model_key, ttl, config), LoadRun(model_key, on_load_progress))

    def load_new_instance(
        self,
        model_key: str,
        instance_identifier: str | None = None,
        *,
        ttl: int | None = DEFAULT_TTL,
        config: LoadConfigT | Mapping[str, Any] | None = None,
        on_load_progress: ModelLoadingCallback | None = None,
    ) -> HandleT:
        """Load another instance of a model, whatever is loaded.

        Arguments and errors as in `AsyncModelNamespace.load_new_instance`.
        """
        events = self._namespace.new_load_events(model_key, instance_identifier, ttl, config)
        return self._finished(events, LoadRun(model_key, on_load_progress))

    def list_loaded(self) -> list[HandleT]:
        """The instances that are loaded."""
        return [self._handle(model) for model in self._portal.call(self._namespace.list_loaded())]

    def get_model_info(self, identifier: str, /) -> InstanceT:
        """What the server says about a loaded model."""
        return self._portal.call(self._namespace.get_model_info(identifier))

    def unload(self, identifier: str, /) -> None:
        """Unload an instance.

        Raises:
            LMStudioModelNotFoundError: no such instance is loaded.
        """
        self._portal.call(self._namespace.unload(identifier))

    def estimate_usage(
        self, model_key: str, /, *, config: LoadConfigT | Mapping[str, Any] | None = None
    ) -> ModelUsageEstimate:
        """What loading a model would take, without loading it. Errors as in `AsyncModelNamespace.estimate_usage`."""
        return self._portal.call(self._namespace.estimate_usage(model_key, config=config))

    def _finished(self, events: AsyncGenerator[LoadEvent, None], run: LoadRun) -> HandleT:
        # Event by event, so that a long load that tells its progress meets no timeout, and callbacks run here.
        for event in self._portal.iterate(events):
            run.feed(event)
        return self._handle(self._portal.call(self._namespace.handle(run.identifier)))

    @abstractmethod
    def _handle(self, model: AsyncT) -> HandleT: ...


class DownloadedModel(Generic[HandleT, AsyncT, InfoT, LoadConfigT]):
    """A model on a server's disk."""

    def __init__(self, info: InfoT, namespace: SyncModelNamespace[HandleT, AsyncT, InfoT, Any, LoadConfigT]) -> None:
        self.info: InfoT = info
        """What the server says about it."""
        self._namespace: SyncModelNamespace[HandleT, AsyncT, InfoT, Any, LoadConfigT] = namespace

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

    def model(
        self,
        *,
        ttl: int | None = DEFAULT_TTL,
        config: LoadConfigT | Mapping[str, Any] | None = None,
        on_load_progress: ModelLoadingCallback | None = None,
    ) -> HandleT:
        """The model, loaded if it is not yet. Arguments as in `AsyncModelNamespace.model`."""
        return self._namespace.model(self.model_key, ttl=ttl, config=config, on_load_progress=on_load_progress)

    def load_new_instance(
        self,
        *,
        ttl: int | None = DEFAULT_TTL,
        instance_identifier: str | None = None,
        config: LoadConfigT | Mapping[str, Any] | None = None,
        on_load_progress: ModelLoadingCallback | None = None,
    ) -> HandleT:
        """Load another instance of it. Arguments as in `AsyncModelNamespace.load_new_instance`."""
        return self._namespace.load_new_instance(
            self.model_key, instance_identifier, ttl=ttl, config=config, on_load_progress=on_load_progress
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.info.in_short()})"


class DownloadedLlm(DownloadedModel[LLM, AsyncLLM, LlmInfo, LlmLoadModelConfig]):
    """A language model on a server's disk."""


class DownloadedEmbeddingModel(
    DownloadedModel[EmbeddingModel, AsyncEmbeddingModel, EmbeddingModelInfo, EmbeddingLoadModelConfig]
):
    """An embedding model on a server's disk."""


AnyDownloadedModel: TypeAlias = DownloadedLlm | DownloadedEmbeddingModel


class LLMNamespace(SyncModelNamespace[LLM, AsyncLLM, LlmInfo, LlmInstanceInfo, LlmLoadModelConfig]):
    """The language models of a server."""

    def list_downloaded(self) -> list[DownloadedLlm]:
        """The language models on the server's disk."""
        return [DownloadedLlm(info, self) for info in self._portal.call(self._namespace.list_infos())]

    def _handle(self, model: AsyncLLM) -> LLM:
        return LLM(model, self._portal)


class EmbeddingNamespace(
    SyncModelNamespace[
        EmbeddingModel, AsyncEmbeddingModel, EmbeddingModelInfo, EmbeddingModelInstanceInfo, EmbeddingLoadModelConfig
    ]
):
    """The embedding models of a server."""

    def list_downloaded(self) -> list[DownloadedEmbeddingModel]:
        """The embedding models on the server's disk."""
        return [DownloadedEmbeddingModel(info, self) for info in self._portal.call(self._namespace.list_infos())]

    def _handle(self, model: AsyncEmbeddingModel) -> EmbeddingModel:
        return EmbeddingModel(model, self._portal)
