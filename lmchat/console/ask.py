"""One question, one answer: the answer on standard output, everything else on standard error."""

from __future__ import annotations

import asyncio
import sys
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Final, Protocol

import msgspec

from lmchat.app.conversation import Conversation
from lmchat.app.events import AnswerFinished
from lmchat.app.session import Resume, Session
from lmchat.console.narration import Narration
from lmchat.console.streams import say
from lmchat.values.chat import TextData
from lmchat.values.errors import LMStudioError, LMStudioOSError, LMStudioPredictionError
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


class _Writer(Protocol):
    def progress(self, event: PromptProgress) -> None: ...

    def fragment(self, event: LlmPredictionFragment) -> None: ...

    def finished(self, conversation: Conversation, message: MessageRecord) -> None: ...

    def end(self) -> None:
        """Leave a clean line, however the answer ended."""


@dataclass(frozen=True, slots=True)
class AskOptions:
    """How an answer is to be printed."""

    json: bool = False
    """One event a line instead of the text."""
    stats: bool = False
    """Model, tokens, time to first token, tok/s and stop reason on standard error."""


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
    writer: _Writer = _JsonWriter(kept=kept) if options.json else _TextWriter()
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


async def _follow(conversation: Conversation, prompt: str, writer: _Writer, narration: Narration) -> MessageRecord:
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


class _TextWriter:
    """The answer alone. A terminal gets it safe, anything else gets it as it is."""

    def __init__(self) -> None:
        self._safe = sys.stdout.isatty()
        self._line_is_open = False

    def progress(self, event: PromptProgress) -> None:
        pass

    def fragment(self, event: LlmPredictionFragment) -> None:
        if event.reasoning_type != "none" or not event.content:
            return
        self._line_is_open = not event.content.endswith("\n")
        # Bytes, because the encoding that the locale names may lack what a model writes.
        _write((safe_text(event.content) if self._safe else event.content).encode("utf-8", "replace"))

    def finished(self, conversation: Conversation, message: MessageRecord) -> None:
        pass

    def end(self) -> None:
        if self._line_is_open:
            self._line_is_open = False
            _write(b"\n")


class _JsonWriter:
    """One JSON object a line. On a terminal, what acts instead of showing is made to show in it too."""

    def __init__(self, *, kept: bool) -> None:
        self._safe = sys.stdout.isatty()
        self._kept = kept

    def progress(self, event: PromptProgress) -> None:
        self._write({"event": "prompt_progress", "progress": event.progress})

    def fragment(self, event: LlmPredictionFragment) -> None:
        self._write(
            {
                "event": "fragment",
                "content": event.content,
                "tokens": event.tokens_count,
                "reasoning": event.reasoning_type != "none",
            }
        )

    def finished(self, conversation: Conversation, message: MessageRecord) -> None:
        provenance = message.provenance
        self._write(
            {
                "event": "finished",
                # Of what is not kept, a number would name another conversation.
                "conversation": conversation.id if self._kept else None,
                "message": message.id if self._kept else None,
                "text": "".join(part.text for part in message.parts if isinstance(part, TextData)),
                "error": message.error,
                "server": provenance.server if provenance else None,
                "model": provenance.model.model_key if provenance and provenance.model else None,
                "stats": msgspec.to_builtins(message.stats),
            }
        )

    def end(self) -> None:
        pass

    def _write(self, event: dict[str, Any]) -> None:
        line = msgspec.json.encode(event)
        _write((safe_text(line.decode()).encode() if self._safe else line) + b"\n")


def _write(data: bytes) -> None:
    """Write to standard output, at once.

    Raises:
        BrokenPipeError: nobody reads it any more.
        LMStudioOSError: it cannot be written.
    """
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as wrong:
        raise LMStudioOSError(
            f"The answer cannot be written to standard output: {wrong.strerror or wrong}. "
            "Make room there; `lmchat -c` shows what was kept of it."
        ) from wrong


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
