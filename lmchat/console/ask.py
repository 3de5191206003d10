"""One question, one answer: the answer on standard output, everything else on standard error."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final

from lmchat.app.conversation import Conversation
from lmchat.app.events import AnswerFinished
from lmchat.app.session import Resume, Session
from lmchat.console.narration import Narration
from lmchat.console.streams import say
from lmchat.console.writers import CodeWriter, JsonWriter, TextWriter, Writer
from lmchat.values.errors import LMStudioError, LMStudioPredictionError
from lmchat.values.history import MessageRecord
from lmchat.values.prediction import LlmPredictionFragment, PromptProgress
from lmchat.values.safe_text import safe_line, safe_text

CUT: Final = frozenset({"maxPredictedTokensReached", "contextLengthReached"})
"""Stop reasons of answers that are less than the model meant to say."""
_BROKEN_OFF: Final = {
    "failed": "The server says that the answer failed. Ask again.",
    "modelUnloaded": "The model was unloaded while it answered. Ask again.",
}
"""Stop reasons of answers that ended by a fault, of which the server says no more."""


@dataclass(frozen=True, slots=True)
class AskOptions:
    """How an answer is to be printed."""

    json: bool = False
    """One event a line instead of the text."""
    stats: bool = False
    """Model, tokens, time to first token, tok/s and stop reason on standard error."""
    code: bool = False
    """The code of the answer alone."""
    reasoning: bool = False
    """What the model thinks, on standard error."""


async def ask(session: Session, prompt: str, options: AskOptions, resume: Resume = None) -> MessageRecord:
    """Ask, print the answer as it is written, and give it as it is kept.

    Raises:
        LMStudioError: there is no answer, or it ended by an error. What came of it is printed and kept.
    """
    narration = Narration()
    # What failed is raised, and said once.
    session.on_status = lambda status: narration.say(status.text) if status.stage != "failed" else None
    opened = await session.open(resume)
    if opened.notice:
        say(safe_text(opened.notice))
    kept = not session.private
    conversation = session.new_conversation()
    if opened.resumed is not None:
        await conversation.open(opened.resumed)
    writer = _writer(options, kept=kept)
    try:
        answer = await _follow(conversation, prompt, writer, narration)
    except asyncio.CancelledError:
        say("Stopped. What was said is kept: `lmchat -c` goes on with it." if kept else "Stopped.")
        raise
    if options.stats:
        _print_stats(answer)
    broken_off = _BROKEN_OFF.get(answer.stats.stop_reason) if answer.stats else None
    if (error := answer.error or broken_off) is not None:
        raise LMStudioPredictionError(error)
    return answer


def _writer(options: AskOptions, *, kept: bool) -> Writer:
    if options.json:
        return JsonWriter(kept=kept)
    return CodeWriter(reasoning=options.reasoning) if options.code else TextWriter(reasoning=options.reasoning)


async def _follow(conversation: Conversation, prompt: str, writer: Writer, narration: Narration) -> MessageRecord:
    answer: MessageRecord | None = None
    try:
        async with aclosing(conversation.send(prompt)) as events:
            async for event in events:
                match event:
                    case PromptProgress():
                        writer.progress(event)
                    case LlmPredictionFragment():
                        narration.hush()
                        writer.fragment(event)
                    case AnswerFinished(message):
                        writer.finished(conversation, message)
                        # What goes wrong with keeping it is told after it.
                        answer = message
    finally:
        narration.hush()
        writer.end()
    if answer is None:
        raise LMStudioError("The model gave no answer. Ask again.")
    return answer


def _print_stats(message: MessageRecord) -> None:
    stats, provenance = message.stats, message.provenance
    if stats is None or provenance is None:
        return
    whose = "" if provenance.measured_by == "server" else " (measured here)"
    lines = [
        ("model", safe_line(provenance.model.display_name) if provenance.model else "–"),
        ("server", safe_line(provenance.server)),
        ("prompt tokens", _number(stats.prompt_tokens_count)),
        ("predicted tokens", _number(stats.predicted_tokens_count)),
        ("time to first token", _number(stats.time_to_first_token_sec, ".3f", " s")),
        ("tokens per second", _number(stats.tokens_per_second, ".2f") + whose),
        ("stop reason", safe_line(stats.stop_reason)),
    ]
    for name, value in lines:
        say(f"{name + ':':<21}{value}")


def _number(value: float | None, form: str = "", unit: str = "") -> str:
    return "–" if value is None else f"{value:{form}}{unit}"
