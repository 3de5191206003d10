"""A loaded model: its worker, its name, whose turn it is, and how long it may stay."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal

import msgspec

from lmchat.engine.models.entry import CatalogEntry
from lmchat.engine.models.layout import honoured, layout_of
from lmchat.engine.worker.llama import LlamaWorker
from lmchat.engine.worker.protocol import WorkerOptions
from lmchat.protocol.kvconfig import KVConfig, load_fields
from lmchat.values.config import AnyLoadConfig, LlmLoadModelConfig
from lmchat.values.model import EmbeddingModelInfo, EmbeddingModelInstanceInfo, LlmInstanceInfo, ModelInstanceInfo

Status = Literal["idle", "processingPrompt", "generating", "computingEmbedding"]


@dataclass(frozen=True, slots=True)
class LoadOrder:
    """What is to be loaded, how, and under which name."""

    entry: CatalogEntry
    identifier: str
    context_length: int
    """Tokens."""
    config: AnyLoadConfig
    """What else was asked for."""
    ttl: float | None = None
    """Seconds without use after which the model is unloaded; None: it stays."""
    on_demand: bool = False
    """Loaded because somebody wanted to use it: it makes way for the next model that somebody wants."""
    draft: CatalogEntry | None = None
    """A smaller model that drafts for it."""
    reference: str = field(default_factory=lambda: uuid.uuid4().hex)


def worker_options(order: LoadOrder, threads: int | None = None) -> WorkerOptions:
    """What a worker has to know for an order. Without a number of threads one core is left to others."""
    entry, embedding = order.entry, isinstance(order.entry.info, EmbeddingModelInfo)
    options = WorkerOptions(
        model_path=str(entry.path),
        context_length=order.context_length,
        alias=entry.info.model_key,
        embedding=embedding,
        mean_pooling=embedding and not entry.gguf.names_pooling,
        layout=layout_of(order.config, entry.gguf),
        draft_path=None if order.draft is None else str(order.draft.path),
    )
    parallel = order.config.max_parallel_predictions if isinstance(order.config, LlmLoadModelConfig) else None
    chosen = {"threads": threads, "batch_size": order.config.eval_batch_size, "parallel": parallel}
    return msgspec.structs.replace(options, **{name: value for name, value in chosen.items() if value})


class Instance:
    """One loaded model."""

    def __init__(self, order: LoadOrder, worker: LlamaWorker) -> None:
        self.order = order
        self.worker = worker
        self.status: Status = "idle"
        self.unloading = False
        """Somebody wants it gone: what it was doing ends for that reason."""
        self._turns = asyncio.Semaphore(worker.options.parallel)
        self._waiting = 0
        self._working = 0
        self._users = 0
        self._used_at = time.monotonic()
        self._used_at_wall = time.time()

    @property
    def identifier(self) -> str:
        """The name that is unique among the loaded models."""
        return self.order.identifier

    @property
    def context_length(self) -> int:
        """Tokens of prompt and answer together."""
        return self.worker.options.context_length

    @property
    def info(self) -> ModelInstanceInfo:
        """What clients are told."""
        model = self.order.entry.info
        kind = EmbeddingModelInstanceInfo if isinstance(model, EmbeddingModelInfo) else LlmInstanceInfo
        return kind(
            **msgspec.structs.asdict(model),
            identifier=self.identifier,
            instance_reference=self.order.reference,
            context_length=self.context_length,
            ttl_ms=None if self.order.ttl is None else round(self.order.ttl * 1000),
            last_used_time=round(self._used_at_wall * 1000),
        )

    @property
    def load_config(self) -> KVConfig:
        """The settings with which it was loaded."""
        return load_fields(honoured(self.order.config, self.context_length))

    @property
    def queued(self) -> int:
        """Predictions that wait for their turn."""
        return self._waiting

    @property
    def has_free_turn(self) -> bool:
        """Whether a prediction would begin at once."""
        return not self._turns.locked()

    @property
    def busy(self) -> bool:
        """Whether somebody uses it, or waits to."""
        return self._users > 0

    def seconds_left(self) -> float | None:
        """Until it may be unloaded for want of use, 0.0 and up; None: it stays. A model in use has its full time."""
        if self.order.ttl is None:
            return None
        if self.busy:
            return self.order.ttl
        return max(0.0, self._used_at + self.order.ttl - time.monotonic())

    @asynccontextmanager
    async def in_use(self) -> AsyncIterator[None]:
        """Keep the model from being unloaded for idleness."""
        self._users += 1
        try:
            yield
        finally:
            self._users -= 1
            self._used_at, self._used_at_wall = time.monotonic(), time.time()

    @asynccontextmanager
    async def turn(self, status: Status = "processingPrompt") -> AsyncIterator[None]:
        """Wait for one's turn to use the model, first come first served, and have it. Leaving while waiting is fine."""
        self._waiting += 1
        try:
            await self._turns.acquire()
        finally:
            self._waiting -= 1
        self._working += 1
        try:
            self.status = status
            yield
        finally:
            self._working -= 1
            self.status = self.status if self._working else "idle"
            self._turns.release()

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """Wait until nobody has a turn, and let nobody have one; those who wait already come first."""
        async with AsyncExitStack() as turns:
            for _ in range(self.worker.options.parallel):
                await turns.enter_async_context(self.turn())
            yield

    def renew(self, order: LoadOrder, worker: LlamaWorker) -> None:
        """Go on with another worker, under the same name."""
        self.order, self.worker = order, worker
