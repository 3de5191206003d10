"""Finding models that a server can download, and having it download them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from typing import Any, Final, TypeAlias

import msgspec

from lmchat.client.callbacks import tell
from lmchat.client.connection import Connection
from lmchat.client.namespace import Namespace
from lmchat.protocol import endpoints as wire
from lmchat.values.errors import LMStudioClientError, LMStudioModelNotFoundError, LMStudioValueError
from lmchat.values.loading import DownloadEvent, DownloadFinalizing, DownloadProgressUpdate, ModelDownloaded

DownloadProgressCallback: TypeAlias = Callable[[DownloadProgressUpdate], Any]
DownloadFinalizedCallback: TypeAlias = Callable[[], Any]

LIMITS: Final = (1, 25)
"""Results of one search. Source: the protocol's searchModels."""

_download_decoder: msgspec.json.Decoder[wire.DownloadPacket] = msgspec.json.Decoder(wire.DownloadPacket)


class RepositoryCalls:
    """The models that one server can download."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def search(
        self, term: str | None, limit: int | None = None, formats: Sequence[str] | None = None
    ) -> tuple[wire.SearchResult, ...]:
        """Models that fit a search term, the best first."""
        if limit is not None and not LIMITS[0] <= limit <= LIMITS[1]:
            raise LMStudioValueError(f"limit takes {LIMITS[0]} to {LIMITS[1]}; {limit} does not fit.")
        options = wire.SearchOptions(
            search_term=term, limit=limit, compatibility_types=None if formats is None else tuple(formats)
        )
        search = wire.SearchModels(opts=options)
        return (await self._repository().call("searchModels", search, result=wire.SearchResults)).results

    async def options(self, found: wire.SearchResult) -> tuple[wire.DownloadOption, ...]:
        """The files of a model that can be downloaded."""
        choice = wire.GetModelDownloadOptions(model_search_result_identifier=found.identifier)
        answer = await self._repository().call("getModelDownloadOptions", choice, result=wire.DownloadOptions)
        return answer.results

    async def download(self, download_identifier: str) -> AsyncGenerator[DownloadEvent, None]:
        """Have a file downloaded; the last event is a `ModelDownloaded`."""
        parameter = wire.DownloadModel(download_identifier=download_identifier)
        async with self._connection.channel(
            "repository", "downloadModel", parameter, _download_decoder, origin="Download error"
        ) as channel:
            while packets := await channel.take():
                for packet in packets:
                    match packet:
                        case wire.DownloadProgress(update=update):
                            yield update
                        case wire.StartFinalizing():
                            yield DownloadFinalizing()
                        case wire.DownloadSuccess(default_identifier=key):
                            yield ModelDownloaded(key)
                            return
            raise channel.truncated()

    async def download_best(self, term: str) -> AsyncGenerator[DownloadEvent, None]:
        """Have the best match for a search term downloaded."""
        if not (found := await self.search(term, limit=1)):
            raise LMStudioModelNotFoundError(
                f"{self._connection.address} knows no model {term!r} that it could download."
            )
        if not (options := await self.options(found[0])):
            raise LMStudioModelNotFoundError(f"{self._connection.address} has no file of {term!r} to download.")
        best = next((option for option in options if option.recommended), options[0])
        async with aclosing(self.download(best.download_identifier)) as events:
            async for event in events:
                yield event

    def _repository(self) -> Namespace:
        return self._connection.namespace("repository")


class DownloadRun:
    """The fold of a download's events. Callbacks run on whichever thread iterates."""

    def __init__(
        self, on_progress: DownloadProgressCallback | None, on_finalize: DownloadFinalizedCallback | None
    ) -> None:
        self._on_progress = on_progress
        self._on_finalize = on_finalize
        self._model_key: str | None = None

    def feed(self, event: DownloadEvent) -> None:
        """Take the next event."""
        match event:
            case DownloadProgressUpdate():
                tell(self._on_progress, event)
            case DownloadFinalizing():
                tell(self._on_finalize)
            case ModelDownloaded(key):
                self._model_key = key

    @property
    def model_key(self) -> str:
        """The key by which the model can be loaded.

        Raises:
            LMStudioClientError: the download ended without one.
        """
        if self._model_key is None:
            raise LMStudioClientError("The download ended without a model. Try again; what is there already is kept.")
        return self._model_key
