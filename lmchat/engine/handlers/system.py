"""The `system` namespace: what is on disk, and what the server is."""

from __future__ import annotations

import asyncio
import logging
import os

from lmchat.engine.models.catalog import Catalog
from lmchat.engine.serving.channel import ServerChannel
from lmchat.engine.serving.endpoints import Endpoint, Endpoints
from lmchat.engine.serving.version import server_version
from lmchat.protocol import endpoints as wire
from lmchat.values.model import ModelInfo
from lmchat.values.safe_text import safe_line

_log = logging.getLogger(__name__)


class SystemEndpoints:
    """Handlers of the namespace."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def table(self) -> Endpoints:
        """All endpoints of the namespace."""
        calls = {
            "listDownloadedModels": Endpoint(None, self._list_downloaded_models),
            "version": Endpoint(None, self._version),
            "info": Endpoint(None, self._info),
            "notify": Endpoint(wire.Notify, self._notify),
        }
        return Endpoints(calls, {"alive": Endpoint(None, self._alive)})

    async def _list_downloaded_models(self) -> list[ModelInfo]:
        return [entry.info for entry in await asyncio.to_thread(self._catalog.entries)]

    async def _version(self) -> wire.ServerVersion:
        return wire.ServerVersion(version=server_version())

    async def _info(self) -> wire.ServerInfo:
        return wire.ServerInfo(pid=os.getpid(), is_daemon=True, version=server_version())

    async def _notify(self, notice: wire.Notify) -> None:
        _log.info("a client notes: %s %s", safe_line(notice.title), safe_line(notice.description or ""))

    async def _alive(self, _: ServerChannel) -> None:
        """Stay open, silent, for as long as the server lives: that is all that the client wants to know."""
        await asyncio.Event().wait()
