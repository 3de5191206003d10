"""The asynchronous client: `AsyncClient`, the models that it hands out, and their prediction streams."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from types import TracebackType
from typing import Any, Final

from lmchat.client.address import ServerAddress
from lmchat.client.async_stream import AsyncPredictionStream
from lmchat.client.backend import Backend, EventStream
from lmchat.client.discovery import find_local_server, no_local_server, probe_blocking, require_server
from lmchat.client.lmstudio import LMStudioBackend
from lmchat.client.prediction_run import PredictionCallbacks, PredictionRun
from lmchat.protocol.auth import Credentials
from lmchat.values.chat import AssistantResponse, Chat, HistoryInput
from lmchat.values.config import (
    LlmLoadModelConfig,
    LlmPredictionConfig,
    LoadConfigInput,
    PredictionConfigInput,
    read_config,
)
from lmchat.values.errors import LMStudioClientError
from lmchat.values.loading import LoadProgress, ModelLoaded
from lmchat.values.model import LlmInfo, LlmInstanceInfo, ModelInfo
from lmchat.values.prediction import (
    LlmPredictionFragment,
    PredictionResult,
)

DEFAULT_TTL: Final = 3600
"""Seconds of idleness after which a model that was loaded on request may be unloaded."""
_TOKEN_VARIABLES: Final = ("LM_API_TOKEN", "LMSTUDIO_API_TOKEN")


def credentials(api_token: str | None) -> Credentials:
    """Those of a token given, else of one in the environment, else a guest's; an empty token means none."""
    if api_token is None:
        api_token = next((value for name in _TOKEN_VARIABLES if (value := os.environ.get(name))), "")
    return Credentials.from_token(api_token) if api_token else Credentials.guest()


class AsyncLLM:
    """A language model that is loaded on a server."""

    def __init__(self, identifier: str, backend: Backend) -> None:
        self.identifier = identifier
        self._backend = backend

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AsyncLLM) and self.identifier == other.identifier and self._backend is other._backend

    def __hash__(self) -> int:
        return hash((self.identifier, id(self._backend)))

    def __repr__(self) -> str:
        return f"{type(self).__name__}(identifier={self.identifier!r})"

    def respond_stream(
        self,
        history: HistoryInput,
        *,
        config: PredictionConfigInput | None = None,
        preset: str | None = None,
        on_message: Callable[[AssistantResponse], Any] | None = None,
        on_first_token: Callable[[], Any] | None = None,
        on_prediction_fragment: Callable[[LlmPredictionFragment], Any] | None = None,
        on_prompt_processing_progress: Callable[[float], Any] | None = None,
    ) -> AsyncPredictionStream:
        """Have the model continue a conversation, and watch it write.

        Args:
            history: a conversation, or a string for one user message.
            config: options of this prediction, as a config or a mapping.
            preset: a preset of the server's by which the options are filled in.
            on_message: gets the whole answer at the end; `chat.append` fits.
            on_first_token: called once, when the answer begins.
            on_prediction_fragment: gets each fragment.
            on_prompt_processing_progress: gets how much of the prompt has been read, 0.0-1.0.

        Raises:
            LMStudioValueError: the history or an option does not fit.
        """
        chat = Chat.from_history(history)
        options = read_config(config, LlmPredictionConfig)
        callbacks = PredictionCallbacks(
            on_message, on_first_token, on_prediction_fragment, on_prompt_processing_progress
        )
        structured = options.structured is not None

        async def open_events() -> EventStream:
            return await self._backend.predict(self.identifier, chat, options, preset=preset)

        return AsyncPredictionStream(open_events, PredictionRun(callbacks, structured=structured))

    async def respond(
        self,
        history: HistoryInput,
        *,
        config: PredictionConfigInput | None = None,
        preset: str | None = None,
        on_message: Callable[[AssistantResponse], Any] | None = None,
        on_first_token: Callable[[], Any] | None = None,
        on_prediction_fragment: Callable[[LlmPredictionFragment], Any] | None = None,
        on_prompt_processing_progress: Callable[[float], Any] | None = None,
    ) -> PredictionResult:
        """Have the model continue a conversation, and wait for the whole answer. Arguments as in `respond_stream`."""
        stream = self.respond_stream(
            history,
            config=config,
            preset=preset,
            on_message=on_message,
            on_first_token=on_first_token,
            on_prediction_fragment=on_prediction_fragment,
            on_prompt_processing_progress=on_prompt_processing_progress,
        )
        return await stream.wait_for_result()

    async def get_info(self) -> LlmInstanceInfo:
        """What the server says about the model."""
        return await self._backend.model_info(self.identifier)

    async def get_load_config(self) -> LlmLoadModelConfig:
        """How the model was loaded."""
        return await self._backend.load_config(self.identifier)

    async def get_context_length(self) -> int:
        """The context the model was loaded with, in tokens."""
        return (await self.get_info()).context_length

    async def tokenize(self, text: str) -> list[int]:
        """A text in the model's tokens."""
        return await self._backend.tokenize(self.identifier, text)

    async def count_tokens(self, text: str) -> int:
        """How many of the model's tokens a text is."""
        return await self._backend.count_tokens(self.identifier, text)

    async def apply_prompt_template(self, history: HistoryInput) -> str:
        """The exact text that the model would be given for a conversation."""
        return await self._backend.apply_prompt_template(self.identifier, Chat.from_history(history))

    async def unload(self) -> None:
        """Unload the model."""
        await self._backend.unload(self.identifier)


class AsyncLLMNamespace:
    """The language models of a server."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    async def model(
        self,
        model_key: str | None = None,
        /,
        *,
        ttl: int | None = DEFAULT_TTL,
        config: LoadConfigInput | None = None,
        on_load_progress: Callable[[float], Any] | None = None,
    ) -> AsyncLLM:
        """A model to talk to: the one of this key, loaded if it is not yet, or without a key any that is loaded.

        Args:
            model_key: a model key, an instance's identifier, or a path.
            ttl: seconds of idleness after which a model that is loaded now may be unloaded; None: never.
            config: options of the load; they do nothing for a model that is loaded already.
            on_load_progress: gets how far a load is, 0.0-1.0.

        Raises:
            LMStudioModelNotFoundError: the server has no such model.
            LMStudioClientError: no key was given and no model is loaded.
        """
        if model_key is None:
            return await self._any()
        backend = await self._client.backend()
        options = read_config(config, LlmLoadModelConfig)
        async for event in backend.load(model_key, options, ttl=ttl):
            match event:
                case LoadProgress(progress) if on_load_progress is not None:
                    on_load_progress(progress)
                case ModelLoaded(info):
                    return AsyncLLM(info.identifier, backend)
        raise LMStudioClientError(f"The load of {model_key} ended without a model. Try again.")

    async def list_loaded(self) -> list[AsyncLLM]:
        """The models that are loaded."""
        backend = await self._client.backend()
        return [AsyncLLM(info.identifier, backend) for info in await backend.loaded()]

    async def list_downloaded(self) -> list[LlmInfo]:
        """The language models on the server's disk."""
        return [info for info in await self._client.list_downloaded_models() if isinstance(info, LlmInfo)]

    async def get_model_info(self, identifier: str, /) -> LlmInstanceInfo:
        """What the server says about a loaded model."""
        return await (await self._client.backend()).model_info(identifier)

    async def unload(self, identifier: str, /) -> None:
        """Unload a model."""
        await (await self._client.backend()).unload(identifier)

    async def _any(self) -> AsyncLLM:
        if not (loaded := await self.list_loaded()):
            raise LMStudioClientError(
                'No model is loaded. Load one in LM Studio, or name one: llm("model-key") loads it by itself.'
            )
        return loaded[0]


class AsyncClient:
    """A connection to a server, for use in asynchronous programs."""

    def __init__(self, api_host: str | None = None, api_token: str | None = None) -> None:
        """Prepare a client; nothing is connected before it is used.

        Args:
            api_host: `host:port` or a `ws://`/`wss://` address; None: the server found on this machine.
            api_token: an API token; None: the one in `LM_API_TOKEN` or `LMSTUDIO_API_TOKEN`, if any.

        Raises:
            LMStudioValueError: the address or the token has not the form of one.
        """
        self._address = ServerAddress.parse(api_host) if api_host is not None else None
        self._credentials = credentials(api_token)
        self._backend: Backend | None = None
        self._connecting = asyncio.Lock()
        self.llm: Final = AsyncLLMNamespace(self)

    async def __aenter__(self) -> AsyncClient:
        await self.backend()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    @property
    def api_host(self) -> str | None:
        """The server's address, once it is known."""
        return None if self._address is None else str(self._address)

    async def backend(self) -> Backend:
        """The connection itself; the server is looked for on first use.

        Raises:
            LMStudioClientError: no server is there.
        """
        async with self._connecting:
            if self._backend is None:
                if self._address is None and (found := await find_local_server()) is not None:
                    self._address = found
                elif self._address is None:
                    raise no_local_server()
                else:
                    await require_server(self._address)
                self._backend = LMStudioBackend(self._address, self._credentials)
            return self._backend

    async def aclose(self) -> None:
        """Close all connections; the next use opens them again."""
        backend, self._backend = self._backend, None
        if backend is not None:
            await backend.aclose()

    async def list_downloaded_models(self) -> list[ModelInfo]:
        """The models on the server's disk."""
        return await (await self.backend()).downloaded()

    async def list_loaded_models(self) -> list[AsyncLLM]:
        """The models that are loaded."""
        return await self.llm.list_loaded()

    @staticmethod
    async def is_valid_api_host(api_host: str) -> bool:
        """Whether a server answers at an address."""
        return await asyncio.to_thread(probe_blocking, ServerAddress.parse(api_host)) == "server"

    @staticmethod
    async def find_default_local_api_host() -> str | None:
        """The address of the server on this machine, or None when there is none."""
        found = await find_local_server()
        return None if found is None else str(found)
