"""The `diagnostics` namespace: what the server does, as it happens."""

from __future__ import annotations

from typing import NoReturn

from lmchat.engine.faults import StoppedByClient
from lmchat.engine.logstream import LogStream
from lmchat.engine.serving.channel import ServerChannel
from lmchat.engine.serving.endpoints import Endpoint, Endpoints
from lmchat.protocol import endpoints as wire


class DiagnosticsEndpoints:
    """Handlers of the namespace."""

    def __init__(self, logs: LogStream) -> None:
        self._logs = logs

    def table(self) -> Endpoints:
        """All endpoints of the namespace."""
        return Endpoints({}, {"streamLogs": Endpoint(None, self._stream_logs)})

    async def _stream_logs(self, channel: ServerChannel) -> None:
        try:
            await channel.unless_stopped(self._pass_on(channel))
        except StoppedByClient:
            return

    async def _pass_on(self, channel: ServerChannel) -> NoReturn:
        with self._logs.listen() as entries:
            while True:
                await channel.send(wire.Log(log=await entries.get()))
