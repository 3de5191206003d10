"""The client that scripts share when they make none: `llm()` and its neighbours."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any, Literal, overload

from lmchat.client.load_run import DEFAULT_TTL, ModelLoadingCallback
from lmchat.client.sync_api import Client, LoadedModel
from lmchat.client.sync_handle import LLM, EmbeddingModel
from lmchat.client.sync_models import AnyDownloadedModel, DownloadedEmbeddingModel, DownloadedLlm
from lmchat.values.chat import FileHandle
from lmchat.values.config import EmbeddingLoadModelConfig, LlmLoadModelConfig
from lmchat.values.errors import LMStudioClientError
from lmchat.values.files import LocalFileInput


class _Default:
    """The shared client, made when it is first needed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._client: Client | None = None
        self._arguments: tuple[str | None, str | None] = (None, None)

    def configure(self, api_host: str | None, api_token: str | None) -> None:
        with self._lock:
            if self._client is not None:
                raise LMStudioClientError(
                    "The default client is in use already. Configure it before the first call, or make a Client."
                )
            self._arguments = (api_host, api_token)

    def get(self, api_host: str | None) -> Client:
        with self._lock:
            if self._client is None:
                host, token = self._arguments
                self._client = Client(api_host if api_host is not None else host, token)
            elif api_host is not None and api_host != self._client.api_host:
                raise LMStudioClientError(
                    f"The default client speaks to {self._client.api_host} already. Make a Client for another server."
                )
            return self._client


_default = _Default()


def configure_default_client(api_host: str | None = None, api_token: str | None = None) -> None:
    """Say which server the default client speaks to, before its first use.

    Raises:
        LMStudioClientError: the default client is in use already.
    """
    _default.configure(api_host, api_token)


def get_default_client(api_host: str | None = None) -> Client:
    """The shared client, made now if there is none yet.

    Raises:
        LMStudioClientError: it speaks to another server already.
    """
    return _default.get(api_host)


def llm(
    model_key: str | None = None,
    /,
    *,
    ttl: int | None = DEFAULT_TTL,
    config: LlmLoadModelConfig | Mapping[str, Any] | None = None,
    on_load_progress: ModelLoadingCallback | None = None,
) -> LLM:
    """A language model to talk to: the one of this key, loaded if it is not yet, or without a key any that is loaded.

    Arguments as in `AsyncModelNamespace.model`.

    Raises:
        LMStudioClientError: no server is there, or no key was given and no model is loaded.
        LMStudioModelNotFoundError: the server has no such model.
    """
    return get_default_client().llm.model(model_key, ttl=ttl, config=config, on_load_progress=on_load_progress)


def embedding_model(
    model_key: str | None = None,
    /,
    *,
    ttl: int | None = DEFAULT_TTL,
    config: EmbeddingLoadModelConfig | Mapping[str, Any] | None = None,
    on_load_progress: ModelLoadingCallback | None = None,
) -> EmbeddingModel:
    """Like `llm`, an embedding model."""
    return get_default_client().embedding.model(model_key, ttl=ttl, config=config, on_load_progress=on_load_progress)


@overload
def list_downloaded_models(namespace: Literal["llm"]) -> list[DownloadedLlm]: ...
@overload
def list_downloaded_models(namespace: Literal["embedding"]) -> list[DownloadedEmbeddingModel]: ...
@overload
def list_downloaded_models(namespace: str | None = None) -> list[AnyDownloadedModel]: ...
def list_downloaded_models(namespace: str | None = None) -> list[Any]:
    """The models on the server's disk; "llm" or "embedding" gives those of one kind."""
    return get_default_client().list_downloaded_models(namespace)


@overload
def list_loaded_models(namespace: Literal["llm"]) -> list[LLM]: ...
@overload
def list_loaded_models(namespace: Literal["embedding"]) -> list[EmbeddingModel]: ...
@overload
def list_loaded_models(namespace: str | None = None) -> list[LoadedModel]: ...
def list_loaded_models(namespace: str | None = None) -> list[Any]:
    """The models that are loaded; "llm" or "embedding" gives those of one kind."""
    return get_default_client().list_loaded_models(namespace)


def prepare_image(src: LocalFileInput, name: str | None = None) -> FileHandle:
    """Hand an image to the server, for `Chat.add_user_message`. Arguments as in `AsyncFilesNamespace.prepare_image`."""
    return get_default_client().prepare_image(src, name)


def prepare_file(src: LocalFileInput, name: str | None = None) -> FileHandle:
    """Hand any file to the server. Arguments as in `AsyncFilesNamespace.prepare_image`."""
    return get_default_client().prepare_file(src, name)
