"""Which address answers as a server of LM Studio's protocol."""

from __future__ import annotations

import asyncio
import http.client
from typing import Final, Literal, TypeAlias

from lmchat.client.address import ServerAddress
from lmchat.protocol.discovery import API_PORTS, GREETING_PATH, LOCAL_HOST, STATUS_PATH, is_greeting, read_status
from lmchat.values.errors import LMStudioClientError

PROBE_TIMEOUT: Final = 1.0
"""Seconds that one address gets to answer."""
_BODY_LIMIT: Final = 4096

Probe: TypeAlias = Literal["server", "foreign", "silent"]
"""What is at an address: a server of the protocol, something else that speaks, or nothing that answers."""


def probe_blocking(address: ServerAddress, timeout: float = PROBE_TIMEOUT) -> Probe:
    """Look at one address. Never raises for what it finds there."""
    try:
        body = _get(address, GREETING_PATH, timeout)
    except (OSError, UnicodeError):
        return "silent"
    except http.client.HTTPException:
        return "foreign"
    return "server" if is_greeting(body) else "foreign"


async def server_package(address: ServerAddress, timeout: float = PROBE_TIMEOUT) -> str | None:
    """The program that a server says it is, or None when it does not say."""
    try:
        status = read_status(await asyncio.to_thread(_get, address, STATUS_PATH, timeout))
    except (OSError, UnicodeError, http.client.HTTPException):
        return None
    return None if status is None else status.package


def _get(address: ServerAddress, path: str, timeout: float) -> bytes:
    kind = http.client.HTTPSConnection if address.secure else http.client.HTTPConnection
    connection = kind(address.host, address.port, timeout=timeout)
    try:
        connection.request("GET", address.prefix + path)
        return connection.getresponse().read(_BODY_LIMIT)
    finally:
        connection.close()


async def probe(address: ServerAddress, timeout: float = PROBE_TIMEOUT) -> Probe:
    """Like `probe_blocking`, without holding the event loop."""
    return await asyncio.to_thread(probe_blocking, address, timeout)


async def find_local_server(timeout: float = PROBE_TIMEOUT) -> ServerAddress | None:
    """The first of the usual local ports on which a server answers; all are asked at once."""
    addresses = [ServerAddress(LOCAL_HOST, port) for port in API_PORTS]
    answers = await asyncio.gather(*(probe(address, timeout) for address in addresses))
    return next((address for address, found in zip(addresses, answers, strict=True) if found == "server"), None)


async def require_server(address: ServerAddress, timeout: float = PROBE_TIMEOUT) -> None:
    """Make sure that a server of the protocol is at an address.

    Raises:
        LMStudioClientError: nothing answers there, or something else does.
    """
    match await probe(address, timeout):
        case "silent":
            raise LMStudioClientError(
                f"LM Studio is not reachable at {address}. Is LM Studio running there? "
                "Start its server, or run `lmchat serve`."
            )
        case "foreign":
            raise LMStudioClientError(f"What answers at {address} is not LM Studio. Check the host and the port.")


def no_local_server() -> LMStudioClientError:
    """The error for a machine on which no server runs."""
    return LMStudioClientError(
        "No LM Studio answers on this machine's usual ports. "
        "Start LM Studio, or run `lmchat serve` in another terminal."
    )
