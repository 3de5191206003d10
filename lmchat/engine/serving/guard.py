"""Who may use the HTTP interface: the same rules as for websockets, in HTTP's words."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from lmchat.protocol.auth import Credentials, Gatekeeper
from lmchat.values.errors import LMStudioValueError

_GUARDED: Final = "/v1/"
_LOCAL_NAMES: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class Guard:
    """Middleware that lets only those through to the guarded paths who may use the models."""

    def __init__(self, app: ASGIApp, gatekeeper: Gatekeeper) -> None:
        self._app = app
        self._gatekeeper = gatekeeper

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it."""
        if scope["type"] != "http" or not scope["path"].startswith(_GUARDED):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if not is_local_page(headers.get("origin")):
            await _refusal("this page is not one of this machine", 403)(scope, receive, send)
            return
        client = _bearer(headers)
        if (refusal := self._gatekeeper.enter(client)) is not None:
            await _refusal(refusal, 401, "invalid_api_key")(scope, receive, send)
            return
        try:
            await self._app(scope, receive, send)
        finally:
            self._gatekeeper.leave(client)


def is_local_page(origin: str | None) -> bool:
    """Whether a connection comes from a program or from a page of this machine.

    Browsers let any page in the world speak to the loopback address; they say which page it is.
    """
    if origin is None:
        return True
    try:
        return urlsplit(origin).hostname in _LOCAL_NAMES
    except ValueError:
        return False


def _bearer(headers: Headers) -> Credentials:
    """Who the token is for; programs often send any text where no token is needed, so that makes a guest."""
    try:
        return Credentials.from_token(headers.get("authorization", "").removeprefix("Bearer "))
    except LMStudioValueError:
        return Credentials.guest()


def _refusal(message: str, status: int, code: str | None = None) -> JSONResponse:
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": code}
    return JSONResponse({"error": error}, status_code=status)
