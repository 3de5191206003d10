"""What language models and embedding models can both be asked; the two namespaces differ only in their types."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

import msgspec

from lmchat.client.connection import Connection
from lmchat.protocol import endpoints as wire, kvconfig
from lmchat.values.config import EmbeddingLoadModelConfig, LlmLoadModelConfig
from lmchat.values.errors import LMStudioValueError
from lmchat.values.loading import LoadEvent, LoadProgress, ModelLoaded, ModelUsageEstimate, OtherModelUnloaded
from lmchat.values.model import EmbeddingModelInstanceInfo, LlmInstanceInfo, ModelNamespace

InstanceT = TypeVar("InstanceT", LlmInstanceInfo, EmbeddingModelInstanceInfo)
LoadConfigT = TypeVar("LoadConfigT", LlmLoadModelConfig, EmbeddingLoadModelConfig)
ResultT = TypeVar("ResultT")

# Either kind of load is read with the packets of both: old servers mix them up.
_load_decoder: msgspec.json.Decoder[wire.LoadPacket | wire.LoadModelPacket] = msgspec.json.Decoder(
    wire.LoadPacket | wire.LoadModelPacket
)


@dataclass(frozen=True, slots=True)
class ModelKind(Generic[InstanceT, LoadConfigT]):
    """One of the two kinds of model."""

    namespace: ModelNamespace
    instance: type[InstanceT]
    config: type[LoadConfigT]
    read_config: Callable[[Mapping[str, Any]], LoadConfigT]


LLM: Final = ModelKind("llm", LlmInstanceInfo, LlmLoadModelConfig, kvconfig.read_load)
EMBEDDING: Final = ModelKind(
    "embedding", EmbeddingModelInstanceInfo, EmbeddingLoadModelConfig, kvconfig.read_embedding_load
)


class ModelCalls(Generic[InstanceT, LoadConfigT]):
    """The models of one kind on one server."""

    def __init__(self, connection: Connection, kind: ModelKind[InstanceT, LoadConfigT]) -> None:
        self._connection = connection
        self.kind: ModelKind[InstanceT, LoadConfigT] = kind

    async def loaded(self) -> list[InstanceT]:
        """The instances that are loaded."""
        return await self._connection.list_known(self.kind.namespace, "listLoaded", self.kind.instance)

    def load(self, key: str, config: LoadConfigT, *, ttl: int | None) -> AsyncGenerator[LoadEvent, None]:
        """Get a model ready, loading it if needed; see `Backend.load`."""
        parameter = wire.GetOrLoad(
            identifier=key, load_config_stack=kvconfig.load_stack(config), load_ttl_ms=_milliseconds(ttl)
        )
        return self._load("getOrLoad", parameter, "Model get/load error")

    def load_new(
        self, key: str, identifier: str | None, config: LoadConfigT, *, ttl: int | None
    ) -> AsyncGenerator[LoadEvent, None]:
        """Load another instance, whatever is loaded; without an identifier the server chooses one."""
        parameter = wire.LoadModel(
            model_key=key,
            identifier=identifier,
            load_config_stack=kvconfig.load_stack(config),
            ttl_ms=_milliseconds(ttl),
        )
        return self._load("loadModel", parameter, "Model load error")

    async def _load(self, endpoint: str, parameter: Any, origin: str) -> AsyncGenerator[LoadEvent, None]:
        async with self._connection.channel(
            self.kind.namespace, endpoint, parameter, _load_decoder, origin=origin
        ) as channel:
            while packets := await channel.take():
                for packet in packets:
                    match packet:
                        case wire.StartLoading() | wire.LoadModelResolved():
                            yield LoadProgress(0.0)
                        case wire.LoadProgress(progress=progress) | wire.LoadModelProgress(progress=progress):
                            yield LoadProgress(progress)
                        case wire.UnloadingOtherJITModel(info=info):
                            yield OtherModelUnloaded(info)
                        case (
                            wire.AlreadyLoaded(info=info)
                            | wire.LoadSuccess(info=info)
                            | wire.LoadModelSuccess(info=info)
                        ):
                            yield ModelLoaded(info)
                            return
            raise channel.truncated()

    async def unload(self, identifier: str) -> None:
        """Unload an instance."""
        await self._call("unloadModel", wire.UnloadModel(identifier=identifier), object)

    async def info(self, identifier: str) -> InstanceT:
        """What the server says about a loaded model."""
        parameter = wire.GetModelInfo(specifier=wire.by_identifier(identifier))
        return await self._call("getModelInfo", parameter, self.kind.instance)

    async def load_config(self, identifier: str) -> LoadConfigT:
        """How a loaded model was loaded."""
        parameter = wire.SpecifierParameter(specifier=wire.by_identifier(identifier))
        config = await self._call("getLoadConfig", parameter, kvconfig.KVConfig)
        return self.kind.read_config(config.values())

    async def tokenize(self, identifier: str, text: str) -> list[int]:
        """A text in a loaded model's tokens."""
        return list((await self._call("tokenize", _text(identifier, text), wire.Tokens)).tokens)

    async def count_tokens(self, identifier: str, text: str) -> int:
        """How many tokens of a loaded model a text is."""
        return (await self._call("countTokens", _text(identifier, text), wire.TokenCount)).token_count

    async def estimate_usage(self, key: str, config: LoadConfigT) -> ModelUsageEstimate:
        """What loading a model would take."""
        parameter = wire.EstimateModelUsage(model_key=key, load_config_stack=kvconfig.load_stack(config))
        return await self._call("estimateModelUsage", parameter, ModelUsageEstimate)

    async def _call(self, endpoint: str, parameter: Any, result: type[ResultT]) -> ResultT:
        return await self._connection.namespace(self.kind.namespace).call(endpoint, parameter, result=result)


def _text(identifier: str, text: str) -> wire.StringParameter:
    return wire.StringParameter(specifier=wire.by_identifier(identifier), input_string=text)


def _milliseconds(seconds: int | None) -> int | None:
    if seconds is not None and seconds <= 0:
        raise LMStudioValueError(f"A ttl is seconds, 1 or more, or None for no limit; {seconds} is neither.")
    return None if seconds is None else int(seconds * 1000)
