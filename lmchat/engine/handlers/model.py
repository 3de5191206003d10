"""The `llm` and `embedding` namespaces: loaded models and what can be asked of them."""

from __future__ import annotations

import asyncio

import msgspec

from lmchat.engine.faults import RequestError
from lmchat.engine.models.catalog import Catalog, CatalogEntry
from lmchat.engine.models.instance import Instance
from lmchat.engine.models.instances import Instances
from lmchat.engine.models.matching import matching
from lmchat.engine.models.preload import Preload
from lmchat.engine.prediction.generate import predict
from lmchat.engine.prediction.prompt import formatted
from lmchat.engine.prediction.sampling import Settings
from lmchat.engine.prediction.tally import Tally
from lmchat.engine.serving.channel import ServerChannel
from lmchat.engine.serving.endpoints import Endpoint, Endpoints
from lmchat.protocol import endpoints as wire
from lmchat.protocol.errors import model_not_found, path_not_found, preset_not_found, specific_model_unloaded
from lmchat.protocol.kvconfig import KVConfig, KVConfigStack, read_load
from lmchat.values.model import LlmInstanceInfo, ModelInfo


class ModelEndpoints:
    """Handlers of one of the two namespaces, which differ in the kind of model that they see."""

    def __init__(
        self,
        kind: type[ModelInfo],
        catalog: Catalog,
        instances: Instances,
        preload: Preload,
    ) -> None:
        self._kind = kind
        self._catalog = catalog
        self._instances = instances
        self._preload = preload

    def embedding(self) -> Endpoints:
        """What both namespaces answer."""
        calls = {
            "listLoaded": Endpoint(None, self._list_loaded),
            "getModelInfo": Endpoint(wire.GetModelInfo, self._get_model_info),
            "getLoadConfig": Endpoint(wire.SpecifierParameter, self._get_load_config),
            "getInstanceProcessingState": Endpoint(wire.GetInstanceProcessingState, self._get_processing_state),
            "unloadModel": Endpoint(wire.UnloadModel, self._unload_model),
            "tokenize": Endpoint(wire.StringParameter, self._tokenize),
            "countTokens": Endpoint(wire.StringParameter, self._count_tokens),
        }
        channels = {
            "getOrLoad": Endpoint(wire.GetOrLoad, self._get_or_load),
            "loadModel": Endpoint(wire.LoadModel, self._load_model),
        }
        return Endpoints(calls, channels)

    def llm(self) -> Endpoints:
        """What only language models can do, and the rest."""
        common = self.embedding()
        calls = {"applyPromptTemplate": Endpoint(wire.ApplyPromptTemplate, self._apply_prompt_template)}
        channels = {
            "predict": Endpoint(wire.Predict, self._predict),
            "completeRawText": Endpoint(wire.CompleteRawText, self._predict),
        }
        return Endpoints({**common.calls, **calls}, {**common.channels, **channels})

    async def _list_loaded(self) -> list[LlmInstanceInfo]:
        await self._preload.settled()
        return [instance.info for instance in self._instances.loaded(self._kind)]

    async def _get_model_info(self, request: wire.GetModelInfo) -> LlmInstanceInfo | None:
        instance = await self._resolve_if(request.specifier, required=request.throw_if_not_found)
        return None if instance is None else instance.info

    async def _get_load_config(self, request: wire.SpecifierParameter) -> KVConfig:
        return (await self._resolve(request.specifier)).load_config

    async def _get_processing_state(
        self, request: wire.GetInstanceProcessingState
    ) -> wire.InstanceProcessingState | None:
        instance = await self._resolve_if(request.specifier, required=request.throw_if_not_found)
        if instance is None:
            return None
        return wire.InstanceProcessingState(status=instance.status, queued=instance.queued)

    async def _unload_model(self, request: wire.UnloadModel) -> None:
        specifier = wire.by_identifier(request.identifier)
        if (instance := self._instances.find(specifier, self._kind)) is not None:
            await self._instances.unload(instance)
        elif not self._instances.forget_fallen(specifier, self._kind):
            raise self._not_found(specifier)

    async def _tokenize(self, request: wire.StringParameter) -> wire.Tokens:
        instance = await self._resolve(request.specifier)
        async with instance.in_use():
            return wire.Tokens(tokens=tuple(await instance.worker.tokenize(request.input_string)))

    async def _count_tokens(self, request: wire.StringParameter) -> wire.TokenCount:
        return wire.TokenCount(token_count=len((await self._tokenize(request)).tokens))

    async def _apply_prompt_template(self, request: wire.ApplyPromptTemplate) -> wire.FormattedPrompt:
        instance = await self._resolve(request.specifier)
        settings = Settings(request.prediction_config_stack.collapse(), instance.order.entry.gguf)
        async with instance.in_use():
            return wire.FormattedPrompt(formatted=await formatted(instance, request.history, settings))

    async def _predict(self, request: wire.Predict | wire.CompleteRawText, channel: ServerChannel) -> None:
        tally = Tally()
        if request.fuzzy_preset_identifier is not None:
            raise RequestError(preset_not_found(request.fuzzy_preset_identifier))
        instance = await channel.unless_stopped(self._resolve(request.model_specifier))
        await predict(instance, request, channel, tally)

    async def _get_or_load(self, request: wire.GetOrLoad, channel: ServerChannel) -> None:
        await channel.unless_stopped(self._load_unless_loaded(request, channel))

    async def _load_unless_loaded(self, request: wire.GetOrLoad, channel: ServerChannel) -> None:
        name, specifier = request.identifier, wire.by_identifier(request.identifier)
        entries = await self._entries(name)
        if not entries and self._instances.find(specifier, self._kind) is None:
            # It may be just what is being fetched and loaded at start.
            await self._preload.settled()
            entries = await self._entries(name)
        # From here until the load has begun nothing waits, lest two clients load the same model twice.
        if (loaded := self._instances.find(specifier, self._kind)) is not None:
            await channel.send(wire.AlreadyLoaded(info=loaded.info))
            return
        if not entries:
            raise await self._missing(name)
        order = self._instances.order_under_way(entries[0]) or self._instances.order(
            entries[0],
            context_length=_context(request.load_config_stack),
            ttl=_seconds(request.load_ttl_ms),
            on_demand=True,
        )
        async with self._instances.loading(order) as load:
            for evicted in load.evicted:
                await channel.send(wire.UnloadingOtherJITModel(info=evicted.info))
            await channel.send(wire.StartLoading(identifier=order.identifier, info=order.entry.info))
            async with channel.repeating(wire.LoadProgress(progress=0.0)):
                instance = await load.done()
        await channel.send(wire.LoadProgress(progress=1.0))
        await channel.send(wire.LoadSuccess(info=instance.info))

    async def _load_model(self, request: wire.LoadModel, channel: ServerChannel) -> None:
        await channel.unless_stopped(self._load_another(request, channel))

    async def _load_another(self, request: wire.LoadModel, channel: ServerChannel) -> None:
        if not (entries := await self._entries(request.model_key)):
            raise await self._missing(request.model_key)
        order = self._instances.order(
            entries[0],
            context_length=_context(request.load_config_stack),
            identifier=request.identifier,
            ttl=_seconds(request.ttl_ms),
        )
        async with self._instances.loading(order) as load:
            ambiguous = tuple(other.info.model_key for other in entries[1:]) or None
            await channel.send(wire.LoadModelResolved(info=order.entry.info, ambiguous=ambiguous))
            async with channel.repeating(wire.LoadModelProgress(progress=0.0)):
                instance = await load.done()
        await channel.send(wire.LoadModelProgress(progress=1.0))
        await channel.send(wire.LoadModelSuccess(info=instance.info))

    async def _resolve(self, specifier: wire.ModelSpecifier) -> Instance:
        """The loaded model that is meant; one that is being loaded at start is waited for. Raises RequestError."""
        if (instance := self._instances.find(specifier, self._kind)) is not None:
            return instance
        await self._preload.settled()
        instance = self._instances.find(specifier, self._kind)
        instance = instance or await self._instances.revived(specifier, self._kind)
        if instance is None:
            raise self._not_found(specifier)
        return instance

    async def _resolve_if(self, specifier: wire.ModelSpecifier, *, required: bool) -> Instance | None:
        try:
            return await self._resolve(specifier)
        except RequestError:
            if required:
                raise
            return None

    async def _entries(self, name: str) -> list[CatalogEntry]:
        entries = await asyncio.to_thread(self._catalog.entries)
        return matching([entry for entry in entries if isinstance(entry.info, self._kind)], name)

    async def _missing(self, name: str) -> Exception:
        """The error for a name that no model on disk has."""
        if (fault := self._catalog.fault(name)) is not None:
            return fault
        keys = [entry.info.model_key for entry in await asyncio.to_thread(self._catalog.entries)]
        return RequestError(path_not_found(name, keys))

    def _not_found(self, specifier: wire.ModelSpecifier) -> RequestError:
        if isinstance(specifier, wire.InstanceSpecifier):
            return RequestError(specific_model_unloaded())
        loaded = [instance.identifier for instance in self._instances.loaded(self._kind)]
        return RequestError(model_not_found(msgspec.to_builtins(specifier.query), loaded))


def _context(stack: KVConfigStack) -> int | None:
    return read_load(stack.collapse()).context_length


def _seconds(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else max(1, milliseconds) / 1000
