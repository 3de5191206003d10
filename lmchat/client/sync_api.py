"""The synchronous client. It only waits: every decision is the asynchronous client's or `PredictionRun`'s."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from types import TracebackType
from typing import Any, Final, TypeVar

from lmchat.client.async_api import DEFAULT_TTL, AsyncClient, AsyncLLM
from lmchat.client.async_stream import AsyncPredictionStream
from lmchat.client.portal import Portal
from lmchat.values.chat import AssistantResponse, HistoryInput
from lmchat.values.config import LlmLoadModelConfig, LoadConfigInput, PredictionConfigInput
from lmchat.values.model import LlmInfo, LlmInstanceInfo, ModelInfo
from lmchat.values.prediction import LlmPredictionFragment, LlmPredictionStats, PredictionResult

T = TypeVar("T")


class PredictionStream:
    """An answer as it is written: iterate it for the fragments. Callbacks run on the thread that iterates."""

    def __init__(self, stream: AsyncPredictionStream, portal: Portal) -> None:
        self._stream = stream
        self._portal = portal

    def __enter__(self) -> PredictionStream:
        self._portal.call(self._stream.ensure_started())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def start(self) -> None:
        """Send the request.

        Raises:
            LMStudioRuntimeError: it has been sent already.
        """
        self._portal.call(self._stream.start())

    def __iter__(self) -> Iterator[LlmPredictionFragment]:
        self._portal.call(self._stream.ensure_started())
        try:
            # One hand-over between threads brings all that has come, and it is folded on this side.
            while (events := self._portal.call(self._stream.take_events())) is not None:
                yield from self._stream.fold(events)
        finally:
            self.close()

    def cancel(self) -> None:
        """Stop the answer. Iterate on to its end to have the result of what came until now."""
        self._portal.call(self._stream.cancel())

    def close(self) -> None:
        """Leave the stream; one that is not finished is given up."""
        self._portal.call(self._stream.aclose())

    def wait_for_result(self) -> PredictionResult:
        """Read the stream to its end and give the finished answer."""
        for _ in self:
            pass
        return self.result()

    def result(self) -> PredictionResult:
        """The finished answer; never waits.

        Raises:
            LMStudioError: the stream failed, was left early, or is not finished.
        """
        return self._stream.result()

    @property
    def stats(self) -> LlmPredictionStats | None:
        """How it went; None until the answer is finished."""
        return self._stream.stats

    @property
    def model_info(self) -> LlmInfo | None:
        """Which model answered; None until the answer is finished."""
        return self._stream.model_info


class LLM:
    """A language model that is loaded on a server."""

    def __init__(self, model: AsyncLLM, portal: Portal) -> None:
        self._model = model
        self._portal = portal

    @property
    def identifier(self) -> str:
        """The name of the instance on its server."""
        return self._model.identifier

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LLM) and self._model == other._model

    def __hash__(self) -> int:
        return hash(self._model)

    def __repr__(self) -> str:
        return f"LLM(identifier={self.identifier!r})"

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
    ) -> PredictionStream:
        """Have the model continue a conversation, and watch it write. Arguments as in `AsyncLLM.respond_stream`."""
        stream = self._model.respond_stream(
            history,
            config=config,
            preset=preset,
            on_message=on_message,
            on_first_token=on_first_token,
            on_prediction_fragment=on_prediction_fragment,
            on_prompt_processing_progress=on_prompt_processing_progress,
        )
        return PredictionStream(stream, self._portal)

    def respond(
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
        """Have the model continue a conversation, and wait for the whole answer."""
        stream = self.respond_stream(
            history,
            config=config,
            preset=preset,
            on_message=on_message,
            on_first_token=on_first_token,
            on_prediction_fragment=on_prediction_fragment,
            on_prompt_processing_progress=on_prompt_processing_progress,
        )
        return stream.wait_for_result()

    def get_info(self) -> LlmInstanceInfo:
        """What the server says about the model."""
        return self._portal.call(self._model.get_info())

    def get_load_config(self) -> LlmLoadModelConfig:
        """How the model was loaded."""
        return self._portal.call(self._model.get_load_config())

    def get_context_length(self) -> int:
        """The context the model was loaded with, in tokens."""
        return self._portal.call(self._model.get_context_length())

    def tokenize(self, text: str) -> list[int]:
        """A text in the model's tokens."""
        return self._portal.call(self._model.tokenize(text))

    def count_tokens(self, text: str) -> int:
        """How many of the model's tokens a text is."""
        return self._portal.call(self._model.count_tokens(text))

    def apply_prompt_template(self, history: HistoryInput) -> str:
        """The exact text that the model would be given for a conversation."""
        return self._portal.call(self._model.apply_prompt_template(history))

    def unload(self) -> None:
        """Unload the model."""
        self._portal.call(self._model.unload())


class LLMNamespace:
    """The language models of a server."""

    def __init__(self, client: AsyncClient, portal: Portal) -> None:
        self._llm = client.llm
        self._portal = portal

    def model(
        self,
        model_key: str | None = None,
        /,
        *,
        ttl: int | None = DEFAULT_TTL,
        config: LoadConfigInput | None = None,
        on_load_progress: Callable[[float], Any] | None = None,
    ) -> LLM:
        """A model to talk to. Arguments as in `AsyncLLMNamespace.model`."""
        model = self._portal.call(self._llm.model(model_key, ttl=ttl, config=config, on_load_progress=on_load_progress))
        return LLM(model, self._portal)

    def list_loaded(self) -> list[LLM]:
        """The models that are loaded."""
        return [LLM(model, self._portal) for model in self._portal.call(self._llm.list_loaded())]

    def list_downloaded(self) -> list[LlmInfo]:
        """The language models on the server's disk."""
        return self._portal.call(self._llm.list_downloaded())

    def get_model_info(self, identifier: str, /) -> LlmInstanceInfo:
        """What the server says about a loaded model."""
        return self._portal.call(self._llm.get_model_info(identifier))

    def unload(self, identifier: str, /) -> None:
        """Unload a model."""
        self._portal.call(self._llm.unload(identifier))


class Client:
    """A connection to a server, for use in synchronous programs."""

    def __init__(self, api_host: str | None = None, api_token: str | None = None) -> None:
        """Prepare a client; nothing is connected before it is used. Arguments as in `AsyncClient`."""
        self._portal = Portal()
        self._client = AsyncClient(api_host, api_token)
        self.llm: Final = LLMNamespace(self._client, self._portal)

    def __enter__(self) -> Client:
        self._portal.call(self._client.backend())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def api_host(self) -> str | None:
        """The server's address, once it is known."""
        return self._client.api_host

    def close(self) -> None:
        """Close all connections."""
        self._portal.call(self._client.aclose())
        self._portal.close()

    def list_downloaded_models(self) -> list[ModelInfo]:
        """The models on the server's disk."""
        return self._portal.call(self._client.list_downloaded_models())

    def list_loaded_models(self) -> list[LLM]:
        """The models that are loaded."""
        return self.llm.list_loaded()

    @staticmethod
    def is_valid_api_host(api_host: str) -> bool:
        """Whether a server answers at an address."""
        return _in_passing(AsyncClient.is_valid_api_host(api_host))

    @staticmethod
    def find_default_local_api_host() -> str | None:
        """The address of the server on this machine, or None when there is none."""
        return _in_passing(AsyncClient.find_default_local_api_host())


def _in_passing(work: Coroutine[Any, Any, T]) -> T:
    portal = Portal()
    try:
        return portal.call(work)
    finally:
        portal.close()
