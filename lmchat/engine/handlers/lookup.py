"""Which model a client means: among those that are loaded, and among those on disk."""

from __future__ import annotations

import asyncio

import msgspec

from lmchat.engine.faults import RequestError
from lmchat.engine.models.catalog import Catalog
from lmchat.engine.models.entry import CatalogEntry
from lmchat.engine.models.instance import Instance
from lmchat.engine.models.instances import Instances
from lmchat.engine.models.matching import matching
from lmchat.engine.models.preload import Preload
from lmchat.protocol import endpoints as wire
from lmchat.protocol.errors import model_not_found, path_not_found, specific_model_unloaded
from lmchat.values.model import ModelInfo


class ModelLookup:
    """Finds the models of one kind."""

    def __init__(self, kind: type[ModelInfo], catalog: Catalog, instances: Instances, preload: Preload) -> None:
        self._kind = kind
        self._catalog = catalog
        self._instances = instances
        self._preload = preload

    async def settled(self) -> None:
        """Wait for what is being loaded at start, as long as clients have patience."""
        await self._preload.settled()

    def loaded(self) -> list[Instance]:
        """The loaded models, the longest loaded first."""
        return self._instances.loaded(self._kind)

    def find(self, specifier: wire.ModelSpecifier) -> Instance | None:
        """The loaded model that is meant, just now."""
        return self._instances.find(specifier, self._kind)

    def forget_fallen(self, specifier: wire.ModelSpecifier) -> bool:
        """Do not load a model again whose worker died; whether there was one."""
        return self._instances.forget_fallen(specifier, self._kind)

    async def resolve(self, specifier: wire.ModelSpecifier) -> Instance:
        """The loaded model that is meant; one that is being loaded at start is waited for. Raises RequestError."""
        if (instance := self.find(specifier)) is not None:
            return instance
        await self.settled()
        instance = self.find(specifier) or await self._instances.revived(specifier, self._kind)
        if instance is None:
            raise self.not_found(specifier)
        return instance

    async def resolve_if(self, specifier: wire.ModelSpecifier, *, required: bool) -> Instance | None:
        """Like `resolve`; without `required`, None when there is none."""
        try:
            return await self.resolve(specifier)
        except RequestError:
            if required:
                raise
            return None

    async def entries(self, name: str) -> list[CatalogEntry]:
        """The models on disk that a name stands for, the first of them being the one that is meant."""
        entries = await asyncio.to_thread(self._catalog.entries)
        return matching([entry for entry in entries if isinstance(entry.info, self._kind)], name)

    async def draft_with(self, instance: Instance, draft: CatalogEntry) -> None:
        """Have a model draft for a loaded one. Raises EngineError when they do not go together."""
        await self._instances.draft_with(instance, draft)

    async def missing(self, name: str) -> Exception:
        """The error for a name that no model on disk has."""
        if (fault := self._catalog.fault(name)) is not None:
            return fault
        entries = await asyncio.to_thread(self._catalog.entries)
        keys = [entry.info.model_key for entry in entries if isinstance(entry.info, self._kind)]
        return RequestError(path_not_found(name, keys))

    def not_found(self, specifier: wire.ModelSpecifier) -> RequestError:
        """The error when no loaded model is meant."""
        if isinstance(specifier, wire.InstanceSpecifier):
            return RequestError(specific_model_unloaded())
        loaded = [instance.identifier for instance in self.loaded()]
        return RequestError(model_not_found(msgspec.to_builtins(specifier.query), loaded))
