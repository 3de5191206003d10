"""`act` for synchronous programs."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable
from typing import Any, TypeVar

from lmchat.client.act import Act, ActPlan
from lmchat.client.act_callbacks import ActCallbacks, ActResult, InvalidToolRequestHandler, PredictionRoundResult
from lmchat.client.async_llm import AsyncLLM
from lmchat.client.portal import Portal
from lmchat.client.tools_running import ToolThreads
from lmchat.values.chat import AssistantResponse, Chat, HistoryInput, ToolResultMessage
from lmchat.values.config import PredictionConfigInput
from lmchat.values.prediction import LlmPredictionFragment, PromptProcessingProgress
from lmchat.values.tools import ToolDefinition

T = TypeVar("T")


class Acting:
    """What a model does with tools."""

    _model: AsyncLLM
    _portal: Portal

    def act(
        self,
        chat: HistoryInput,
        tools: Iterable[ToolDefinition],
        *,
        max_prediction_rounds: int | None = None,
        max_parallel_tool_calls: int | None = 1,
        config: PredictionConfigInput | None = None,
        preset: str | None = None,
        on_message: Callable[[AssistantResponse | ToolResultMessage], Any] | None = None,
        on_first_token: Callable[[int], Any] | None = None,
        on_prediction_fragment: Callable[[LlmPredictionFragment, int], Any] | None = None,
        on_round_start: Callable[[int], Any] | None = None,
        on_round_end: Callable[[int], Any] | None = None,
        on_prediction_completed: Callable[[PredictionRoundResult], Any] | None = None,
        on_prompt_processing_progress: Callable[[PromptProcessingProgress, int], Any] | None = None,
        handle_invalid_tool_request: InvalidToolRequestHandler | None = None,
    ) -> ActResult:
        """Have the model continue a conversation with tools, round by round, until it answers without one.

        Arguments as in `AsyncLLM.act`. Tools run on threads beside the prediction and cannot be coroutine functions;
        callbacks run on the calling thread. An interrupt stops the prediction and the calls that have not begun; a tool
        that is running ends by itself, and its result is dropped.
        """
        callbacks = ActCallbacks(
            on_message=on_message,
            on_first_token=on_first_token,
            on_prediction_fragment=on_prediction_fragment,
            on_round_start=on_round_start,
            on_round_end=on_round_end,
            on_prediction_completed=on_prediction_completed,
            on_prompt_processing_progress=on_prompt_processing_progress,
            handle_invalid_tool_request=handle_invalid_tool_request,
        )
        plan = ActPlan.read(tools, max_prediction_rounds, config, allow_async=False)
        act = Act(self._model.predictions(preset), plan, callbacks, ToolThreads(max_parallel_tool_calls), self._block)
        return _run(act.run(Chat.from_history(chat)))

    async def _block(self, work: Coroutine[Any, Any, T]) -> T:
        return self._portal.call(work)


def _run(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in which every wait blocks, so that it is never suspended."""
    try:
        work.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    raise AssertionError("a coroutine that blocks was suspended")
