"""The listening server: plain HTTP answers, two of them for finding it, and a websocket for each namespace."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from lmchat.engine.serving.endpoints import Endpoints
from lmchat.engine.serving.guard import Guard, is_local_page
from lmchat.engine.serving.session import Session
from lmchat.engine.serving.version import PACKAGE, server_version
from lmchat.protocol.auth import Gatekeeper
from lmchat.protocol.discovery import GREETING_BODY, GREETING_PATH, STATUS_PATH, ServerStatus

MAX_MESSAGE_BYTES: Final = 128 * 1024 * 1024
"""Files arrive as one message each."""
_PING_SECONDS: Final = 20.0
_GRACE_SECONDS: Final = 1
_JSON: Final = "application/json"


def application(namespaces: Mapping[str, Endpoints], gatekeeper: Gatekeeper, routes: Sequence[Route] = ()) -> Starlette:
    """The server's answers, without a socket. `routes` are further answers over plain HTTP."""

    async def greeting(_: Request) -> Response:
        return Response(GREETING_BODY, media_type=_JSON)

    async def status(_: Request) -> Response:
        body = msgspec.json.encode(ServerStatus(PACKAGE, server_version()))
        return Response(body, media_type=_JSON)

    async def namespace(websocket: WebSocket) -> None:
        endpoints = namespaces.get(websocket.path_params["namespace"])
        if endpoints is None or not is_local_page(websocket.headers.get("origin")):
            await websocket.close()
            return
        await Session(websocket, endpoints, gatekeeper).run()

    return Starlette(
        routes=[
            Route(GREETING_PATH, greeting),
            Route(STATUS_PATH, status),
            *routes,
            WebSocketRoute("/{namespace}", namespace),
        ],
        middleware=[Middleware(Guard, gatekeeper=gatekeeper)],
        exception_handlers={HTTPException: _http_error},
    )


class HttpServer(uvicorn.Server):
    """Serves an application on a bound socket. Signals are left to whoever runs it."""

    def __init__(self, app: Starlette) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http="h11",
                loop="asyncio",
                ws="websockets-sansio",
                ws_max_size=MAX_MESSAGE_BYTES,
                ws_per_message_deflate=False,
                ws_ping_interval=_PING_SECONDS,
                ws_ping_timeout=_PING_SECONDS,
                lifespan="off",
                log_config=None,
                log_level="warning",
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=_GRACE_SECONDS,
            )
        )
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def _http_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": error.detail}, status_code=error.status_code)
