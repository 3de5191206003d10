"""The loaded models: loaded once for all who ask at the same time, named, found, and unloaded when their time is up."""

from __future__ import annotations

import asyncio
import itertools
import logging
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias

from lmchat.engine.faults import RequestError
from lmchat.engine.models.entry import CatalogEntry
from lmchat.engine.models.instance import Instance, LoadOrder
from lmchat.engine.models.matching import matching
from lmchat.engine.models.memory import require_memory
from lmchat.engine.worker.llama import LlamaWorker
from lmchat.protocol.endpoints import InstanceSpecifier, ModelSpecifier
from lmchat.protocol.errors import failure
from lmchat.values.config import AnyLoadConfig, EmbeddingLoadModelConfig, LlmLoadModelConfig
from lmchat.values.errors import EngineError
from lmchat.values.model import EmbeddingModelInfo, ModelInfo

StartWorker: TypeAlias = Callable[[LoadOrder], Awaitable[LlamaWorker]]

_CONTEXT_STEP: Final = 256
"""llama.cpp rounds a context up to a multiple of this; asking for it makes what clients are told true."""

_EMBEDDING_CONTEXT: Final = 2048
"""Longer takes much memory, because a text is read at once. The default of LM Studio's configuration schema."""

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Load:
    """A load that is going on. Whoever wants the model waits for the same one; when nobody does any more, it ends."""

    order: LoadOrder
    evicted: list[Instance]
    """Models that make way for it."""
    task: asyncio.Task[Instance] = field(init=False)
    wanted_by: int = 0

    async def done(self) -> Instance:
        """The loaded model. Raises EngineError when it does not load."""
        return await asyncio.shield(self.task)


class Instances:
    """All loaded models of one engine."""

    def __init__(self, start_worker: StartWorker, default_context: int) -> None:
        """`default_context` is for orders that do not say how long a context they want, in tokens."""
        self._start_worker = start_worker
        self._default_context = default_context
        self._loaded: dict[str, Instance] = {}
        self._loads: dict[str, Load] = {}
        self._fallen: dict[str, LoadOrder] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def loaded(self, kind: type[ModelInfo]) -> list[Instance]:
        """The loaded models of a kind, the longest loaded first."""
        return [instance for instance in self._loaded.values() if isinstance(instance.order.entry.info, kind)]

    def find(self, specifier: ModelSpecifier, kind: type[ModelInfo]) -> Instance | None:
        """The loaded model that is meant."""
        order = _meant(specifier, kind, (instance.order for instance in self._loaded.values()))
        return self._loaded[order.identifier] if order else None

    async def revived(self, specifier: ModelSpecifier, kind: type[ModelInfo]) -> Instance | None:
        """The model that is meant, loaded again if its worker died. Raises EngineError when it does not load."""
        if (order := _meant(specifier, kind, self._fallen.values())) is None:
            return None
        async with self.loading(order) as load:
            return await load.done()

    def order(
        self,
        entry: CatalogEntry,
        *,
        config: AnyLoadConfig | None = None,
        identifier: str | None = None,
        ttl: float | None = None,
        on_demand: bool = False,
    ) -> LoadOrder:
        """An order for a new instance, under the given name or one that is free.

        Raises:
            RequestError: the name that was asked for is taken.
            EngineError: there can be no context of that length.
        """
        taken = self._loaded.keys() | self._loads.keys()
        if identifier in taken:
            raise RequestError(failure(f"A model with the identifier {identifier!r} already exists"))
        key = entry.info.model_key
        free = (
            name for name in itertools.chain([key], (f"{key}:{n}" for n in itertools.count(2))) if name not in taken
        )
        config = config or _default_config(entry)
        context = _context(config.context_length or self._usual_context(entry), entry)
        return LoadOrder(entry, identifier or next(free), context, config, ttl, on_demand)

    def order_under_way(self, entry: CatalogEntry) -> LoadOrder | None:
        """The order of a load of this model that others wait for already."""
        return next((load.order for load in self._loads.values() if load.order.entry == entry), None)

    @asynccontextmanager
    async def loading(self, order: LoadOrder) -> AsyncIterator[Load]:
        """Take part in the load of an order, which begins unless it is under way.

        When the last who takes part leaves before it is done, it is given up.
        """
        load = self._loads.get(order.identifier) or self._begin(order)
        load.wanted_by += 1
        try:
            yield load
        finally:
            load.wanted_by -= 1
            if not load.wanted_by and not load.task.done():
                self._loads.pop(order.identifier, None)
                load.task.cancel()

    async def unload(self, instance: Instance) -> None:
        """Unload a model; what it is doing ends. Returns when its worker is gone."""
        instance.unloading = True
        self._forget(instance)
        await instance.worker.aclose()

    async def draft_with(self, instance: Instance, draft: CatalogEntry) -> None:
        """Have a model draft for a loaded one. llama.cpp takes the two together, so the loaded one is loaded again.

        Raises:
            EngineError: they do not go together, or do not load. The instance stays as it was.
        """
        if instance.order.draft == draft:
            return
        async with instance.in_use(), instance.alone():
            if instance.order.draft == draft:
                return
            order = replace(instance.order, draft=draft)
            before, worker = instance.worker, await self._start_worker(order)
            instance.renew(order, worker)
            await before.aclose()

    def forget_fallen(self, specifier: ModelSpecifier, kind: type[ModelInfo]) -> bool:
        """Do not load a model again whose worker died; whether there was one."""
        order = _meant(specifier, kind, self._fallen.values())
        return order is not None and self._fallen.pop(order.identifier, None) is not None

    async def aclose(self) -> None:
        """Give up what is loading, and unload everything."""
        self._fallen.clear()
        loads = [load.task for load in self._loads.values()]
        for task in (*loads, *self._tasks):
            task.cancel()
        await asyncio.gather(*loads, *self._tasks, return_exceptions=True)
        await asyncio.gather(*(self.unload(instance) for instance in list(self._loaded.values())))

    def _usual_context(self, entry: CatalogEntry) -> int:
        if isinstance(entry.info, EmbeddingModelInfo):
            return min(self._default_context, _EMBEDDING_CONTEXT)
        return self._default_context

    def _begin(self, order: LoadOrder) -> Load:
        evicted = [other for other in self._loaded.values() if order.on_demand and _makes_way(other)]
        for other in evicted:
            other.unloading = True
            self._forget(other)
        load = self._loads[order.identifier] = Load(order, evicted)
        load.task = asyncio.create_task(self._load(load))
        load.task.add_done_callback(_retrieve)
        return load

    async def _load(self, load: Load) -> Instance:
        order = load.order
        try:
            await asyncio.gather(*(other.worker.aclose() for other in load.evicted))
            require_memory(order)
            instance = Instance(order, await self._start_worker(order))
        finally:
            if self._loads.get(order.identifier) is load:
                del self._loads[order.identifier]
        self._fallen.pop(order.identifier, None)
        self._loaded[order.identifier] = instance
        tending = asyncio.create_task(self._tend(instance))
        self._tasks.add(tending)
        tending.add_done_callback(self._tasks.discard)
        return instance

    async def _tend(self, instance: Instance) -> None:
        """Wait until a model's worker has ended, or until it has not been used for its time; then let it go."""
        while True:
            worker = instance.worker
            try:
                await asyncio.wait_for(worker.wait(), instance.seconds_left())
            except TimeoutError:
                if instance.seconds_left() == 0.0:
                    _log.info("%s was not used for its time, and is unloaded", instance.identifier)
                    await self.unload(instance)
                    return
                continue
            if worker is not instance.worker:
                continue
            if not instance.unloading:
                _log.warning("the worker of %s ended with %s", instance.identifier, instance.worker.returncode)
                self._fallen[instance.identifier] = instance.order
                self._forget(instance)
                await instance.worker.aclose()
            return

    def _forget(self, instance: Instance) -> None:
        if self._loaded.get(instance.identifier) is instance:
            del self._loaded[instance.identifier]


def _default_config(entry: CatalogEntry) -> AnyLoadConfig:
    is_embedding = isinstance(entry.info, EmbeddingModelInfo)
    return EmbeddingLoadModelConfig() if is_embedding else LlmLoadModelConfig()


def _context(asked: int, entry: CatalogEntry) -> int:
    if asked < 1:
        raise EngineError(f"A context of {asked} tokens makes no sense. Ask for 1 or more.")
    return min(math.ceil(asked / _CONTEXT_STEP) * _CONTEXT_STEP, entry.info.max_context_length)


def _makes_way(instance: Instance) -> bool:
    """Whether a model may go when another is wanted; one that is answering somebody stays."""
    return instance.order.on_demand and not instance.busy


def _meant(specifier: ModelSpecifier, kind: type[ModelInfo], candidates: Iterable[LoadOrder]) -> LoadOrder | None:
    """The first of the candidates that fits what a client says."""
    orders = [order for order in candidates if isinstance(order.entry.info, kind)]
    if isinstance(specifier, InstanceSpecifier):
        return next((order for order in orders if order.reference == specifier.instance_reference), None)
    query = specifier.query
    if query.domain not in (None, kind.__struct_config__.tag) or query.vision:
        return None
    for name in (query.identifier, query.path):
        if name is not None:
            orders = _of_name(orders, name)
    return next(iter(orders), None)


def _of_name(orders: list[LoadOrder], name: str) -> list[LoadOrder]:
    if exact := [order for order in orders if order.identifier == name]:
        return exact
    entries = matching([order.entry for order in orders], name)
    return [order for order in orders if order.entry in entries]


def _retrieve(task: asyncio.Task[Instance]) -> None:
    """Those who waited have heard of the error; nobody else needs to."""
    if not task.cancelled() and (error := task.exception()) is not None and not isinstance(error, EngineError):
        _log.error("a load failed", exc_info=error)
