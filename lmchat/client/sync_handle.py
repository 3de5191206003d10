"""Loaded models, for synchronous programs. They only wait: the asynchronous ones do the work."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Generic, TypeVar, Unpack, overload

from lmchat.client.act_sync import Acting
from lmchat.client.async_embedding import AsyncEmbeddingModel
from lmchat.client.async_handle import AsyncModelHandle
from lmchat.client.async_llm import AsyncLLM
from lmchat.client.model_calls import InstanceT, LoadConfigT
from lmchat.client.portal import Portal
from lmchat.client.prediction_options import PredictionOptions
from lmchat.client.sync_stream import PredictionStream
from lmchat.values.chat import HistoryInput
from lmchat.values.config import EmbeddingLoadModelConfig, LlmLoadModelConfig
from lmchat.values.model import EmbeddingModelInstanceInfo, LlmInstanceInfo
from lmchat.values.prediction import PredictionResult

AsyncT = TypeVar("AsyncT", bound=AsyncModelHandle[Any, Any])


class SyncModelHandle(Generic[AsyncT, InstanceT, LoadConfigT]):
    """A model that is loaded on a server."""

    def __init__(self, model: AsyncT, portal: Portal) -> None:
        self._model = model
        self._portal = portal

    @property
    def identifier(self) -> str:
        """The name of the instance on its server."""
        return self._model.identifier

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SyncModelHandle) and bool(self._model == other._model)

    def __hash__(self) -> int:
        return hash(self._model)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(identifier={self.identifier!r})"

    def get_info(self) -> InstanceT:
        """What the server says about the model."""
        info: InstanceT = self._portal.call(self._model.get_info())
        return info

    def get_load_config(self) -> LoadConfigT:
        """How the model was loaded, as far as the server tells."""
        config: LoadConfigT = self._portal.call(self._model.get_load_config())
        return config

    def get_context_length(self) -> int:
        """The context the model was loaded with, in tokens."""
        return self._portal.call(self._model.get_context_length())

    @overload
    def tokenize(self, input: str) -> list[int]: ...  # type: ignore[overload-overlap]  # a string is looked for first
    @overload
    def tokenize(self, input: Iterable[str]) -> list[list[int]]: ...
    def tokenize(self, input: str | Iterable[str]) -> list[int] | list[list[int]]:
        """A text in the model's tokens, or several texts, each in its own list; they are sent one after the other."""
        if isinstance(input, str):
            return self._portal.call(self._model.tokenize(input))
        return [self._portal.call(self._model.tokenize(text)) for text in input]

    def count_tokens(self, input: str) -> int:
        """How many of the model's tokens a text is."""
        return self._portal.call(self._model.count_tokens(input))

    def unload(self) -> None:
        """Unload the model."""
        self._portal.call(self._model.unload())


class LLM(SyncModelHandle[AsyncLLM, LlmInstanceInfo, LlmLoadModelConfig], Acting):
    """A language model that is loaded on a server."""

    def respond_stream(self, history: HistoryInput, **options: Unpack[PredictionOptions]) -> PredictionStream:
        """Have the model continue a conversation, and watch it write. Arguments as in `AsyncLLM.respond_stream`."""
        return PredictionStream(self._model.respond_stream(history, **options), self._portal)

    def respond(self, history: HistoryInput, **options: Unpack[PredictionOptions]) -> PredictionResult:
        """Have the model continue a conversation, and wait for the whole answer."""
        return self.respond_stream(history, **options).wait_for_result()

    def complete_stream(self, prompt: HistoryInput, **options: Unpack[PredictionOptions]) -> PredictionStream:
        """Have the model continue a text as it is, and watch it write. Arguments as in `AsyncLLM.complete_stream`."""
        return PredictionStream(self._model.complete_stream(prompt, **options), self._portal)

    def complete(self, prompt: HistoryInput, **options: Unpack[PredictionOptions]) -> PredictionResult:
        """Have the model continue a text as it is, and wait for the whole of it."""
        return self.complete_stream(prompt, **options).wait_for_result()

    def apply_prompt_template(self, history: HistoryInput, opts: Mapping[str, Any] | None = None) -> str:
        """The exact text that the model would be given. Arguments as in `AsyncLLM.apply_prompt_template`."""
        return self._portal.call(self._model.apply_prompt_template(history, opts))

    def preload_draft_model(self, draft_model_key: str) -> None:
        """Load a draft model now, so that the first prediction with it need not wait for it."""
        self._portal.call(self._model.preload_draft_model(draft_model_key))


class EmbeddingModel(SyncModelHandle[AsyncEmbeddingModel, EmbeddingModelInstanceInfo, EmbeddingLoadModelConfig]):
    """An embedding model that is loaded on a server. `tokenize` also gives the special tokens round a text."""

    @overload
    def embed(self, input: str) -> list[float]: ...  # type: ignore[overload-overlap]  # a string is looked for first
    @overload
    def embed(self, input: Iterable[str]) -> list[list[float]]: ...
    def embed(self, input: str | Iterable[str]) -> list[float] | list[list[float]]:
        """A text as a vector, or several texts, each as its own; they are sent one after the other."""
        if isinstance(input, str):
            return self._portal.call(self._model.embed(input))
        return [self._portal.call(self._model.embed(text)) for text in input]
