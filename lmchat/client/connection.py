"""All sockets of one client to one server; each opens when it is needed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import msgspec

from lmchat.client.address import ServerAddress
from lmchat.client.channel import CANCEL, Channel
from lmchat.client.namespace import Namespace
from lmchat.protocol.auth import Credentials
from lmchat.protocol.errors import UNREADABLE

PacketT = TypeVar("PacketT")


class Connection:
    """One client of one server."""

    def __init__(self, address: ServerAddress, credentials: Credentials) -> None:
        self.address = address
        self._credentials = credentials
        self._namespaces: dict[str, Namespace] = {}

    def namespace(self, name: str) -> Namespace:
        """The socket to one namespace."""
        if name not in self._namespaces:
            self._namespaces[name] = Namespace(self.address, name, self._credentials)
        return self._namespaces[name]

    @asynccontextmanager
    async def channel(
        self,
        namespace: str,
        endpoint: str,
        parameter: Any,
        decoder: msgspec.json.Decoder[PacketT],
        *,
        origin: str,
        stop: Any = CANCEL,
        patient: bool = False,
    ) -> AsyncIterator[Channel[PacketT]]:
        """A channel that is left with a word to the server when its caller loses interest."""
        channel = await self.namespace(namespace).open_channel(
            endpoint, parameter, decoder, origin=origin, stop=stop, patient=patient
        )
        try:
            yield channel
        finally:
            await channel.abandon()

    async def list_known(self, namespace: str, endpoint: str, kind: Any) -> list[Any]:
        """A list that a server gives, without what is of no known kind: a server may be newer than this client."""
        entries = await self.namespace(namespace).call(endpoint, result=list[msgspec.Raw])
        return [info for entry in entries if (info := _known(entry, kind)) is not None]

    async def aclose(self) -> None:
        """Close all sockets; the next use opens them again."""
        namespaces, self._namespaces = self._namespaces, {}
        await asyncio.gather(*(namespace.close() for namespace in namespaces.values()))


def _known(entry: msgspec.Raw, kind: Any) -> Any:
    try:
        return msgspec.json.decode(entry, type=kind)
    except UNREADABLE:
        return None
