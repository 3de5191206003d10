"""A server that speaks LM Studio's websocket protocol: LM Studio itself, or lmchat's engine."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import msgspec

from lmchat.client.address import ServerAddress
from lmchat.client.backend import Backend, EventStream
from lmchat.client.namespace import Channel, Namespace
from lmchat.protocol import endpoints as wire, kvconfig
from lmchat.protocol.auth import Credentials
from lmchat.protocol.errors import UNREADABLE, exception
from lmchat.values.chat import Chat
from lmchat.values.config import LlmLoadModelConfig, LlmPredictionConfig
from lmchat.values.errors import (
    LMStudioModelNotFoundError,
    LMStudioPredictionError,
    LMStudioTimeoutError,
)
from lmchat.values.loading import DownloadEvent, DownloadProgress, LoadEvent, LoadProgress, ModelDownloaded, ModelLoaded
from lmchat.values.model import LlmInstanceInfo, ModelInfo
from lmchat.values.prediction import PredictionEvent, PredictionFinished, PromptProgress, ToolCallFinished

CANCEL_TIMEOUT: Final = 10.0
"""Seconds that a server gets, once told to stop, to send the last packet of a prediction."""
_ORIGIN: Final = "Chat response error"

_predict_decoder: msgspec.json.Decoder[wire.PredictPacket] = msgspec.json.Decoder(wire.PredictPacket)
_load_decoder: msgspec.json.Decoder[wire.LoadPacket] = msgspec.json.Decoder(wire.LoadPacket)
_download_decoder: msgspec.json.Decoder[wire.DownloadPacket] = msgspec.json.Decoder(wire.DownloadPacket)


class LMStudioBackend(Backend):
    """One client of one LM Studio server; its sockets open when they are needed."""

    def __init__(self, address: ServerAddress, credentials: Credentials) -> None:
        self._address = address
        self._credentials = credentials
        self._namespaces: dict[str, Namespace] = {}

    async def downloaded(self) -> list[ModelInfo]:
        # Models of kinds that are not known here (a server may be newer) are left out one by one.
        entries = await self._namespace("system").call("listDownloadedModels", result=list[msgspec.Raw])
        return [info for entry in entries if (info := _known(entry, ModelInfo)) is not None]

    async def loaded(self) -> list[LlmInstanceInfo]:
        entries = await self._namespace("llm").call("listLoaded", result=list[msgspec.Raw])
        return [info for entry in entries if (info := _known(entry, LlmInstanceInfo)) is not None]

    async def load(self, key: str, config: LlmLoadModelConfig, *, ttl: int | None) -> AsyncIterator[LoadEvent]:
        parameter = wire.GetOrLoad(
            identifier=key,
            load_config_stack=kvconfig.load_stack(config),
            load_ttl_ms=None if ttl is None else ttl * 1000,
        )
        async with self._channel("llm", "getOrLoad", parameter, _load_decoder, "Model get/load error") as channel:
            while packets := await channel.take():
                for packet in packets:
                    match packet:
                        case wire.LoadProgress(progress=progress):
                            yield LoadProgress(progress)
                        case wire.AlreadyLoaded(info=info) | wire.LoadSuccess(info=info):
                            yield ModelLoaded(info)
                            return
            raise channel.truncated()

    async def download(self, search_term: str) -> AsyncIterator[DownloadEvent]:
        repository = self._namespace("repository")
        search = wire.SearchModels(opts=wire.SearchOptions(search_term=search_term, limit=1))
        found = await repository.call("searchModels", search, result=wire.SearchResults)
        if not found.results:
            raise LMStudioModelNotFoundError(f"{self._address} knows no model {search_term!r} that it could download.")
        choice = wire.GetModelDownloadOptions(model_search_result_identifier=found.results[0].identifier)
        options = await repository.call("getModelDownloadOptions", choice, result=wire.DownloadOptions)
        if not options.results:
            raise LMStudioModelNotFoundError(f"{self._address} has no file of {search_term!r} to download.")
        best = next((option for option in options.results if option.recommended), options.results[0])
        parameter = wire.DownloadModel(download_identifier=best.download_identifier)
        async with self._channel(
            "repository", "downloadModel", parameter, _download_decoder, "Download error"
        ) as channel:
            while packets := await channel.take():
                for packet in packets:
                    match packet:
                        case wire.DownloadProgress(update=update):
                            yield DownloadProgress(
                                update.downloaded_bytes, update.total_bytes, update.speed_bytes_per_second
                            )
                        case wire.DownloadSuccess(default_identifier=key):
                            yield ModelDownloaded(key)
                            return
            raise channel.truncated()

    async def unload(self, identifier: str) -> None:
        await self._namespace("llm").call("unloadModel", wire.UnloadModel(identifier=identifier), result=object)

    async def model_info(self, identifier: str) -> LlmInstanceInfo:
        parameter = wire.GetModelInfo(specifier=wire.by_identifier(identifier))
        return await self._namespace("llm").call("getModelInfo", parameter, result=LlmInstanceInfo)

    async def load_config(self, identifier: str) -> LlmLoadModelConfig:
        parameter = wire.SpecifierParameter(specifier=wire.by_identifier(identifier))
        config = await self._namespace("llm").call("getLoadConfig", parameter, result=kvconfig.KVConfig)
        return kvconfig.read_load(config.values())

    async def tokenize(self, identifier: str, text: str) -> list[int]:
        parameter = wire.StringParameter(specifier=wire.by_identifier(identifier), input_string=text)
        return list((await self._namespace("llm").call("tokenize", parameter, result=wire.Tokens)).tokens)

    async def count_tokens(self, identifier: str, text: str) -> int:
        parameter = wire.StringParameter(specifier=wire.by_identifier(identifier), input_string=text)
        return (await self._namespace("llm").call("countTokens", parameter, result=wire.TokenCount)).token_count

    async def apply_prompt_template(self, identifier: str, chat: Chat) -> str:
        parameter = wire.ApplyPromptTemplate(specifier=wire.by_identifier(identifier), history=chat.history())
        return (
            await self._namespace("llm").call("applyPromptTemplate", parameter, result=wire.FormattedPrompt)
        ).formatted

    async def predict(
        self, identifier: str, chat: Chat, config: LlmPredictionConfig, *, preset: str | None = None
    ) -> EventStream:
        parameter = wire.Predict(
            model_specifier=wire.by_identifier(identifier),
            history=chat.history(),
            prediction_config_stack=kvconfig.prediction_stack(config),
            fuzzy_preset_identifier=preset,
        )
        channel = await self._namespace("llm").open_channel("predict", parameter, _predict_decoder, origin=_ORIGIN)
        return _LMStudioEvents(channel)

    async def aclose(self) -> None:
        namespaces, self._namespaces = self._namespaces, {}
        await asyncio.gather(*(namespace.close() for namespace in namespaces.values()))

    def _namespace(self, name: str) -> Namespace:
        if name not in self._namespaces:
            self._namespaces[name] = Namespace(self._address, name, self._credentials)
        return self._namespaces[name]

    @asynccontextmanager
    async def _channel(
        self, namespace: str, endpoint: str, parameter: Any, decoder: msgspec.json.Decoder[Any], origin: str
    ) -> AsyncIterator[Channel[Any]]:
        """A channel that is left with a word to the server when its caller loses interest."""
        channel = await self._namespace(namespace).open_channel(endpoint, parameter, decoder, origin=origin)
        try:
            yield channel
        finally:
            await channel.abandon()


class _LMStudioEvents(EventStream):
    """The packets of a predict channel as events."""

    def __init__(self, channel: Channel[wire.PredictPacket]) -> None:
        self._channel = channel
        self._finished = False
        self._cancelled = False
        self._failure: LMStudioPredictionError | None = None

    async def take(self) -> Sequence[PredictionEvent]:
        events: deque[PredictionEvent] = deque()
        while not events and not self._finished:
            if self._failure is not None:
                raise self._failure
            packets = await self._next_packets()
            if not packets:
                raise self._channel.truncated()
            for packet in packets:
                self._feed(packet, events)
        return events

    async def _next_packets(self) -> list[wire.PredictPacket]:
        if not self._cancelled:
            return await self._channel.take()
        try:
            async with asyncio.timeout(CANCEL_TIMEOUT):
                return await self._channel.take()
        except TimeoutError:
            await self._channel.abandon()
            raise LMStudioTimeoutError(
                f"The server was told to stop and has not answered for {CANCEL_TIMEOUT:.0f} seconds. "
                "What came so far is kept."
            ) from None

    def _feed(self, packet: wire.PredictPacket, events: deque[PredictionEvent]) -> None:
        match packet:
            case wire.Fragment(fragment=fragment):
                events.append(fragment)
            case wire.PromptProcessingProgress(progress=progress, details=details):
                events.append(PromptProgress(progress, details))
            case wire.ToolCallGenerationEnd(tool_call_request=request):
                events.append(ToolCallFinished(request))
            case wire.ToolCallGenerationFailed(error=error) | wire.PredictionError(error=error):
                failure = exception(error, _ORIGIN, LMStudioPredictionError)
                self._failure = LMStudioPredictionError(str(failure), raw_error=failure.server_error)
            case wire.PredictionSuccess():
                self._finished = True
                events.append(_finished(packet))

    async def cancel(self) -> None:
        if not self._finished and not self._cancelled:
            self._cancelled = True
            await self._channel.cancel()

    async def aclose(self) -> None:
        if self._finished:
            return
        await self._channel.abandon()


def _finished(packet: wire.PredictionSuccess) -> PredictionFinished:
    return PredictionFinished(
        stats=packet.stats,
        model_info=packet.model_info,
        load_config=kvconfig.read_load(packet.load_model_config.values()),
        prediction_config=kvconfig.read_prediction(packet.prediction_config.values()),
    )


def _known(entry: msgspec.Raw, kind: Any) -> Any:
    try:
        return msgspec.json.decode(entry, type=kind)
    except UNREADABLE:
        return None
