"""What the `llm` and the `embedding` namespace have in common: questions about models of their kind, and tokens."""

from __future__ import annotations

from lmchat.engine.handlers.loading import ReadConfig
from lmchat.engine.handlers.lookup import ModelLookup
from lmchat.engine.models.instances import Instances
from lmchat.engine.models.memory import usage_estimate
from lmchat.engine.serving.endpoints import Endpoint
from lmchat.protocol import endpoints as wire
from lmchat.protocol.kvconfig import KVConfig
from lmchat.values.loading import ModelUsageEstimate
from lmchat.values.model import EmbeddingModelInfo, ModelInstanceInfo


class ModelEndpoints:
    """Handlers of the calls, for models of one kind."""

    def __init__(self, lookup: ModelLookup, instances: Instances, read_config: ReadConfig) -> None:
        self._lookup = lookup
        self._instances = instances
        self._read_config = read_config

    def calls(self) -> dict[str, Endpoint]:
        """The calls that both namespaces answer."""
        return {
            "listLoaded": Endpoint(None, self._list_loaded),
            "getModelInfo": Endpoint(wire.GetModelInfo, self._get_model_info),
            "getLoadConfig": Endpoint(wire.SpecifierParameter, self._get_load_config),
            "getInstanceProcessingState": Endpoint(wire.GetInstanceProcessingState, self._get_processing_state),
            "unloadModel": Endpoint(wire.UnloadModel, self._unload_model),
            "estimateModelUsage": Endpoint(wire.EstimateModelUsage, self._estimate_model_usage),
            "tokenize": Endpoint(wire.StringParameter, self._tokenize),
            "countTokens": Endpoint(wire.StringParameter, self._count_tokens),
        }

    async def _list_loaded(self) -> list[ModelInstanceInfo]:
        await self._lookup.settled()
        return [instance.info for instance in self._lookup.loaded()]

    async def _get_model_info(self, request: wire.GetModelInfo) -> ModelInstanceInfo | None:
        instance = await self._lookup.resolve_if(request.specifier, required=request.throw_if_not_found)
        return None if instance is None else instance.info

    async def _get_load_config(self, request: wire.SpecifierParameter) -> KVConfig:
        return (await self._lookup.resolve(request.specifier)).load_config

    async def _get_processing_state(
        self, request: wire.GetInstanceProcessingState
    ) -> wire.InstanceProcessingState | None:
        instance = await self._lookup.resolve_if(request.specifier, required=request.throw_if_not_found)
        if instance is None:
            return None
        return wire.InstanceProcessingState(status=instance.status, queued=instance.queued)

    async def _unload_model(self, request: wire.UnloadModel) -> None:
        specifier = wire.by_identifier(request.identifier)
        if (instance := self._lookup.find(specifier)) is not None:
            await self._instances.unload(instance)
        elif not self._lookup.forget_fallen(specifier):
            raise self._lookup.not_found(specifier)

    async def _estimate_model_usage(self, request: wire.EstimateModelUsage) -> ModelUsageEstimate:
        if not (entries := await self._lookup.entries(request.model_key)):
            raise await self._lookup.missing(request.model_key)
        config = self._read_config(request.load_config_stack.collapse())
        return usage_estimate(self._instances.order(entries[0], config=config))

    async def _tokenize(self, request: wire.StringParameter) -> wire.Tokens:
        instance = await self._lookup.resolve(request.specifier)
        async with instance.in_use():
            return wire.Tokens(tokens=tuple(await instance.worker.tokenize(request.input_string)))

    async def _count_tokens(self, request: wire.StringParameter) -> wire.TokenCount:
        instance = await self._lookup.resolve(request.specifier)
        # LM Studio does not count what an embedding model puts around every text.
        special = not isinstance(instance.order.entry.info, EmbeddingModelInfo)
        async with instance.in_use():
            return wire.TokenCount(
                token_count=len(await instance.worker.tokenize(request.input_string, special=special))
            )
