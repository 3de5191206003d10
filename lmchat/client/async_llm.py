"""A language model, for asynchronous programs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Unpack

from lmchat.client.act_async import AsyncActing
from lmchat.client.async_handle import AsyncModelHandle
from lmchat.client.async_stream import AsyncPredictionStream
from lmchat.client.backend import EventStream
from lmchat.client.lmstudio import LMStudioBackend
from lmchat.client.model_calls import ModelCalls
from lmchat.client.prediction_options import PredictionOptions, PredictionPlan
from lmchat.values.chat import Chat, HistoryInput
from lmchat.values.config import LlmLoadModelConfig
from lmchat.values.errors import LMStudioValueError
from lmchat.values.model import LlmInstanceInfo
from lmchat.values.prediction import PredictionResult

_TEMPLATE_OPTIONS: Final = {
    "omit_bos_token": "omitBosToken",
    "omit_eos_token": "omitEosToken",
    "tool_definitions": "toolDefinitions",
}


class AsyncLLM(AsyncModelHandle[LlmInstanceInfo, LlmLoadModelConfig], AsyncActing):
    """A language model that is loaded on a server."""

    _backend: LMStudioBackend

    @property
    def _calls(self) -> ModelCalls[LlmInstanceInfo, LlmLoadModelConfig]:
        return self._backend.llm

    def respond_stream(self, history: HistoryInput, **options: Unpack[PredictionOptions]) -> AsyncPredictionStream:
        """Have the model continue a conversation, and watch it write.

        Args:
            history: a conversation, or a string for one user message.
            **options: see `PredictionOptions`.

        Raises:
            LMStudioValueError: the history or an option does not fit.
        """
        chat = Chat.from_history(history)
        plan = PredictionPlan.read(**options)

        async def open_events() -> EventStream:
            return await self._backend.predict(self.identifier, chat, plan.config, preset=plan.preset)

        return AsyncPredictionStream(open_events, plan.run())

    async def respond(self, history: HistoryInput, **options: Unpack[PredictionOptions]) -> PredictionResult:
        """Have the model continue a conversation, and wait for the whole answer. Arguments as in `respond_stream`."""
        return await self.respond_stream(history, **options).wait_for_result()

    def complete_stream(self, prompt: HistoryInput, **options: Unpack[PredictionOptions]) -> AsyncPredictionStream:
        """Have the model continue a text as it is, without its prompt template, and watch it write.

        Args:
            prompt: the text; of a conversation, the text of its messages.
            **options: see `PredictionOptions`.

        Raises:
            LMStudioValueError: the text or an option does not fit.
        """
        chat = Chat.from_history(prompt)
        plan = PredictionPlan.read(**options)

        async def open_events() -> EventStream:
            return await self._backend.complete(self.identifier, chat, plan.config, preset=plan.preset)

        return AsyncPredictionStream(open_events, plan.run())

    async def complete(self, prompt: HistoryInput, **options: Unpack[PredictionOptions]) -> PredictionResult:
        """Have the model continue a text, and wait for the whole of it. Arguments as in `complete_stream`."""
        return await self.complete_stream(prompt, **options).wait_for_result()

    async def apply_prompt_template(self, history: HistoryInput, opts: Mapping[str, Any] | None = None) -> str:
        """The exact text that the model would be given for a conversation.

        Args:
            history: a conversation, or a string for one user message.
            opts: `omitBosToken` and `omitEosToken` leave out the tokens that begin and end a text; `toolDefinitions`
                are tools in the protocol's form that the template is to tell of.

        Raises:
            LMStudioValueError: the history does not fit, or there is no such option.
        """
        options = {_TEMPLATE_OPTIONS.get(name, name): value for name, value in (opts or {}).items()}
        for name in options:
            if name not in _TEMPLATE_OPTIONS.values():
                raise LMStudioValueError(
                    f"There is no option {name!r} for a prompt template. Use {', '.join(_TEMPLATE_OPTIONS.values())}."
                )
        return await self._backend.apply_prompt_template(self.identifier, Chat.from_history(history), options)

    async def preload_draft_model(self, draft_model_key: str) -> None:
        """Load a draft model now, so that the first prediction with it as `draftModel` need not wait for it."""
        await self._backend.preload_draft_model(self.identifier, draft_model_key)
