"""A model at work with tools: rounds of predictions and tool calls until one needs no tool.

There is one course of events for asynchronous and synchronous programs. All waiting is done by what the caller brings:
a `Wait` for the server and a `ToolRunner` for the tools. In a synchronous program both block, so the same coroutine
runs to its end without ever being suspended, and callbacks run on the caller's own thread.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, Protocol, Self, TypeAlias, TypeVar

import msgspec

from lmchat.client.act_callbacks import ActCallbacks, ActResult, PredictionRoundResult
from lmchat.client.async_stream import AsyncPredictionStream
from lmchat.client.backend import EventStream
from lmchat.client.callbacks import tell
from lmchat.client.prediction_run import PredictionRun
from lmchat.client.tools import FinishedCall, ToolCall, read_call, to_json
from lmchat.client.tools_running import ToolRunner
from lmchat.values.chat import AssistantResponse, Chat, TextData, ToolCallRequest, ToolCallResultData
from lmchat.values.config import LlmPredictionConfig, PredictionConfigInput, read_config
from lmchat.values.errors import LMStudioPredictionError, LMStudioValueError
from lmchat.values.prediction import PredictionEvent, PredictionResult, ToolCallFinished
from lmchat.values.tools import Tool, ToolDefinition, read_tools, tool_array

T = TypeVar("T")
OpenEvents: TypeAlias = Callable[[Chat, LlmPredictionConfig], Coroutine[Any, Any, EventStream]]
"""Has the model continue a conversation."""


class Wait(Protocol):
    """Has the event loop do something, and waits for the result."""

    async def __call__(self, work: Coroutine[Any, Any, T], /) -> T: ...


@dataclass(frozen=True, slots=True)
class ActPlan:
    """What a round is asked with."""

    tools: Mapping[str, Tool]
    config: LlmPredictionConfig
    max_rounds: int | None

    @classmethod
    def read(
        cls,
        tools: Iterable[ToolDefinition],
        max_rounds: int | None,
        config: PredictionConfigInput | None,
        *,
        allow_async: bool,
    ) -> Self:
        """The plan from what a caller gave.

        Raises:
            LMStudioValueError: something of it does not fit.
        """
        if max_rounds is not None and max_rounds < 1:
            raise LMStudioValueError(
                f"max_prediction_rounds is 1 or more, or None for no limit; {max_rounds} is neither."
            )
        return cls(read_tools(tools, allow_async=allow_async), read_config(config, LlmPredictionConfig), max_rounds)

    def is_last(self, index: int) -> bool:
        """Whether no round may follow."""
        return self.max_rounds is not None and index == self.max_rounds - 1

    def tools_of(self, index: int) -> Mapping[str, Tool]:
        """The tools that may be called in a round."""
        return {} if self.is_last(index) else self.tools

    def config_of(self, index: int) -> LlmPredictionConfig:
        """The options of a round's prediction."""
        config = self.config
        choice = config.tool_choice
        # A call can be demanded of the first round only: a model that must call in every round could never answer.
        if self.is_last(index) or (index > 0 and choice is not None and choice.get("mode") == "required"):
            config = msgspec.structs.replace(config, tool_choice=None)
        if not self.is_last(index):
            config = msgspec.structs.replace(config, raw_tools=tool_array(self.tools.values()))
        return config


class Act:
    """One act, from the request to the answer."""

    def __init__(
        self, open_events: OpenEvents, plan: ActPlan, callbacks: ActCallbacks, runner: ToolRunner, wait: Wait
    ) -> None:
        self._open_events = open_events
        self._plan = plan
        self._callbacks = callbacks
        self._runner = runner
        self._wait = wait

    async def run(self, chat: Chat) -> ActResult:
        """Continue a conversation, which grows, until the model answers without a tool.

        Raises:
            LMStudioError: a prediction failed, or the handler of invalid requests says so.
        """
        begun = time.perf_counter()
        async with self._runner:
            for index in itertools.count():
                if not await self._round(chat, index):
                    break
                if self._plan.is_last(index):
                    self._give_up(
                        LMStudioPredictionError(
                            "Model requested tool use on final prediction round. Allow more with max_prediction_rounds."
                        )
                    )
        return ActResult(rounds=index + 1, total_time_seconds=time.perf_counter() - begun)

    async def _round(self, chat: Chat, index: int) -> bool:
        """One prediction and the calls it asks for; gives whether it asked for any."""
        tell(self._callbacks.on_round_start, index)
        result, requests = await self._predict(chat, index)
        tell(self._callbacks.on_prediction_completed, PredictionRoundResult.from_result(result, index))
        if requests:
            results = [self._result(await self._runner.next_finished()) for _ in requests]
            tell(self._callbacks.on_message, chat.add_assistant_response(result, requests))
            tell(self._callbacks.on_message, chat.add_tool_results(results))
        else:
            tell(self._callbacks.on_message, AssistantResponse((TextData(result.content),)))
        tell(self._callbacks.on_round_end, index)
        return bool(requests)

    async def _predict(self, chat: Chat, index: int) -> tuple[PredictionResult, Sequence[ToolCallRequest]]:
        config = self._plan.config_of(index)
        wanted = (config.structured or {}).get("type")
        run = PredictionRun(self._callbacks.of_round(index), structured=wanted in ("json", "gbnf"))
        stream = AsyncPredictionStream(lambda: self._open_events(chat, config), run)
        tools = self._plan.tools_of(index)
        requests: list[ToolCallRequest] = []
        try:
            await self._wait(stream.start())
            while (events := await self._take(stream)) is not None:
                for event in events:
                    run.feed(event)
                    if isinstance(event, ToolCallFinished):
                        requests.append(event.request)
                        self._runner.start(self._call(event.request, tools))
        finally:
            await self._wait(stream.aclose())
        return stream.result(), requests

    async def _take(self, stream: AsyncPredictionStream) -> Sequence[PredictionEvent] | None:
        try:
            return await self._wait(stream.take_events())
        except LMStudioPredictionError as error:
            self._give_up(error)

    def _call(self, request: ToolCallRequest, tools: Mapping[str, Tool]) -> ToolCall:
        try:
            return read_call(request, tools)
        except LMStudioPredictionError as error:
            answer = self._answer(error, request)
            return ToolCall(request, lambda: answer)

    def _result(self, finished: FinishedCall) -> ToolCallResultData:
        content = finished.content
        if finished.error is not None:
            failure = LMStudioPredictionError(f"Unhandled Python exception: {finished.error!r}")
            failure.__cause__ = finished.error
            content = to_json(self._answer(failure, finished.request))
        return ToolCallResultData(content=content, tool_call_id=finished.request.id)

    def _answer(self, error: LMStudioPredictionError, request: ToolCallRequest) -> str:
        """What the model is told of a request that came to nothing."""
        handler = self._callbacks.handle_invalid_tool_request
        answer = None if handler is None else handler(error, request)
        return str(error) if answer is None else answer

    def _give_up(self, error: LMStudioPredictionError) -> NoReturn:
        """End the act by an error that the model cannot be told of."""
        if (handler := self._callbacks.handle_invalid_tool_request) is not None:
            handler(error, None)
        raise error
