"""The port on which a server listens, on the loopback address only."""

from __future__ import annotations

import errno
import socket
import sys
from typing import Final

from lmchat.protocol.discovery import API_PORTS, LOCAL_HOST
from lmchat.values.errors import EngineError

_PROBE_SECONDS: Final = 0.3


def listen(port: int | None) -> socket.socket:
    """A bound socket. None takes the first free port of those on which clients look for a server; 0 any free one.

    Raises:
        EngineError: the port is not to be had.
    """
    if port is not None:
        return _bind(port)
    for candidate in API_PORTS:
        if _is_taken(candidate):
            continue
        try:
            return _bind(candidate)
        except EngineError:
            continue
    ports = ", ".join(str(candidate) for candidate in API_PORTS)
    raise EngineError(f"The ports on which clients look for a server ({ports}) are all taken. Choose one with --port.")


def _is_taken(port: int) -> bool:
    """Whether anything answers: on some systems a port can be bound although another program serves all addresses."""
    try:
        with socket.create_connection((LOCAL_HOST, port), timeout=_PROBE_SECONDS):
            return True
    except OSError:
        return False


def _bind(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        if sys.platform == "win32":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:  # a port that was just left counts as free
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((LOCAL_HOST, port))
    except (OSError, OverflowError) as error:
        listener.close()
        raise EngineError(_reason(port, error)) from error
    return listener


def _reason(port: int, error: OSError | OverflowError) -> str:
    if isinstance(error, OverflowError):
        return f"{port} is no port. Choose one between 1024 and 65535."
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} is in use by another program. Choose another port, or end that program."
    return f"Port {port} cannot be used: {error.strerror or error}. Choose another port."
