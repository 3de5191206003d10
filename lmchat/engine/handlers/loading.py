"""Loading in the `llm` and `embedding` namespaces: a model that is wanted, or one more instance of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from lmchat.engine.handlers.lookup import ModelLookup
from lmchat.engine.models.instance import Instance
from lmchat.engine.models.instances import Instances
from lmchat.engine.serving.channel import ServerChannel
from lmchat.engine.serving.endpoints import Endpoint
from lmchat.protocol import endpoints as wire
from lmchat.protocol.kvconfig import KVConfigStack
from lmchat.values.config import AnyLoadConfig

ReadConfig: TypeAlias = Callable[[Mapping[str, Any]], AnyLoadConfig]


_USUAL_TTL_MS: Final = 60 * 60 * 1000
"""For models that are loaded on demand by those who cannot say how long they want them."""


class LoadEndpoints:
    """Handlers of both channels, for models of one kind."""

    def __init__(self, lookup: ModelLookup, instances: Instances, read_config: ReadConfig) -> None:
        self._lookup = lookup
        self._instances = instances
        self._read_config = read_config

    def channels(self) -> dict[str, Endpoint]:
        """The two channels."""
        return {
            "getOrLoad": Endpoint(wire.GetOrLoad, self._get_or_load),
            "loadModel": Endpoint(wire.LoadModel, self._load_model),
        }

    async def by_name(self, name: str) -> Instance:
        """The model of a name, loaded if need be; any loaded one for an empty name. Raises as the channels do."""
        if not name:
            return await self._lookup.resolve(wire.QuerySpecifier(query=wire.ModelQuery()))
        wanted = wire.GetOrLoad(identifier=name, load_config_stack=KVConfigStack(), load_ttl_ms=_USUAL_TTL_MS)
        await self._load_unless_loaded(wanted, ServerChannel(_to_nobody))
        return await self._lookup.resolve(wire.by_identifier(name))

    async def _get_or_load(self, request: wire.GetOrLoad, channel: ServerChannel) -> None:
        await channel.unless_stopped(self._load_unless_loaded(request, channel))

    async def _load_unless_loaded(self, request: wire.GetOrLoad, channel: ServerChannel) -> None:
        name, specifier = request.identifier, wire.by_identifier(request.identifier)
        entries = await self._lookup.entries(name)
        if not entries and self._lookup.find(specifier) is None:
            # It may be just what is being fetched and loaded at start.
            await self._lookup.settled()
            entries = await self._lookup.entries(name)
        # From here until the load has begun nothing waits, lest two clients load the same model twice.
        if (loaded := self._lookup.find(specifier)) is not None:
            await channel.send(wire.AlreadyLoaded(info=loaded.info))
            return
        if not entries:
            raise await self._lookup.missing(name)
        order = self._instances.order_under_way(entries[0]) or self._instances.order(
            entries[0],
            config=self._config(request.load_config_stack),
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
        if not (entries := await self._lookup.entries(request.model_key)):
            raise await self._lookup.missing(request.model_key)
        order = self._instances.order(
            entries[0],
            config=self._config(request.load_config_stack),
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

    def _config(self, stack: KVConfigStack) -> AnyLoadConfig:
        return self._read_config(stack.collapse())


async def _to_nobody(_: Any) -> None:
    """Take a packet that nobody waits for."""


def _seconds(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else max(1, milliseconds) / 1000
