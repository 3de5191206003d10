"""The asynchronous client: `AsyncClient`, and through it everything that a server offers."""

from __future__ import annotations

import asyncio
import os
from types import TracebackType
from typing import Any, Final, Literal, TypeAlias, overload

from lmchat.client.address import ServerAddress
from lmchat.client.async_embedding import AsyncEmbeddingModel
from lmchat.client.async_files import AsyncFilesNamespace
from lmchat.client.async_llm import AsyncLLM
from lmchat.client.async_models import (
    AsyncDownloadedEmbeddingModel,
    AsyncDownloadedLlm,
    AsyncEmbeddingNamespace,
    AsyncLLMNamespace,
)
from lmchat.client.async_repository import AsyncRepositoryNamespace
from lmchat.client.async_system import AnyAsyncDownloadedModel, AsyncDiagnosticsNamespace, AsyncSystemNamespace
from lmchat.client.discovery import find_local_server, no_local_server, probe_blocking, require_server
from lmchat.client.lmstudio import LMStudioBackend
from lmchat.client.load_run import DEFAULT_TTL
from lmchat.protocol.auth import Credentials
from lmchat.values.chat import FileHandle
from lmchat.values.files import LocalFileInput
from lmchat.values.model import read_namespace

__all__ = ["DEFAULT_TTL", "AsyncClient", "AsyncLLM", "AsyncLoadedModel", "credentials"]

AsyncLoadedModel: TypeAlias = AsyncLLM | AsyncEmbeddingModel
_TOKEN_VARIABLES: Final = ("LM_API_TOKEN", "LMSTUDIO_API_TOKEN")


def credentials(api_token: str | None) -> Credentials:
    """Those of a token given, else of one in the environment, else a guest's; an empty token means none."""
    if api_token is None:
        api_token = next((value for name in _TOKEN_VARIABLES if (value := os.environ.get(name))), "")
    return Credentials.from_token(api_token) if api_token else Credentials.guest()


class AsyncClient:
    """A connection to a server, for use in asynchronous programs."""

    def __init__(self, api_host: str | None = None, api_token: str | None = None) -> None:
        """Prepare a client; nothing is connected before it is used.

        Args:
            api_host: `host:port` or a `ws://`/`wss://` address, also with a path; None: the server found on this
                machine.
            api_token: an API token; None: the one in `LM_API_TOKEN` or `LMSTUDIO_API_TOKEN`, if any.

        Raises:
            LMStudioValueError: the address or the token has not the form of one.
        """
        self._address = ServerAddress.parse(api_host) if api_host is not None else None
        self._credentials = credentials(api_token)
        self._backend: LMStudioBackend | None = None
        self._connecting = asyncio.Lock()
        self.llm: Final = AsyncLLMNamespace(self.backend)
        self.embedding: Final = AsyncEmbeddingNamespace(self.backend)
        self.system: Final = AsyncSystemNamespace(self.backend, self.llm, self.embedding)
        self.files: Final = AsyncFilesNamespace(self.backend)
        self.repository: Final = AsyncRepositoryNamespace(self.backend)
        self.diagnostics: Final = AsyncDiagnosticsNamespace(self.backend)

    async def __aenter__(self) -> AsyncClient:
        await self.backend()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    @property
    def api_host(self) -> str | None:
        """The server's address, once it is known."""
        return None if self._address is None else str(self._address)

    async def backend(self) -> LMStudioBackend:
        """The connection itself; the server is looked for on first use.

        Raises:
            LMStudioClientError: no server is there.
        """
        async with self._connecting:
            if self._backend is None:
                if self._address is None and (found := await find_local_server()) is not None:
                    self._address = found
                elif self._address is None:
                    raise no_local_server()
                else:
                    await require_server(self._address)
                self._backend = LMStudioBackend(self._address, self._credentials)
            return self._backend

    async def aclose(self) -> None:
        """Close all connections; the next use opens them again."""
        backend, self._backend = self._backend, None
        if backend is not None:
            await backend.aclose()

    @overload
    async def list_downloaded_models(self, namespace: Literal["llm"]) -> list[AsyncDownloadedLlm]: ...
    @overload
    async def list_downloaded_models(self, namespace: Literal["embedding"]) -> list[AsyncDownloadedEmbeddingModel]: ...
    @overload
    async def list_downloaded_models(self, namespace: str | None = None) -> list[AnyAsyncDownloadedModel]: ...
    async def list_downloaded_models(self, namespace: str | None = None) -> list[Any]:
        """The models on the server's disk; see `AsyncSystemNamespace.list_downloaded_models`."""
        return await self.system.list_downloaded_models(namespace)

    @overload
    async def list_loaded_models(self, namespace: Literal["llm"]) -> list[AsyncLLM]: ...
    @overload
    async def list_loaded_models(self, namespace: Literal["embedding"]) -> list[AsyncEmbeddingModel]: ...
    @overload
    async def list_loaded_models(self, namespace: str | None = None) -> list[AsyncLoadedModel]: ...
    async def list_loaded_models(self, namespace: str | None = None) -> list[Any]:
        """The models that are loaded.

        Args:
            namespace: "llm" or "embedding" for those of one kind.

        Raises:
            LMStudioValueError: there is no such kind.
        """
        match read_namespace(namespace):
            case "llm":
                return await self.llm.list_loaded()
            case "embedding":
                return await self.embedding.list_loaded()
        llms, embedding_models = await asyncio.gather(self.llm.list_loaded(), self.embedding.list_loaded())
        return [*llms, *embedding_models]

    async def prepare_image(self, src: LocalFileInput, name: str | None = None) -> FileHandle:
        """Hand an image to the server; see `AsyncFilesNamespace.prepare_image`."""
        return await self.files.prepare_image(src, name)

    async def prepare_file(self, src: LocalFileInput, name: str | None = None) -> FileHandle:
        """Hand a file to the server; see `AsyncFilesNamespace.prepare_file`."""
        return await self.files.prepare_file(src, name)

    @staticmethod
    async def is_valid_api_host(api_host: str) -> bool:
        """Whether a server answers at an address."""
        return await asyncio.to_thread(probe_blocking, ServerAddress.parse(api_host)) == "server"

    @staticmethod
    async def find_default_local_api_host() -> str | None:
        """The address of the server on this machine, or None when there is none."""
        found = await find_local_server()
        return None if found is None else str(found)
