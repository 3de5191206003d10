"""From a request to the exact text that the model is to continue, cut to what fits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from lmchat.engine.models.instance import Instance
from lmchat.engine.prediction import overflow
from lmchat.engine.prediction.history import llama_messages, raw_prompt, unreadable_file
from lmchat.engine.prediction.overflow import LlamaMessage
from lmchat.engine.prediction.sampling import Settings
from lmchat.engine.uploads import Uploads
from lmchat.engine.worker.completion import ContextExceededError
from lmchat.protocol.endpoints import CompleteRawText, Predict
from lmchat.protocol.kvconfig import COMPLETE_MODE
from lmchat.values.chat import ChatHistoryData, FileHandle
from lmchat.values.errors import EngineError

_SHARE_FOR_ANSWER: Final = 4
"""One part in so many of the context is kept free for the answer when a conversation has to be shortened."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """What the model is given."""

    text: str
    tokens: int


async def make_prompt(
    instance: Instance, request: Predict | CompleteRawText, settings: Settings, uploads: Uploads
) -> Prompt:
    """The prompt for a request.

    A conversation that is too long loses its oldest turns, unless the client wants it to fail. Raises EngineError when
    what must be kept does not fit, and when there are files other than text, which these models cannot read.
    """
    if isinstance(request, CompleteRawText):
        return await _fitting(instance, request.raw_prompt)
    if (file := unreadable_file(request.history, uploads)) is not None:
        raise _file_fault(instance, file)
    if request.prediction_config_stack.has_layer(COMPLETE_MODE):
        return await _fitting(instance, raw_prompt(request.history))
    messages = llama_messages(request.history, uploads, settings.system_prompt, settings.tool_instructions)
    if not messages:
        raise EngineError("The conversation is empty. Give it at least one message.")
    prompt = await _rendered(instance, messages, settings)
    if not settings.stop_at_limit:
        prompt = await _shortened(instance, messages, prompt, settings)
    return _checked(instance, prompt)


async def formatted(instance: Instance, history: ChatHistoryData, settings: Settings, uploads: Uploads) -> str:
    """What the model's template makes of a history, whole, without files that it cannot read."""
    messages = llama_messages(history, uploads, settings.system_prompt, settings.tool_instructions)
    return await instance.worker.apply_template(messages, settings.template_options())


def _file_fault(instance: Instance, file: FileHandle) -> EngineError:
    if file.file_type.startswith("text/"):
        return EngineError(f"The file {file.name} is not on this server any more. Upload it again.")
    return EngineError(f"{instance.identifier} reads text only, and {file.name} is no text. Leave it out.")


async def _fitting(instance: Instance, text: str) -> Prompt:
    return _checked(instance, Prompt(text, len(await instance.worker.tokenize(text))))


async def _rendered(instance: Instance, messages: Sequence[LlamaMessage], settings: Settings) -> Prompt:
    text = await instance.worker.apply_template(messages, settings.template_options())
    return Prompt(text, len(await instance.worker.tokenize(text)))


async def _shortened(instance: Instance, messages: list[LlamaMessage], prompt: Prompt, settings: Settings) -> Prompt:
    step = instance.context_length // _SHARE_FOR_ANSWER
    room = instance.context_length - min(settings.max_tokens or step, step)
    while prompt.tokens > room:
        shorter = overflow.without_oldest(messages, overflow.share_to_drop(prompt.tokens, room, step))
        if shorter is None:
            break
        messages, prompt = shorter, await _rendered(instance, shorter, settings)
    return prompt


def _checked(instance: Instance, prompt: Prompt) -> Prompt:
    # One place at least is for the answer.
    if prompt.tokens >= instance.context_length:
        raise ContextExceededError(prompt_tokens=prompt.tokens, context_length=instance.context_length)
    return prompt
