"""The handshake: the first message on every socket, and the one answer to it."""

from __future__ import annotations

import re
import secrets
import uuid
from dataclasses import dataclass

import msgspec

from lmchat.protocol.errors import UNREADABLE
from lmchat.values.errors import LMStudioValueError

_TOKEN = re.compile(r"sk-lm-([A-Za-z0-9]{8}):([A-Za-z0-9]{20})")
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


@dataclass(frozen=True, slots=True, repr=False)
class Credentials:
    """Who a client is. All sockets of one client share them."""

    identifier: str
    passkey: str

    @classmethod
    def guest(cls) -> Credentials:
        """Those of a client without an API token: new for each client."""
        return cls(f"guest:{uuid.uuid4()}", secrets.token_urlsafe(24))

    @classmethod
    def from_token(cls, token: str) -> Credentials:
        """Those that an API token stands for; the token itself never travels whole.

        Raises:
            LMStudioValueError: this is not an API token. The message does not repeat it.
        """
        if (match := _TOKEN.fullmatch(token.strip())) is None:
            raise LMStudioValueError(
                "The API token does not have LM Studio's form (sk-lm-, 8 characters, a colon, 20 characters). "
                "Copy it again from LM Studio's settings."
            )
        return cls(match[1], match[2])


def new_token() -> str:
    """A fresh random API token."""

    def pick(count: int) -> str:
        return "".join(secrets.choice(_ALPHABET) for _ in range(count))

    return f"sk-lm-{pick(8)}:{pick(20)}"


class AuthRequest(msgspec.Struct, frozen=True, rename="camel"):
    """A client's first message."""

    client_identifier: str
    client_passkey: str
    auth_version: int = 1


class AuthReply(msgspec.Struct, frozen=True, omit_defaults=True):
    """The server's answer."""

    success: bool = msgspec.field(default_factory=lambda: False)
    error: str | None = None


def request(credentials: Credentials) -> str:
    """The message with which a client introduces itself."""
    return msgspec.json.encode(AuthRequest(credentials.identifier, credentials.passkey)).decode()


def read_reply(message: str | bytes) -> AuthReply:
    """The server's answer; an answer that is none counts as a refusal."""
    try:
        return msgspec.json.decode(message, type=AuthReply)
    except UNREADABLE:
        return AuthReply(success=False, error="the answer to the handshake was not one of LM Studio's protocol")


def read_request(message: str | bytes) -> Credentials | None:
    """Who a client says it is, or None when this is no handshake."""
    try:
        packet = msgspec.json.decode(message, type=AuthRequest)
    except UNREADABLE:
        return None
    return Credentials(packet.client_identifier, packet.client_passkey)


def reply(error: str | None = None) -> str:
    """The answer to a handshake: accepted, or refused with a reason."""
    return msgspec.json.encode(AuthReply(success=error is None, error=error)).decode()


class Gatekeeper:
    """Decides at a server which clients may enter.

    With a token only its holders may. Without one, the first passkey seen for an identifier holds while any of that
    identifier's sockets is open, as in LM Studio.
    """

    def __init__(self, required: Credentials | None = None) -> None:
        self._required = required
        self._open: dict[str, tuple[str, int]] = {}

    def enter(self, client: Credentials) -> str | None:
        """Count a socket of this client in; the reason for refusing it, or None."""
        if self._required is not None and not _same(client, self._required):
            return "this server needs an API token, and the one given is not it"
        passkey, sockets = self._open.get(client.identifier, (client.passkey, 0))
        if not secrets.compare_digest(passkey.encode(), client.passkey.encode()):
            return "this client identifier is in use with another passkey"
        self._open[client.identifier] = (passkey, sockets + 1)
        return None

    def leave(self, client: Credentials) -> None:
        """Count a socket out."""
        passkey, sockets = self._open[client.identifier]
        if sockets == 1:
            del self._open[client.identifier]
        else:
            self._open[client.identifier] = (passkey, sockets - 1)


def _same(one: Credentials, other: Credentials) -> bool:
    given, wanted = (f"{who.identifier}\0{who.passkey}".encode() for who in (one, other))
    return secrets.compare_digest(given, wanted)
