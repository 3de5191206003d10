"""`act` for asynchronous programs."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable
from typing import Any, TypeVar

from lmchat.client.act import Act, ActPlan
from lmchat.client.act_callbacks import ActCallbacks, ActResult, InvalidToolRequestHandler, PredictionRoundResult
from lmchat.client.backend import Backend, EventStream
from lmchat.client.tools_running import ToolTasks
from lmchat.values.chat import AssistantResponse, Chat, HistoryInput, ToolResultMessage
from lmchat.values.config import LlmPredictionConfig, PredictionConfigInput
from lmchat.values.prediction import LlmPredictionFragment, PromptProcessingProgress
from lmchat.values.tools import ToolDefinition

T = TypeVar("T")


class AsyncActing:
    """What a model does with tools."""

    identifier: str
    _backend: Backend

    async def act(
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

        Cancelled, it stops the prediction and the tools that are coroutines; a function that is running on a thread
        cannot be stopped, and its result is dropped. Rounds are counted from 0.

        Args:
            chat: a conversation, or a string for one user message. It stays as it is; `on_message=chat.append` makes it
                grow.
            tools: functions with type hints and a docstring, or their descriptions. Coroutine functions are awaited,
                others run on a thread.
            max_prediction_rounds: predictions at most, 1 and up; the last one gets no tools. None: no limit.
            max_parallel_tool_calls: calls at once, 1 and up; None: no limit.
            config: options of each prediction. A `toolChoice` of mode `required` holds for the first round only.
            preset: a preset of the server's by which the options are filled in.
            on_message: gets each message when it is complete: the answer of the last round; before that, of each round,
                what the model said with its tool call requests, then one message with all results in the order in
                which the calls finished.
            on_first_token: gets the round, when its answer begins.
            on_prediction_fragment: gets each fragment and its round.
            on_round_start: gets the round before its prediction.
            on_round_end: gets the round after its tool calls.
            on_prediction_completed: gets the result of each prediction, before its tool calls are waited for.
            on_prompt_processing_progress: gets how much of the prompt has been read, 0.0-1.0, and the round.
            handle_invalid_tool_request: gets the error and the request when a call fails, or is of an unknown tool or
                with wrong arguments. What it returns is told to the model, None being the error's own text; what it
                raises ends the act. Without a request it is only told, and the error is raised after it.

        Raises:
            LMStudioValueError: the history, a tool or an option does not fit.
            LMStudioPredictionError: a call could not be read, or was made on the last round.
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
        plan = ActPlan.read(tools, max_prediction_rounds, config, allow_async=True)
        act = Act(self.predictions(preset), plan, callbacks, ToolTasks(max_parallel_tool_calls), _wait)
        return await act.run(Chat.from_history(chat))

    def predictions(
        self, preset: str | None
    ) -> Callable[[Chat, LlmPredictionConfig], Coroutine[Any, Any, EventStream]]:
        """How a prediction of this model is asked for."""
        return lambda chat, config: self._backend.predict(self.identifier, chat, config, preset=preset)


async def _wait(work: Coroutine[Any, Any, T]) -> T:
    return await work
