"""A loaded model: a worker process, and llama-server's HTTP interface to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import msgspec

from lmchat.engine.models.gguf import read_gguf
from lmchat.engine.worker.completion import CompletionReader, Finished, LlamaChunk, refusal
from lmchat.engine.worker.errors import worker_hung
from lmchat.engine.worker.process import WorkerProcess
from lmchat.engine.worker.protocol import WorkerOptions

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx

_CONNECT_SECONDS: Final = 5.0
PATIENCE: Final = 60.0
"""Seconds of silence after which a worker that was asked something is taken for hung, besides those for reading."""
_SECONDS_PER_TOKEN: Final = 0.5
"""Far more than a token of a prompt takes; a batch of them is read without a word."""


class _Prompt(msgspec.Struct):
    prompt: str


class _Tokens(msgspec.Struct):
    tokens: list[int]


class _Vector(msgspec.Struct):
    embedding: tuple[float, ...]


class _Vectors(msgspec.Struct):
    data: list[_Vector]


class LlamaWorker:
    """One model in one worker process. Belongs to the event loop that started it.

    The methods that ask the worker raise WorkerDiedError when it is gone or was ended because it hung, and
    CompletionError when it refuses.
    """

    def __init__(self, process: WorkerProcess, options: WorkerOptions) -> None:
        self._process = process
        self.options: Final = options
        self._patience = PATIENCE + _SECONDS_PER_TOKEN * _silent_tokens(options)
        self._http = _http_client(process, self._patience)
        self.load_seconds: Final = process.ready.load_seconds

    @classmethod
    async def start(cls, options: WorkerOptions, *, log: Path) -> Self:
        """Load a model into a new process and wait until it answers.

        A context longer than the model was made for is cut to that. `log` takes what llama.cpp says about errors and
        is overwritten. Raises EngineError for a file that is no GGUF, and WorkerStartError; nothing is left then, nor
        when the call is cancelled.
        """
        info = await asyncio.to_thread(read_gguf, Path(options.model_path))
        if info.context_length is not None:
            context_length = min(options.context_length, info.context_length)
            options = msgspec.structs.replace(options, context_length=context_length)
        return cls(await WorkerProcess.start(options, log), options)

    @property
    def pid(self) -> int:
        """The worker's process id, also after it ended."""
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """None while the worker lives, then its exit status; below zero it is the number of the signal."""
        return self._process.returncode

    async def wait(self) -> int:
        """Wait until the worker has ended, for whatever reason, and give its exit status."""
        return await self._process.wait()

    async def aclose(self) -> None:
        """End the worker; requests that still run fail. Takes two seconds at most. Can be called again."""
        try:
            await self._process.aclose()
        finally:
            await self._http.aclose()

    async def complete(self, prompt: str, sampling: Mapping[str, Any] | None = None) -> AsyncGenerator[LlamaChunk]:
        """Continue `prompt`, and give what happens as it happens; the last event is Finished.

        `sampling` holds llama-server's own fields (`n_predict`, `temperature`, `stop`, `seed`, `json_schema`, ...).
        Close the iterator to stop: the worker is free again within a token, or a batch of the prompt.
        Raises ContextExceededError when the prompt does not fit.
        """
        body = {**(sampling or {}), "prompt": prompt, "stream": True, "return_progress": True}
        if "json_schema" in body:
            await self._check_schema(body["json_schema"])
        async with self._stream("/completion", body) as response:
            reader = CompletionReader()
            async for data in response.aiter_bytes():
                for chunk in reader.feed(data):
                    yield chunk
                    if isinstance(chunk, Finished):
                        return
        raise await self._process.lost()

    async def apply_template(
        self, messages: Sequence[Mapping[str, Any]], options: Mapping[str, Any] | None = None
    ) -> str:
        """The prompt that the model's template makes of a chat, up to where the assistant's answer begins.

        A last message from the assistant is left open, to be continued. `options` are further fields of a chat
        completion: `tools`, `add_generation_prompt`, `chat_template_kwargs`.
        """
        reply = await self._post("/apply-template", {**(options or {}), "messages": list(messages)})
        return msgspec.json.decode(reply, type=_Prompt).prompt

    async def tokenize(self, text: str, *, special: bool = True) -> list[int]:
        """The model's tokens for `text`, as a completion counts them; `special` adds and understands control tokens."""
        body = {"content": text, "add_special": special, "parse_special": special}
        return msgspec.json.decode(await self._post("/tokenize", body), type=_Tokens).tokens

    async def embed(self, text: str) -> tuple[float, ...]:
        """The vector of a text, of length 1; only in a worker that was started for it. The text is not empty."""
        reply = await self._post("/v1/embeddings", {"input": text})
        return msgspec.json.decode(reply, type=_Vectors).data[0].embedding

    async def _check_schema(self, schema: Any) -> None:
        """A completion silently ignores a schema that makes no sense; the template refuses it."""
        wanted = {"type": "json_schema", "json_schema": {"schema": schema}}
        await self.apply_template([{"role": "user", "content": ""}], {"response_format": wanted})

    async def _post(self, path: str, body: Mapping[str, Any]) -> bytes:
        async with self._stream(path, body) as response:
            return await response.aread()

    @asynccontextmanager
    async def _stream(self, path: str, body: Mapping[str, Any]) -> AsyncIterator[httpx.Response]:
        import httpx

        if self._http.is_closed:
            raise await self._process.lost()
        try:
            async with self._http.stream("POST", path, content=msgspec.json.encode(body)) as response:
                if response.status_code != httpx.codes.OK:
                    raise refusal(response.status_code, await response.aread())
                yield response
        except httpx.ReadTimeout as error:
            self._process.kill()
            raise worker_hung(self._patience) from error
        except httpx.TransportError as error:
            raise await self._process.lost() from error


def _silent_tokens(options: WorkerOptions) -> int:
    return options.context_length if options.embedding else options.batch_size


def _http_client(process: WorkerProcess, patience: float) -> httpx.AsyncClient:
    import httpx  # slow to import, and not needed before there is a worker

    return httpx.AsyncClient(
        base_url=process.ready.url,
        headers={"Authorization": f"Bearer {process.api_key}", "Content-Type": "application/json"},
        # A proxy named in the environment is not for the loopback address.
        trust_env=False,
        # The worker closes idle connections just when one would be used again; a new one costs nothing here.
        limits=httpx.Limits(max_keepalive_connections=0),
        timeout=httpx.Timeout(None, connect=_CONNECT_SECONDS, read=patience),
    )
