"""Where a server is."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from lmchat.values.errors import LMStudioValueError

_USUAL_PORTS = {"ws": 80, "wss": 443}
_SAME_AS = {"http": "ws", "https": "wss"}


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """A server's scheme, host, port and path prefix."""

    host: str
    port: int
    secure: bool = False
    prefix: str = ""

    @classmethod
    def parse(cls, text: str) -> ServerAddress:
        """Read `host:port` or a URL (`ws`, `wss`, `http` or `https`, with a path for a reverse proxy).

        Raises:
            LMStudioValueError: this is no address of a server.
        """
        wrong = LMStudioValueError(
            f"{text!r} is no address of a server. Give host:port, such as localhost:1234, or a ws:// or wss:// address."
        )
        try:
            parts = urlsplit(text if "://" in text else f"ws://{text}")
            scheme = _SAME_AS.get(parts.scheme, parts.scheme)
            usual_port = _USUAL_PORTS[scheme]
            port = parts.port or usual_port
        except (ValueError, KeyError):
            raise wrong from None
        if not parts.hostname or parts.username or parts.query or parts.fragment or any(c.isspace() for c in text):
            raise wrong
        if "://" not in text and parts.port is None:
            raise wrong
        return cls(parts.hostname, port, scheme == "wss", parts.path.rstrip("/"))

    def websocket_url(self, namespace: str) -> str:
        """The address of a namespace's websocket."""
        return f"{'wss' if self.secure else 'ws'}://{self.authority}{self.prefix}/{namespace}"

    @property
    def authority(self) -> str:
        """`host:port`, with brackets round an IPv6 address."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether the server is on this machine."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def __str__(self) -> str:
        if not self.secure and not self.prefix:
            return self.authority
        return f"{'wss' if self.secure else 'ws'}://{self.authority}{self.prefix}"
