"""One prediction, from a request to its last packet."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from contextlib import AsyncExitStack, aclosing
from typing import Final

import msgspec

from lmchat.engine.faults import StoppedByClient
from lmchat.engine.logstream import LogStream
from lmchat.engine.models.instance import Instance
from lmchat.engine.prediction.prompt import Prompt, make_prompt
from lmchat.engine.prediction.reasoning import Piece, ReasoningSplitter
from lmchat.engine.prediction.sampling import Settings
from lmchat.engine.prediction.tally import Tally
from lmchat.engine.prediction.tool_calls import AnswerPart, CallBegun, CallUnreadable, CallWritten, ToolCallReader
from lmchat.engine.serving.channel import ServerChannel
from lmchat.engine.uploads import Uploads
from lmchat.engine.worker.completion import Finished, PromptProgress, TextDelta
from lmchat.engine.worker.errors import WorkerDiedError, WorkerHungError
from lmchat.protocol import endpoints as wire
from lmchat.protocol.errors import failure
from lmchat.values.logs import LlmPredictionInputLog, LlmPredictionOutputLog
from lmchat.values.model import LlmInstanceInfo
from lmchat.values.prediction import FragmentToken, LlmPredictionFragment, PromptProcessingDetails, StopReason

_log = logging.getLogger(__name__)

_WAITING: Final = wire.PromptProcessingProgress(
    progress=0.0,
    details=PromptProcessingDetails(
        cached_token_count=0,
        total_prompt_token_count=0,
        processed_prompt_token_count=0,
        unprocessed_prompt_token_count=0,
    ),
)
"""Nothing has been read: not even how long the prompt is is known before it is this request's turn."""


class Answer:
    """An answer to one request, over a channel."""

    def __init__(
        self,
        instance: Instance,
        request: wire.Predict | wire.CompleteRawText,
        channel: ServerChannel,
        tally: Tally,
        uploads: Uploads,
        logs: LogStream,
    ) -> None:
        self._instance = instance
        self._request = request
        self._settings = Settings(request.prediction_config_stack.collapse(), instance.order.entry.gguf)
        self._channel = channel
        self._tally = tally
        self._uploads = uploads
        self._logs = logs
        self._splitter: ReasoningSplitter | None = None
        self._tools = ToolCallReader(tool.function.name for tool in self._settings.tools)
        self._told: tuple[FragmentToken, ...] = ()
        self._written: list[str] = []

    async def give(self) -> None:
        """Answer; the last packet tells how it went, also when the client stops it.

        Raises EngineError when the prompt does not fit or the worker dies; what was said before that stands. A worker
        that hangs makes the answer fail, with the reason in the log, and the next request gets a new worker.
        """
        reason: StopReason | None = None
        async with self._instance.in_use():
            try:
                await self._channel.unless_stopped(self._write())
            except StoppedByClient:
                reason = "userStopped"
            except WorkerHungError as hung:
                _log.warning("%s fails: %s", self._instance.identifier, hung)
                reason = "failed"
            except WorkerDiedError:
                if not self._instance.unloading:
                    raise
                reason = "modelUnloaded"
        await self._finish(reason)

    async def _write(self) -> None:
        """Wait for a turn, make the prompt, and pass on what the model says."""
        async with AsyncExitStack() as turn:
            if self._instance.has_free_turn:
                await turn.enter_async_context(self._instance.turn())
            else:
                async with self._channel.repeating(_WAITING):
                    await turn.enter_async_context(self._instance.turn())
            prompt = await make_prompt(self._instance, self._request, self._settings, self._uploads)
            self._tally.prompt_tokens = prompt.tokens
            self._splitter = _splitter(self._settings, prompt)
            self._log_input(prompt)
            await self._channel.send(_progress(prompt.tokens, 0, 0))
            await self._generate(prompt)

    async def _finish(self, reason: StopReason | None) -> None:
        """Send what was held back, and the last packet. The reason is None when the model came to an end itself."""
        if self._splitter is not None:
            await self._pass_on(self._splitter.flush())
        await self._send(self._tools.flush())
        info, stats = self._instance.info, self._tally.stats(reason, self._settings.tool_stop_strings)
        assert isinstance(info, LlmInstanceInfo)
        self._logs.publish(
            LlmPredictionOutputLog(output="".join(self._written), stats=stats, model_identifier=info.identifier)
        )
        success = wire.PredictionSuccess(
            stats=stats,
            model_info=info,
            load_model_config=self._instance.load_config,
            prediction_config=self._settings.kv,
        )
        await self._channel.send(success)

    async def _generate(self, prompt: Prompt) -> None:
        read = 0
        async with aclosing(self._instance.worker.complete(prompt.text, self._settings.request())) as chunks:
            async for chunk in chunks:
                match chunk:
                    case PromptProgress(total, cached, processed) if cached + processed > read:
                        read = cached + processed
                        await self._channel.send(_progress(total, cached, processed))
                    case TextDelta():
                        await self._say(chunk)
                    case Finished():
                        self._tally.finish(chunk)

    async def _say(self, delta: TextDelta) -> None:
        self._instance.status = "generating"
        self._tally.text(delta.tokens)
        self._written.append(delta.text)
        self._told += delta.told
        if self._splitter is None:
            await self._pass_on([Piece("none", delta.text, delta.tokens)])
        else:
            await self._pass_on(self._splitter.feed(delta.text, delta.tokens))

    async def _pass_on(self, pieces: Iterable[Piece]) -> None:
        for piece in pieces:
            await self._send(self._tools.feed(piece) if self._settings.tools else [piece])

    async def _send(self, parts: Iterable[AnswerPart]) -> None:
        for part in parts:
            await self._channel.send(self._packet(part))

    def _packet(self, part: AnswerPart) -> wire.PredictPacket:
        match part:
            case CallBegun(identifier):
                return wire.ToolCallGenerationStart(tool_call_id=identifier)
            case CallWritten(request):
                return wire.ToolCallGenerationEnd(tool_call_request=request)
            case CallUnreadable(text):
                return wire.ToolCallGenerationFailed(
                    error=failure("The model wrote a tool call that cannot be read", cause=text)
                )
        return wire.Fragment(fragment=self._fragment(part))

    def _fragment(self, piece: Piece) -> LlmPredictionFragment:
        told, self._told = self._told, ()
        if self._settings.log_probs == 0:
            told = tuple(msgspec.structs.replace(token, candidates=None) for token in told)
        return LlmPredictionFragment(
            content=piece.text, tokens_count=piece.tokens, reasoning_type=piece.kind, tokens=told or None
        )

    def _log_input(self, prompt: Prompt) -> None:
        info = self._instance.info
        self._logs.publish(
            LlmPredictionInputLog(input=prompt.text, model_path=info.path, model_identifier=info.identifier)
        )


def _splitter(settings: Settings, prompt: Prompt) -> ReasoningSplitter | None:
    if (tags := settings.reasoning_tags) is None:
        return None
    start, end = tags
    # Some templates open the reasoning themselves, and the model goes on from there.
    return ReasoningSplitter(start, end, inside=prompt.text.rstrip().endswith(start))


def _progress(total: int, cached: int, processed: int) -> wire.PromptProcessingProgress:
    details = PromptProcessingDetails(
        cached_token_count=cached,
        total_prompt_token_count=total,
        processed_prompt_token_count=processed,
        unprocessed_prompt_token_count=total - cached - processed,
    )
    return wire.PromptProcessingProgress(progress=(cached + processed) / total if total else 1.0, details=details)
