"""How a client finds a server on this machine, and how a server says that it is one."""

from __future__ import annotations

from typing import Final

import msgspec

from lmchat.protocol.errors import UNREADABLE

LOCAL_HOST: Final = "127.0.0.1"
API_PORTS: Final = (41343, 52993, 16141, 39414, 22931)
"""The ports on which LM Studio's API listens, in the order in which clients try them. The REST port 1234 is not one."""

GREETING_PATH: Final = "/lmstudio-greeting"
GREETING_BODY: Final = b'{"lmstudio":true}'
STATUS_PATH: Final = "/lms-status"

NAMESPACES: Final = frozenset(
    {"llm", "embedding", "system", "files", "repository", "plugins", "diagnostics", "runtime"}
)
"""Each namespace is a websocket of its own, at the path of its name."""


class ServerStatus(msgspec.Struct, frozen=True):
    """What a server answers at `STATUS_PATH`."""

    package: str
    version: str


def read_status(body: bytes) -> ServerStatus | None:
    """What a server says of itself, or None when the body is not from one."""
    try:
        return msgspec.json.decode(body, type=ServerStatus)
    except UNREADABLE:
        return None


class _Greeting(msgspec.Struct, frozen=True):
    lmstudio: bool


def is_greeting(body: bytes) -> bool:
    """Whether a body fetched from `GREETING_PATH` is a server's.

    The HTTP status says nothing: LM Studio answers 200 to paths that it does not know.
    """
    try:
        return msgspec.json.decode(body, type=_Greeting).lmstudio
    except UNREADABLE:
        return False
