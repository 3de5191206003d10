"""One prediction, from a request to its last packet."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AsyncExitStack, aclosing
from typing import Final

from lmchat.engine.faults import StoppedByClient
from lmchat.engine.models.instance import Instance
from lmchat.engine.prediction.prompt import Prompt, make_prompt
from lmchat.engine.prediction.reasoning import Piece, ReasoningSplitter
from lmchat.engine.prediction.sampling import Settings
from lmchat.engine.prediction.tally import Tally
from lmchat.engine.serving.channel import ServerChannel
from lmchat.engine.worker.completion import Finished, PromptProgress, TextDelta
from lmchat.engine.worker.errors import WorkerDiedError
from lmchat.protocol import endpoints as wire
from lmchat.values.prediction import LlmPredictionFragment, PromptProcessingDetails, StopReason

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


async def predict(
    instance: Instance, request: wire.Predict | wire.CompleteRawText, channel: ServerChannel, tally: Tally
) -> None:
    """Answer a request over a channel; the last packet tells how it went, also when the client stops it.

    Raises EngineError when the prompt does not fit or the worker dies; what was said before that stands.
    """
    answer = _Answer(instance, request, channel, tally)
    reason: StopReason | None = None
    async with instance.in_use():
        try:
            await channel.unless_stopped(answer.write())
        except StoppedByClient:
            reason = "userStopped"
        except WorkerDiedError:
            if not instance.unloading:
                raise
            reason = "modelUnloaded"
    await answer.finish(reason)


class _Answer:
    """An answer that is being written."""

    def __init__(
        self,
        instance: Instance,
        request: wire.Predict | wire.CompleteRawText,
        channel: ServerChannel,
        tally: Tally,
    ) -> None:
        self._instance = instance
        self._request = request
        self._settings = Settings(request.prediction_config_stack.collapse(), instance.order.entry.gguf)
        self._channel = channel
        self._tally = tally
        self._splitter: ReasoningSplitter | None = None

    async def write(self) -> None:
        """Wait for a turn, make the prompt, and pass on what the model says."""
        async with AsyncExitStack() as turn:
            if self._instance.has_free_turn:
                await turn.enter_async_context(self._instance.turn())
            else:
                async with self._channel.repeating(_WAITING):
                    await turn.enter_async_context(self._instance.turn())
            prompt = await make_prompt(self._instance, self._request, self._settings)
            self._tally.prompt_tokens = prompt.tokens
            self._splitter = _splitter(self._settings, prompt)
            await self._channel.send(_progress(prompt.tokens, 0, 0))
            await self._generate(prompt)

    async def finish(self, reason: StopReason | None) -> None:
        """Send what was held back, and the last packet. The reason is None when the model came to an end itself."""
        if self._splitter is not None:
            await self._send(self._splitter.flush())
        success = wire.PredictionSuccess(
            stats=self._tally.stats(reason, self._settings.tool_stop_strings),
            model_info=self._instance.info,
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
                    case TextDelta(text, tokens):
                        await self._say(text, tokens)
                    case Finished():
                        self._tally.finish(chunk)

    async def _say(self, text: str, tokens: int) -> None:
        self._instance.status = "generating"
        self._tally.text(tokens)
        if self._splitter is None:
            await self._send([Piece("none", text, tokens)])
        else:
            await self._send(self._splitter.feed(text, tokens))

    async def _send(self, pieces: Iterable[Piece]) -> None:
        for kind, text, tokens in pieces:
            fragment = LlmPredictionFragment(content=text, tokens_count=tokens, reasoning_type=kind)
            await self._channel.send(wire.Fragment(fragment=fragment))


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
