"""A server that speaks LM Studio's websocket protocol: LM Studio itself, or lmchat's engine."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from lmchat.client.address import ServerAddress
from lmchat.client.backend import Backend, EventStream
from lmchat.client.channel import Channel
from lmchat.client.connection import Connection
from lmchat.client.model_calls import EMBEDDING, LLM, ModelCalls
from lmchat.client.repository_calls import RepositoryCalls
from lmchat.protocol import endpoints as wire, kvconfig
from lmchat.protocol.auth import Credentials
from lmchat.protocol.errors import exception
from lmchat.values.chat import Chat, FileHandle, ToolCallRequest
from lmchat.values.config import LlmLoadModelConfig, LlmPredictionConfig
from lmchat.values.errors import LMStudioPredictionError, LMStudioTimeoutError
from lmchat.values.files import LocalFile
from lmchat.values.loading import DownloadEvent, LoadEvent
from lmchat.values.logs import LogEntry
from lmchat.values.model import LlmInstanceInfo, ModelInfo
from lmchat.values.prediction import PredictionEvent, PredictionFinished, PromptProgress, ToolCallFinished

CANCEL_TIMEOUT: Final = 10.0
"""Seconds that a server gets, once told to stop, to send the last packet of a prediction."""
DRAFT_TIMEOUT: Final = 600.0
"""Seconds that a server gets to load a draft model: it tells nothing before it is done."""
_RESPONSE: Final = "Chat response error"
_COMPLETION: Final = "Completion error"

_predict_decoder: msgspec.json.Decoder[wire.PredictPacket] = msgspec.json.Decoder(wire.PredictPacket, strict=False)
"""Lenient: a count that comes as 1.0 must not cost the words that come with it."""
_leaving: Final[set[asyncio.Future[None]]] = set()
"""Words of farewell that are on their way; the event loop itself would forget them."""
_log_decoder: msgspec.json.Decoder[wire.Log] = msgspec.json.Decoder(wire.Log)


class LMStudioBackend(Backend):
    """One client of one LM Studio server; its sockets open when they are needed."""

    def __init__(self, address: ServerAddress, credentials: Credentials) -> None:
        self._connection = Connection(address, credentials)
        self.llm: Final = ModelCalls(self._connection, LLM)
        self.embedding: Final = ModelCalls(self._connection, EMBEDDING)
        self.repository: Final = RepositoryCalls(self._connection)

    async def downloaded(self) -> list[ModelInfo]:
        return await self._connection.list_known("system", "listDownloadedModels", ModelInfo)

    async def loaded(self) -> list[LlmInstanceInfo]:
        return await self.llm.loaded()

    def load(self, key: str, config: LlmLoadModelConfig, *, ttl: int | None) -> AsyncIterator[LoadEvent]:
        return self.llm.load(key, config, ttl=ttl)

    def download(self, search_term: str) -> AsyncIterator[DownloadEvent]:
        return self.repository.download_best(search_term)

    async def unload(self, identifier: str) -> None:
        await self.llm.unload(identifier)

    async def model_info(self, identifier: str) -> LlmInstanceInfo:
        return await self.llm.info(identifier)

    async def load_config(self, identifier: str) -> LlmLoadModelConfig:
        return await self.llm.load_config(identifier)

    async def tokenize(self, identifier: str, text: str) -> list[int]:
        return await self.llm.tokenize(identifier, text)

    async def count_tokens(self, identifier: str, text: str) -> int:
        return await self.llm.count_tokens(identifier, text)

    async def apply_prompt_template(self, identifier: str, chat: Chat, options: Mapping[str, Any] | None = None) -> str:
        parameter = wire.ApplyPromptTemplate(
            specifier=wire.by_identifier(identifier), history=chat.history(), opts=dict(options or {})
        )
        llm = self._connection.namespace("llm")
        return (await llm.call("applyPromptTemplate", parameter, result=wire.FormattedPrompt)).formatted

    async def preload_draft_model(self, identifier: str, draft_model_key: str) -> None:
        """Load a draft model before the first prediction that needs it."""
        parameter = wire.PreloadDraftModel(specifier=wire.by_identifier(identifier), draft_model_key=draft_model_key)
        llm = self._connection.namespace("llm")
        await llm.call("preloadDraftModel", parameter, result=object, timeout=DRAFT_TIMEOUT)

    async def embed(self, identifier: str, text: str) -> list[float]:
        """A text as a vector."""
        parameter = wire.EmbedString(model_specifier=wire.by_identifier(identifier), input_string=text)
        embedding = self._connection.namespace("embedding")
        return list((await embedding.call("embedString", parameter, result=wire.Embedding)).embedding)

    async def upload(self, file: LocalFile) -> FileHandle:
        """Give the server a file. Each upload is a new one, also of the same content."""
        parameter = wire.UploadFileBase64(name=file.name, content_base64=file.content)
        done = await self._connection.namespace("files").call("uploadFileBase64", parameter, result=wire.UploadedFile)
        return FileHandle(
            name=file.name, identifier=done.identifier, size_bytes=done.size_bytes, file_type=done.file_type
        )

    async def version(self) -> str:
        """The server's version."""
        return (await self._connection.namespace("system").call("version", result=wire.ServerVersion)).version

    async def logs(self) -> AsyncGenerator[LogEntry, None]:
        """What the server tells of its work, from now on, until the server ends it or the caller loses interest."""
        async with self._connection.channel(
            "diagnostics",
            "streamLogs",
            msgspec.UNSET,
            _log_decoder,
            origin="Log error",
            stop=wire.Stop(),
            patient=True,
        ) as channel:
            while packets := await channel.take():
                for packet in packets:
                    yield packet.log

    async def predict(
        self, identifier: str, chat: Chat, config: LlmPredictionConfig, *, preset: str | None = None
    ) -> EventStream:
        return await self._predict(identifier, chat, kvconfig.prediction_stack(config), preset, _RESPONSE)

    async def complete(
        self, identifier: str, prompt: Chat, config: LlmPredictionConfig, *, preset: str | None = None
    ) -> EventStream:
        """Have a loaded model continue a text as it is, without its prompt template: that of all messages joined."""
        stack = kvconfig.prediction_stack(config, raw_prompt=True)
        return await self._predict(identifier, prompt, stack, preset, _COMPLETION)

    async def aclose(self) -> None:
        await self._connection.aclose()

    async def _predict(
        self, identifier: str, chat: Chat, stack: kvconfig.KVConfigStack, preset: str | None, origin: str
    ) -> EventStream:
        parameter = wire.Predict(
            model_specifier=wire.by_identifier(identifier),
            history=chat.history(),
            prediction_config_stack=stack,
            fuzzy_preset_identifier=preset,
        )
        llm = self._connection.namespace("llm")
        return _LMStudioEvents(await llm.open_channel("predict", parameter, _predict_decoder, origin=origin), origin)


class _LMStudioEvents(EventStream):
    """The packets of a predict channel as events."""

    def __init__(self, channel: Channel[wire.PredictPacket], origin: str) -> None:
        self._channel = channel
        self._origin = origin
        self._finished = False
        self._cancelled = False
        self._failure: LMStudioPredictionError | None = None
        self._loop = asyncio.get_running_loop()

    def __del__(self) -> None:
        # A program may drop a stream that it has started and never iterated; the server must not go on for nobody.
        if not self._finished and not self._channel.ended and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(_leave, self._channel)

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
                if self._failure is not None:
                    break
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
                try:
                    events.append(ToolCallFinished(msgspec.convert(request, ToolCallRequest)))
                except msgspec.ValidationError as wrong:
                    self._failure = LMStudioPredictionError(
                        f"{self._origin}: the model called a tool in a way that cannot be read ({wrong}). Ask again."
                    )
            case wire.ToolCallGenerationFailed(error=error) | wire.PredictionError(error=error):
                failure = exception(error, self._origin, LMStudioPredictionError)
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


def _leave(channel: Channel[wire.PredictPacket]) -> None:
    leaving = asyncio.ensure_future(channel.abandon())
    _leaving.add(leaving)
    leaving.add_done_callback(_leaving.discard)


def _finished(packet: wire.PredictionSuccess) -> PredictionFinished:
    return PredictionFinished(
        stats=packet.stats,
        model_info=packet.model_info,
        load_config=kvconfig.read_load(packet.load_model_config.values()),
        prediction_config=kvconfig.read_prediction(packet.prediction_config.values()),
    )
