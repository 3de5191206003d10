"""Where a server listens: on the loopback address, unless another is chosen together with a token."""

from __future__ import annotations

import errno
import ipaddress
import socket
import sys
from typing import Final

from lmchat.protocol.discovery import API_PORTS, LOCAL_HOST
from lmchat.values.errors import EngineError

_PROBE_SECONDS: Final = 0.3
_LAST_PORT: Final = 65535


def listen(port: int | None, host: str = LOCAL_HOST) -> socket.socket:
    """A bound socket. None takes the first free port of those on which clients look for a server; 0 any free one.

    `host` is an address of this machine, or a name of one.

    Raises:
        EngineError: the port or the address is not to be had.
    """
    if port is not None:
        return _bind(port, host)
    for candidate in API_PORTS:
        if _is_taken(candidate):
            continue
        try:
            return _bind(candidate, host)
        except _PortError:
            continue
    ports = ", ".join(str(candidate) for candidate in API_PORTS)
    raise EngineError(f"The ports on which clients look for a server ({ports}) are all taken. Choose one with --port.")


def require_token(host: str, token: str | None) -> None:
    """Make sure that nobody who comes over a network is let in unasked. Raises EngineError."""
    if token is None and not _is_loopback(host):
        raise EngineError(
            f"On {host} everyone on the network could use the models and read what is said. Give --api-token too, "
            "or leave out --host to serve this machine only."
        )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class _PortError(EngineError):
    """This port is not to be had; another may be."""


def _is_taken(port: int) -> bool:
    """Whether anything answers: on some systems a port can be bound although another program serves all addresses."""
    try:
        with socket.create_connection((LOCAL_HOST, port), timeout=_PROBE_SECONDS):
            return True
    except OSError:
        return False


def _bind(port: int, host: str) -> socket.socket:
    if not 0 <= port <= _LAST_PORT:
        raise _PortError(f"{port} is no port. Choose one between 1024 and {_LAST_PORT}.")
    family, address = _resolved(host, port)
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        if sys.platform == "win32":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:  # a port that was just left counts as free
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRNOTAVAIL:
            raise _no_address(host) from error
        raise _PortError(_reason(port, error)) from error
    return listener


def _resolved(host: str, port: int) -> tuple[socket.AddressFamily, tuple[str, int] | tuple[str, int, int, int]]:
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    except (OSError, UnicodeError) as error:
        raise _no_address(host) from error
    assert isinstance(address[0], str)
    return family, address


def _no_address(host: str) -> EngineError:
    return EngineError(f"{host} is no address of this machine. Give one with --host, such as 0.0.0.0 for all of them.")


def _reason(port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} is in use by another program. Choose another port, or end that program."
    return f"Port {port} cannot be used: {error.strerror or error}. Choose another port."
