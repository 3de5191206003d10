"""A server's own affairs, for asynchronous programs: what it has on disk, its version, and what it logs."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TypeAlias

from lmchat.client.async_models import (
    AsyncDownloadedEmbeddingModel,
    AsyncDownloadedLlm,
    AsyncEmbeddingNamespace,
    AsyncLLMNamespace,
    Connect,
)
from lmchat.values.logs import LogEntry
from lmchat.values.model import EmbeddingModelInfo, ModelInfo, read_namespace

AnyAsyncDownloadedModel: TypeAlias = AsyncDownloadedLlm | AsyncDownloadedEmbeddingModel


class AsyncSystemNamespace:
    """The server as a whole."""

    def __init__(self, connect: Connect, llm: AsyncLLMNamespace, embedding: AsyncEmbeddingNamespace) -> None:
        self._connect = connect
        self._llm = llm
        self._embedding = embedding

    async def list_downloaded_models(self, namespace: str | None = None) -> list[AnyAsyncDownloadedModel]:
        """The models on the server's disk.

        Args:
            namespace: "llm" or "embedding" for those of one kind.

        Raises:
            LMStudioValueError: there is no such kind.
        """
        return [self._downloaded(info) for info in await self.list_infos(namespace)]

    async def list_infos(self, namespace: str | None) -> list[ModelInfo]:
        """What the server says about the models on its disk."""
        wanted = read_namespace(namespace)
        return [info for info in await (await self._connect()).downloaded() if wanted in (None, info.kind)]

    async def get_version(self) -> str:
        """The server's version."""
        return await (await self._connect()).version()

    def _downloaded(self, info: ModelInfo) -> AnyAsyncDownloadedModel:
        if isinstance(info, EmbeddingModelInfo):
            return AsyncDownloadedEmbeddingModel(info, self._embedding)
        return AsyncDownloadedLlm(info, self._llm)


class AsyncDiagnosticsNamespace:
    """What a server tells of its own work."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect

    async def stream_logs(self) -> AsyncGenerator[LogEntry, None]:
        """What the server does from now on, as it happens: prompts, answers, and its own log lines.

        It goes on until the server ends it; leave the loop to end it here.
        """
        async with aclosing((await self._connect()).logs()) as entries:
            async for entry in entries:
                yield entry
