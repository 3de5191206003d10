"""The `system` namespace: what is on disk, and what the server is."""

from __future__ import annotations

import asyncio
import logging
import os
from typing import Any, Final

from lmchat.engine.faults import RequestError
from lmchat.engine.models.catalog import Catalog
from lmchat.engine.models.matching import matching
from lmchat.engine.serving.channel import ServerChannel
from lmchat.engine.serving.endpoints import Endpoint, Endpoints
from lmchat.engine.serving.version import server_version
from lmchat.protocol import endpoints as wire
from lmchat.protocol.engine_endpoints import ModelKeyParameter, SetExperimentFlag
from lmchat.protocol.errors import failure
from lmchat.values.model import ModelInfo
from lmchat.values.safe_text import safe_line

_MAX_FLAGS: Final = 1000

_log = logging.getLogger(__name__)


class SystemEndpoints:
    """Handlers of the namespace."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._flags: set[str] = set()

    def table(self) -> Endpoints:
        """All endpoints of the namespace."""
        calls = {
            "listDownloadedModels": Endpoint(None, self._list_downloaded_models),
            "version": Endpoint(None, self._version),
            "info": Endpoint(None, self._info),
            "notify": Endpoint(wire.Notify, self._notify),
            "listDownloadedModelVariants": Endpoint(ModelKeyParameter, self._list_variants),
            "setExperimentFlag": Endpoint(SetExperimentFlag, self._set_experiment_flag),
            "getExperimentFlags": Endpoint(None, self._get_experiment_flags),
            "startHttpServer": Endpoint(Any, self._accept),
            "stopHttpServer": Endpoint(None, self._keep_running),
            "requestShutdown": Endpoint(None, self._keep_running),
        }
        return Endpoints(calls, {"alive": Endpoint(None, self._alive)})

    async def _list_downloaded_models(self) -> list[ModelInfo]:
        return [entry.info for entry in await asyncio.to_thread(self._catalog.entries)]

    async def _list_variants(self, request: ModelKeyParameter) -> list[ModelInfo]:
        entries = await asyncio.to_thread(self._catalog.entries)
        return [entry.info for entry in matching(entries, request.model_key)[:1]]

    async def _set_experiment_flag(self, flag: SetExperimentFlag) -> None:
        """Flags are remembered for those who ask, and change nothing."""
        if flag.value and len(self._flags) < _MAX_FLAGS:
            self._flags.add(flag.code)
        else:
            self._flags.discard(flag.code)

    async def _get_experiment_flags(self) -> list[str]:
        return sorted(self._flags)

    async def _accept(self, _: Any) -> None:
        """HTTP is served from the beginning, on the port that was chosen then."""

    async def _keep_running(self) -> None:
        raise RequestError(failure("This server ends with the program that runs it, and not before"))

    async def _version(self) -> wire.ServerVersion:
        return wire.ServerVersion(version=server_version())

    async def _info(self) -> wire.ServerInfo:
        return wire.ServerInfo(pid=os.getpid(), is_daemon=True, version=server_version())

    async def _notify(self, notice: wire.Notify) -> None:
        _log.info("a client notes: %s %s", safe_line(notice.title), safe_line(notice.description or ""))

    async def _alive(self, _: ServerChannel) -> None:
        """Stay open, silent, for as long as the server lives: that is all that the client wants to know."""
        await asyncio.Event().wait()
