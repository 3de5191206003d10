"""Models that a server can download, for asynchronous programs."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from lmchat.client.async_models import Connect
from lmchat.client.repository_calls import (
    DownloadFinalizedCallback,
    DownloadProgressCallback,
    DownloadRun,
    RepositoryCalls,
)
from lmchat.protocol.endpoints import DownloadOption, SearchResult
from lmchat.values.loading import DownloadEvent


class AsyncModelDownloadOption:
    """A file of a model that can be downloaded."""

    def __init__(self, info: DownloadOption, repository: RepositoryCalls) -> None:
        self.info = info
        """What the server says about it."""
        self._repository = repository

    def __repr__(self) -> str:
        return f"{type(self).__name__}(name={self.info.name!r}, size_bytes={self.info.size_bytes})"

    async def download(
        self,
        on_progress: DownloadProgressCallback | None = None,
        on_finalize: DownloadFinalizedCallback | None = None,
    ) -> str:
        """Have the server download it, and give the key by which it can be loaded.

        Args:
            on_progress: gets how far the download is, and how fast.
            on_finalize: called once, when all bytes are there and are being checked.

        Raises:
            LMStudioServerError: the download failed.
        """
        run = DownloadRun(on_progress, on_finalize)
        async with aclosing(self.events()) as events:
            async for event in events:
                run.feed(event)
        return run.model_key

    def events(self) -> AsyncGenerator[DownloadEvent, None]:
        """The download as events."""
        return self._repository.download(self.info.download_identifier)


class AsyncAvailableModel:
    """A model that was found."""

    def __init__(self, search_result: SearchResult, repository: RepositoryCalls) -> None:
        self.search_result = search_result
        """What the server says about it."""
        self._repository = repository

    def __repr__(self) -> str:
        return f"{type(self).__name__}(name={self.search_result.name!r})"

    async def get_download_options(self) -> list[AsyncModelDownloadOption]:
        """The files of the model that can be downloaded."""
        options = await self._repository.options(self.search_result)
        return [AsyncModelDownloadOption(info, self._repository) for info in options]


class AsyncRepositoryNamespace:
    """The models that a server can download."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect

    async def search_models(
        self,
        search_term: str | None = None,
        limit: int | None = None,
        compatibility_types: Sequence[str] | None = None,
    ) -> list[AsyncAvailableModel]:
        """Search for models.

        Args:
            search_term: words to look for; None: what the server recommends.
            limit: results at most, 1-25.
            compatibility_types: file formats, such as "gguf"; None: all.

        Raises:
            LMStudioValueError: the limit is not in its range.
        """
        repository = (await self._connect()).repository
        found = await repository.search(search_term, limit, compatibility_types)
        return [AsyncAvailableModel(result, repository) for result in found]
