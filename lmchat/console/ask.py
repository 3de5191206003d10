"""One question, one answer: the answer on standard output, everything else on standard error."""

from __future__ import annotations

import sys
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Final, Protocol

import msgspec

from lmchat.app.conversation import AnswerFinished, Conversation
from lmchat.app.session import Resume, Session
from lmchat.console.narration import Narration
from lmchat.values.chat import TextData
from lmchat.values.errors import LMStudioError, LMStudioPredictionError
from lmchat.values.history import MessageRecord
from lmchat.values.prediction import LlmPredictionFragment, PromptProgress
from lmchat.values.safe_text import safe_line, safe_text

CUT: Final = frozenset({"maxPredictedTokensReached", "contextLengthReached"})
"""Stop reasons of answers that are less than the model meant to say."""


class _Writer(Protocol):
    def progress(self, event: PromptProgress) -> None: ...

    def fragment(self, event: LlmPredictionFragment) -> None: ...

    def finished(self, conversation: Conversation, message: MessageRecord) -> None: ...


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
    session.on_status = lambda status: narration.say(status.text)
    session.on_trouble = lambda text: print(safe_text(text), file=sys.stderr)
    opened = await session.open(resume)
    if opened.notice:
        print(safe_text(opened.notice), file=sys.stderr)
    conversation = session.new_conversation()
    if opened.resumed is not None:
        await conversation.open(opened.resumed)
    writer: _Writer = _JsonWriter() if options.json else _TextWriter()
    answer = await _follow(conversation, prompt, writer, narration)
    if options.stats:
        _print_stats(answer)
    if answer.error is not None:
        raise LMStudioPredictionError(answer.error)
    return answer


async def _follow(conversation: Conversation, prompt: str, writer: _Writer, narration: Narration) -> MessageRecord:
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
                        return message
    finally:
        narration.hush()
    raise LMStudioError("The model gave no answer. Ask again.")


class _TextWriter:
    """The answer alone. A terminal gets it safe, anything else gets it as it is."""

    def __init__(self) -> None:
        self._safe = sys.stdout.isatty()
        self._begun = False

    def progress(self, event: PromptProgress) -> None:
        pass

    def fragment(self, event: LlmPredictionFragment) -> None:
        if event.reasoning_type != "none":
            return
        self._begun = True
        self._write(event.content)

    def finished(self, conversation: Conversation, message: MessageRecord) -> None:
        if self._begun and not message.text.endswith("\n"):
            self._write("\n")

    def _write(self, text: str) -> None:
        # Bytes, because the encoding that the locale names may lack what a model writes.
        data = (safe_text(text) if self._safe else text).encode("utf-8", "replace")
        sys.stdout.buffer.write(data)
        sys.stdout.flush()


class _JsonWriter:
    """One JSON object a line."""

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
                "conversation": conversation.id,
                "message": message.id,
                "text": "".join(part.text for part in message.parts if isinstance(part, TextData)),
                "error": message.error,
                "server": provenance.server if provenance else None,
                "model": provenance.model.model_key if provenance and provenance.model else None,
                "stats": msgspec.to_builtins(message.stats),
            }
        )

    def _write(self, event: dict[str, Any]) -> None:
        sys.stdout.buffer.write(msgspec.json.encode(event) + b"\n")
        sys.stdout.flush()


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
        print(f"{name + ':':<21}{value}", file=sys.stderr)


def _number(value: float | None, form: str = "", unit: str = "") -> str:
    return "–" if value is None else f"{value:{form}}{unit}"
