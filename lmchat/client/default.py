"""The client that scripts share when they make none: `llm()` and its neighbours."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from lmchat.client.async_api import DEFAULT_TTL
from lmchat.client.sync_api import LLM, Client
from lmchat.values.config import LoadConfigInput
from lmchat.values.errors import LMStudioClientError
from lmchat.values.model import ModelInfo


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
    config: LoadConfigInput | None = None,
    on_load_progress: Callable[[float], Any] | None = None,
) -> LLM:
    """A model to talk to: the one of this key, loaded if it is not yet, or without a key any that is loaded.

    Arguments as in `AsyncLLMNamespace.model`.

    Raises:
        LMStudioClientError: no server is there, or no key was given and no model is loaded.
        LMStudioModelNotFoundError: the server has no such model.
    """
    return get_default_client().llm.model(model_key, ttl=ttl, config=config, on_load_progress=on_load_progress)


def list_downloaded_models() -> list[ModelInfo]:
    """The models on the server's disk."""
    return get_default_client().list_downloaded_models()


def list_loaded_models() -> list[LLM]:
    """The models that are loaded."""
    return get_default_client().list_loaded_models()
