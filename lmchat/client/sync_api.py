"""The synchronous client. It only waits: every decision is the asynchronous client's."""

from __future__ import annotations

from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Final, Literal, TypeAlias, TypeVar, overload

from lmchat.client.async_api import AsyncClient
from lmchat.client.portal import Portal
from lmchat.client.sync_handle import LLM, EmbeddingModel
from lmchat.client.sync_models import (
    AnyDownloadedModel,
    DownloadedEmbeddingModel,
    DownloadedLlm,
    EmbeddingNamespace,
    LLMNamespace,
)
from lmchat.client.sync_services import DiagnosticsNamespace, FilesNamespace, RepositoryNamespace, SystemNamespace
from lmchat.values.chat import FileHandle
from lmchat.values.files import LocalFileInput
from lmchat.values.model import read_namespace

T = TypeVar("T")
LoadedModel: TypeAlias = LLM | EmbeddingModel


class Client:
    """A connection to a server, for use in synchronous programs."""

    def __init__(self, api_host: str | None = None, api_token: str | None = None) -> None:
        """Prepare a client; nothing is connected before it is used. Arguments as in `AsyncClient`."""
        self._portal = Portal()
        self._client = AsyncClient(api_host, api_token)
        self.llm: Final = LLMNamespace(self._client.llm, self._portal)
        self.embedding: Final = EmbeddingNamespace(self._client.embedding, self._portal)
        self.system: Final = SystemNamespace(self._client.system, self.llm, self.embedding, self._portal)
        self.files: Final = FilesNamespace(self._client.files, self._portal)
        self.repository: Final = RepositoryNamespace(self._client.repository, self._portal)
        self.diagnostics: Final = DiagnosticsNamespace(self._client.diagnostics, self._portal)

    def __enter__(self) -> Client:
        self._portal.call(self._client.backend())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def api_host(self) -> str | None:
        """The server's address, once it is known."""
        return self._client.api_host

    def close(self) -> None:
        """Close all connections."""
        self._portal.call(self._client.aclose())
        self._portal.close()

    @overload
    def list_downloaded_models(self, namespace: Literal["llm"]) -> list[DownloadedLlm]: ...
    @overload
    def list_downloaded_models(self, namespace: Literal["embedding"]) -> list[DownloadedEmbeddingModel]: ...
    @overload
    def list_downloaded_models(self, namespace: str | None = None) -> list[AnyDownloadedModel]: ...
    def list_downloaded_models(self, namespace: str | None = None) -> list[Any]:
        """The models on the server's disk; see `AsyncSystemNamespace.list_downloaded_models`."""
        return self.system.list_downloaded_models(namespace)

    @overload
    def list_loaded_models(self, namespace: Literal["llm"]) -> list[LLM]: ...
    @overload
    def list_loaded_models(self, namespace: Literal["embedding"]) -> list[EmbeddingModel]: ...
    @overload
    def list_loaded_models(self, namespace: str | None = None) -> list[LoadedModel]: ...
    def list_loaded_models(self, namespace: str | None = None) -> list[Any]:
        """The models that are loaded; see `AsyncClient.list_loaded_models`."""
        wanted = read_namespace(namespace)
        llms = [] if wanted == "embedding" else self.llm.list_loaded()
        embedding_models = [] if wanted == "llm" else self.embedding.list_loaded()
        return [*llms, *embedding_models]

    def prepare_image(self, src: LocalFileInput, name: str | None = None) -> FileHandle:
        """Hand an image to the server; see `AsyncFilesNamespace.prepare_image`."""
        return self.files.prepare_image(src, name)

    def prepare_file(self, src: LocalFileInput, name: str | None = None) -> FileHandle:
        """Hand a file to the server; see `AsyncFilesNamespace.prepare_file`."""
        return self.files.prepare_file(src, name)

    @staticmethod
    def is_valid_api_host(api_host: str) -> bool:
        """Whether a server answers at an address."""
        return _in_passing(AsyncClient.is_valid_api_host(api_host))

    @staticmethod
    def find_default_local_api_host() -> str | None:
        """The address of the server on this machine, or None when there is none."""
        return _in_passing(AsyncClient.find_default_local_api_host())


def _in_passing(work: Coroutine[Any, Any, T]) -> T:
    portal = Portal()
    try:
        return portal.call(work)
    finally:
        portal.close()
