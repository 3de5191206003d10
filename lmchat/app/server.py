"""A server to ask: the one that was named, an LM Studio of this machine, or an engine of our own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from lmchat.app import paths
from lmchat.app.engine_process import EngineProcess
from lmchat.app.settings import Settings, gguf_file
from lmchat.client.address import ServerAddress
from lmchat.client.async_api import DEFAULT_TTL, credentials
from lmchat.client.backend import Backend
from lmchat.client.discovery import find_local_server, require_server, server_package
from lmchat.client.lmstudio import LMStudioBackend
from lmchat.protocol.auth import Credentials, new_token
from lmchat.protocol.child_process import EngineOptions
from lmchat.values.errors import EngineError

_OUR_PACKAGE: Final = "lmchat"
"""What `lmchat serve` says it is."""


@dataclass(frozen=True, slots=True)
class Server:
    """A connection to a server."""

    backend: Backend
    name: str
    """For people."""
    engine: EngineProcess | None
    """Our own, which serves nobody else; it ends with us."""
    ttl: int | None
    """Seconds of idleness after which a model that is loaded there may be unloaded; None: never."""


async def find_server(settings: Settings, report: Callable[[Literal["searching", "starting"], str], None]) -> Server:
    """Find the server that is wanted, or start one.

    Raises:
        LMStudioError: the named server is not there, or the engine cannot start.
    """
    report("searching", "Looking for LM Studio …")
    if settings.host:
        address = ServerAddress.parse(settings.host)
        await require_server(address)
        return await _server_at(address)
    if gguf_file(settings.model) is None and (found := await find_local_server()) is not None:
        return await _server_at(found)
    file = gguf_file(settings.model)
    if file is not None and not file.is_file():
        raise EngineError(f"There is no file {file}. Check the path that was given as the model.")
    report("starting", "Starting lmchat's own engine …")
    token = new_token()
    options = EngineOptions(
        models_folder=str(paths.models_dir()),
        logs_folder=str(paths.log_dir()),
        model_paths=() if file is None else (str(file),),
        port=0,
        api_token=token,
    )
    engine = await EngineProcess.start(options)
    backend = LMStudioBackend(engine.address, Credentials.from_token(token))
    return Server(backend, "lmchat's engine", engine, ttl=None)


async def _server_at(address: ServerAddress) -> Server:
    ours = await server_package(address) == _OUR_PACKAGE
    name = f"lmchat's engine at {address}" if ours else f"LM Studio at {address}"
    return Server(LMStudioBackend(address, credentials(None)), name, None, DEFAULT_TTL)
