"""OpenAI's HTTP interface on the engine's port: models, chats, bare completions, embeddings."""

from __future__ import annotations

import asyncio
import base64
import struct
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import Any, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from lmchat.engine.faults import RequestError, serialize
from lmchat.engine.handlers.embedding import embed
from lmchat.engine.handlers.loading import LoadEndpoints
from lmchat.engine.handlers.lookup import ModelLookup
from lmchat.engine.logstream import LogStream
from lmchat.engine.models.catalog import Catalog
from lmchat.engine.models.instance import Instance
from lmchat.engine.models.instances import Instances
from lmchat.engine.models.preload import Preload
from lmchat.engine.openai.replies import CompletionReply, Reply
from lmchat.engine.openai.requests import ChatRequest, CompletionRequest, EmbeddingRequest
from lmchat.engine.prediction.generate import Answer
from lmchat.engine.prediction.tally import Tally
from lmchat.engine.serving.channel import ServerChannel
from lmchat.engine.uploads import Uploads
from lmchat.protocol import endpoints as wire
from lmchat.protocol.errors import UNREADABLE, failure, path_not_found
from lmchat.protocol.kvconfig import read_embedding_load, read_load
from lmchat.values.errors import LMStudioError
from lmchat.values.model import EmbeddingModelInfo, LlmInfo, ModelInfo

ByName = Callable[[str], Awaitable[Instance]]
"""The model of a name, loaded if need be; any loaded one for an empty name."""
RequestT = TypeVar("RequestT")


class OpenAiRoutes:
    """The routes, for the models of one engine."""

    def __init__(self, catalog: Catalog, llm: ByName, embedder: ByName, uploads: Uploads, logs: LogStream) -> None:
        self._catalog = catalog
        self._llm = llm
        self._embedder = embedder
        self._uploads = uploads
        self._logs = logs

    def routes(self) -> list[Route]:
        """All of them."""
        return [
            Route("/v1/models", self._models),
            Route("/v1/models/{name:path}", self._model),
            Route("/v1/completions", self._complete, methods=["POST"]),
            Route("/v1/chat/completions", self._chat, methods=["POST"]),
            Route("/v1/embeddings", self._embeddings, methods=["POST"]),
        ]

    async def _models(self, _: Request) -> Response:
        entries = await asyncio.to_thread(self._catalog.entries)
        return JSONResponse({"object": "list", "data": [_described(entry.info) for entry in entries]})

    async def _model(self, request: Request) -> Response:
        name = request.path_params["name"]
        entries = await asyncio.to_thread(self._catalog.entries)
        for entry in entries:
            if entry.info.model_key == name:
                return JSONResponse(_described(entry.info))
        return _refusal(RequestError(path_not_found(name, [entry.info.model_key for entry in entries])))

    async def _chat(self, request: Request) -> Response:
        return await self._answer(request, ChatRequest, Reply)

    async def _complete(self, request: Request) -> Response:
        return await self._answer(request, CompletionRequest, CompletionReply)

    async def _answer(
        self, request: Request, kind: type[ChatRequest] | type[CompletionRequest], form: type[Reply]
    ) -> Response:
        try:
            asked: ChatRequest | CompletionRequest = await _body(request, kind)
            instance = await self._llm(asked.model)
            packets = self._packets(instance, asked.prediction(instance.identifier))
            # What cannot be done shows before the first packet, when there is still time for a status.
            first = await anext(packets)
        except (LMStudioError, RequestError) as error:
            return _refusal(error)
        reply = form(instance.identifier)
        if asked.stream:
            stream = _events(reply, first, packets, include_usage=asked.include_usage)
            return StreamingResponse(stream, media_type="text/event-stream")
        try:
            async with aclosing(packets):
                reply.feed(first)
                async for packet in packets:
                    reply.feed(packet)
        except (LMStudioError, RequestError) as error:
            return _refusal(error)
        return JSONResponse(reply.whole())

    async def _embeddings(self, request: Request) -> Response:
        try:
            asked = await _body(request, EmbeddingRequest)
            instance = await self._embedder(asked.model)
            results = [await embed(instance, text) for text in asked.texts]
        except (LMStudioError, RequestError) as error:
            return _refusal(error)
        data = [
            {"object": "embedding", "index": index, "embedding": _encoded(vector, asked.encoding_format)}
            for index, (vector, _) in enumerate(results)
        ]
        tokens = sum(count for _, count in results)
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        return JSONResponse({"object": "list", "model": instance.identifier, "data": data, "usage": usage})

    async def _packets(
        self, instance: Instance, request: wire.Predict | wire.CompleteRawText
    ) -> AsyncGenerator[wire.PredictPacket]:
        """The packets of a prediction, which ends when the generator is closed."""
        queue: asyncio.Queue[wire.PredictPacket | None] = asyncio.Queue()
        answer = Answer(instance, request, ServerChannel(queue.put), Tally(), self._uploads, self._logs)
        task = asyncio.create_task(answer.give())
        task.add_done_callback(lambda _: queue.put_nowait(None))
        try:
            while (packet := await queue.get()) is not None:
                yield packet
            await task
        finally:
            task.cancel()
            await asyncio.wait({task})


def openai_routes(
    catalog: Catalog, instances: Instances, preload: Preload, uploads: Uploads, logs: LogStream
) -> list[Route]:
    """The interface for the models of an engine."""
    llms = ModelLookup(LlmInfo, catalog, instances, preload)
    embedders = ModelLookup(EmbeddingModelInfo, catalog, instances, preload)
    return OpenAiRoutes(
        catalog,
        LoadEndpoints(llms, instances, read_load).by_name,
        LoadEndpoints(embedders, instances, read_embedding_load).by_name,
        uploads,
        logs,
    ).routes()


async def _events(
    reply: Reply, first: wire.PredictPacket, packets: AsyncGenerator[wire.PredictPacket], *, include_usage: bool
) -> AsyncIterator[bytes]:
    async with aclosing(packets):
        yield _event(reply.opening())
        reply.feed(first)
        try:
            async for packet in packets:
                if (chunk := reply.feed(packet)) is not None:
                    yield _event(chunk)
        except (LMStudioError, RequestError) as error:
            yield _event(_error(error))
        else:
            if include_usage:
                yield _event(reply.usage_chunk())
        yield b"data: [DONE]\n\n"


def _described(info: ModelInfo) -> dict[str, Any]:
    return {"id": info.model_key, "object": "model", "created": 0, "owned_by": info.publisher}


def _event(data: dict[str, Any]) -> bytes:
    return b"data: " + msgspec.json.encode(data) + b"\n\n"


async def _body(request: Request, kind: type[RequestT]) -> RequestT:
    try:
        return msgspec.json.decode(await request.body(), type=kind, strict=False)
    except UNREADABLE as wrong:
        raise RequestError(failure(f"The request does not fit: {wrong}")) from wrong


def _encoded(vector: tuple[float, ...], encoding: str) -> Any:
    if encoding == "float":
        return vector
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


def _refusal(error: Exception) -> Response:
    missing = isinstance(error, RequestError) and error.error.display_data is not None
    return JSONResponse(_error(error), status_code=404 if missing else 400)


def _error(error: Exception) -> dict[str, Any]:
    missing = isinstance(error, RequestError) and error.error.display_data is not None
    code, parameter = ("model_not_found", "model") if missing else (None, None)
    message = str(serialize(error).title)
    return {"error": {"message": message, "type": "invalid_request_error", "param": parameter, "code": code}}
