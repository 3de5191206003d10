"""One message as lines: a heading, what was thought, what was said, and how it went."""

from __future__ import annotations

import time
from collections.abc import Sequence

from lmchat.markdown import Line, Markdown, Span
from lmchat.tui.transcript.plain_text import SEPARATOR, PlainText, plain_lines
from lmchat.tui.wording import ending, figures, seconds
from lmchat.values.chat import FileHandle
from lmchat.values.history import MessageRecord, ReasoningData
from lmchat.values.prediction import LlmPredictionFragment
from lmchat.values.safe_text import safe_line, safe_text


class MessageLines:
    """The lines of one message for a width. Nothing is drawn before it is asked for."""

    def __init__(self, message: MessageRecord, *, writing: bool = False) -> None:
        self.message = message
        self.folded = not writing
        """Whether the reasoning shows as one line."""
        self._writing = writing
        self._width = 0
        self._reasoning: list[str] = [safe_text(message.reasoning)] if message.reasoning else []
        self._reasoning_tokens = 0
        self._thoughts: PlainText | None = None
        self._read = 0
        """Pieces of the reasoning that are in its lines already."""
        self._answer: Markdown | None = None
        self._pending: list[str] = []
        self._sections: list[Sequence[Line]] = []
        self._stale = True

    @property
    def role(self) -> str:
        """Whose message it is."""
        return self.message.role

    @property
    def thought(self) -> bool:
        """Whether there is reasoning to show."""
        return bool(self._reasoning)

    def feed(self, fragment: LlmPredictionFragment) -> None:
        """Take a piece of the answer that is being written."""
        match fragment.reasoning_type:
            case "none":
                self.folded = True
                self._pending.append(fragment.content)
            case "reasoning":
                self._reasoning.append(safe_text(fragment.content))
                self._reasoning_tokens += fragment.tokens_count
        self._stale = True

    def finish(self, message: MessageRecord) -> None:
        """The answer is done; the message as it is kept takes the place of what was being written."""
        self.message = message
        self._writing = False
        self.folded = True
        if self._answer is not None and not self._pending:
            self._answer.finish()
        else:
            self._answer = None
        self._stale = True

    def fold(self) -> None:
        """Show the reasoning as one line, or whole."""
        self.folded = not self.folded
        self._stale = True

    def estimate(self, width: int) -> int:
        """About how many lines it will take, without drawing it."""
        text = self.message.text
        return 3 + text.count("\n") + len(text) // max(width, 1)

    def sections(self, width: int) -> list[Sequence[Line]]:
        """The lines, in runs that follow one another."""
        if width != self._width:
            self._width = width
            self._stale = True
            self._thoughts = None
            if self._answer is not None:
                self._answer.resize(width)
        if self._stale:
            self._stale = False
            self._sections = self._draw()
        return self._sections

    def _draw(self) -> list[Sequence[Line]]:
        sections: list[Sequence[Line]] = [[self._heading()]]
        if self._reasoning:
            sections += self._reasoned()
        sections.append(self._body())
        sections.append([*self._foot(), SEPARATOR])
        return sections

    def _heading(self) -> Line:
        spans = [Span(self._name(), f"role.{self.role}")]
        clock = time.strftime("%H:%M", time.localtime(self.message.created_at))
        spans.append(Span(f"  {clock}", "meta"))
        return _line(spans)

    def _name(self) -> str:
        match self.role:
            case "user":
                return "You"
            case "assistant":
                provenance = self.message.provenance
                return safe_line(provenance.model.display_name) if provenance and provenance.model else "Model"
            case "system":
                return "System prompt"
        return "Tool"

    def _reasoned(self) -> list[Sequence[Line]]:
        if self.folded:
            return [[_line([Span(f"▸ {self._thought_summary()}", "reasoning.summary")])]]
        if self._thoughts is None:
            self._thoughts = PlainText(self._width, "reasoning", indent=2)
            self._read = 0
        self._thoughts.feed("".join(self._reasoning[self._read :]))
        self._read = len(self._reasoning)
        return [[_line([Span(f"▾ {self._thought_summary()}", "reasoning.summary")])], self._thoughts.lines]

    def _thought_summary(self) -> str:
        kept = next((part for part in self.message.parts if isinstance(part, ReasoningData)), None)
        if kept is None:
            verb, spent, tokens = "Thinking", None, self._reasoning_tokens
        else:
            verb, spent, tokens = "Thought", kept.seconds, kept.tokens or 0
        return "".join([verb, f" for {seconds(spent)}" if spent else "", f" · {tokens} tokens" if tokens else ""])

    def _body(self) -> Sequence[Line]:
        if self.role == "user":
            return [*plain_lines(safe_text(self.message.text), self._width), *self._files()]
        if self._answer is None:
            self._answer = Markdown(self._width)
            if not self._writing:
                self._pending.clear()
                self._answer.feed(safe_text(self.message.text))
                self._answer.finish()
        if self._pending:
            self._answer.feed(safe_text("".join(self._pending)))
            self._pending.clear()
        return self._answer.lines

    def _files(self) -> list[Line]:
        files = [part for part in self.message.parts if isinstance(part, FileHandle)]
        return [_line([Span(f"▤ {safe_line(file.name)}", "meta")]) for file in files]

    def _foot(self) -> list[Line]:
        lines: list[Line] = []
        if self._writing:
            return lines
        if self.message.error:
            lines += plain_lines(f"✗ {safe_text(self.message.error)}", self._width, "error")
        if (stats := self.message.stats) is not None:
            style = "warning" if ending(stats).abnormal else "meta"
            text = " · ".join([*figures(stats), ending(stats).short])
            lines += plain_lines(text, self._width, style)
        return lines


def _line(spans: list[Span]) -> Line:
    return Line(tuple(spans), sum(len(span.text) for span in spans))
