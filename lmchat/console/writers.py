"""Standard output for the time of an answer: the forms in which it can be printed."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import Any, Final, Protocol

import msgspec

from lmchat.app.conversation import Conversation
from lmchat.values.chat import TextData
from lmchat.values.errors import LMStudioOSError
from lmchat.values.history import MessageRecord
from lmchat.values.prediction import LlmPredictionFragment, PromptProgress
from lmchat.values.safe_text import safe_text

JSON_VERSION: Final = 1
"""Of the events of `JsonWriter`. It grows when an event loses a field, or one changes its meaning."""


class Writer(Protocol):
    """Gets the events of an answer, and prints what it makes of them."""

    def progress(self, event: PromptProgress) -> None: ...

    def fragment(self, event: LlmPredictionFragment) -> None: ...

    def finished(self, conversation: Conversation, message: MessageRecord) -> None: ...

    def end(self) -> None:
        """Leave a clean line, however the answer ended."""


class TextWriter:
    """The answer alone. A terminal gets it safe, anything else gets it as it is."""

    def __init__(self, *, reasoning: bool) -> None:
        """With `reasoning`, what the model thinks goes to standard error, safe, as it comes."""
        self._safe = sys.stdout.isatty()
        self._reasoning = reasoning
        self._line_is_open = self._thinking = False

    def progress(self, event: PromptProgress) -> None:
        pass

    def fragment(self, event: LlmPredictionFragment) -> None:
        if event.reasoning_type != "none":
            self._think(event)
        elif event.content:
            self._end_thought()
            self._line_is_open = not event.content.endswith("\n")
            # Bytes, because the encoding that the locale names may lack what a model writes.
            _write((safe_text(event.content) if self._safe else event.content).encode("utf-8", "replace"))

    def finished(self, conversation: Conversation, message: MessageRecord) -> None:
        pass

    def end(self) -> None:
        self._end_thought()
        if self._line_is_open:
            self._line_is_open = False
            _write(b"\n")

    def _think(self, event: LlmPredictionFragment) -> None:
        if self._reasoning and event.reasoning_type == "reasoning":
            self._thinking = True
            _tell(safe_text(event.content))

    def _end_thought(self) -> None:
        if self._thinking:
            self._thinking = False
            _tell("\n")


class CodeWriter(TextWriter):
    """What stands in the code blocks of the answer, when it is there; the answer itself if it has none."""

    def fragment(self, event: LlmPredictionFragment) -> None:
        if event.reasoning_type != "none":
            self._think(event)

    def finished(self, conversation: Conversation, message: MessageRecord) -> None:
        self._end_thought()
        code = code_of(message.text)
        _write(((safe_text(code) if self._safe else code).rstrip("\n") + "\n").encode("utf-8", "replace"))


def code_of(answer: str) -> str:
    """The code blocks of a Markdown text, one after the other; the text itself if it has none."""
    from markdown_it import MarkdownIt

    blocks = [token.content for token in MarkdownIt().parse(answer) if token.type == "fence"]
    return "\n".join(blocks) if blocks else answer


class JsonWriter:
    """One JSON object a line. On a terminal, what acts instead of showing is made to show in it too.

    The first is `started` with the `version` of this form; then `prompt_progress` (`progress`, 0.0-1.0) and `fragment`
    (`content`, `tokens`, `reasoning`: whether the model only thinks it) as they come; the last is `finished` with the
    whole `text`, the `error` if there was one, `server`, `model`, the `stats` in LM Studio's names, and the numbers of
    the `conversation` and the `message` in the store, null if they are not kept.
    """

    def __init__(self, *, kept: bool) -> None:
        self._safe = sys.stdout.isatty()
        self._kept = kept
        self._write({"event": "started", "version": JSON_VERSION})

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


def _tell(text: str) -> None:
    # Nobody may be reading what is said beside the answer.
    with suppress(OSError):
        sys.stderr.write(text)
        sys.stderr.flush()
