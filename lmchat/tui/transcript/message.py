"""One message in a transcript: a heading, its parts in their order, and how it went."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from lmchat.markdown import Line
from lmchat.tui.transcript.sections import GAP, SEPARATOR, Fold, Label, Prose, Section, Verbatim, label, labels
from lmchat.tui.wording import ending, figures, seconds
from lmchat.values.chat import FileHandle, TextData, ToolCallRequestData, ToolCallResultData
from lmchat.values.history import MessageRecord, Part, ReasoningData
from lmchat.values.prediction import LlmPredictionFragment
from lmchat.values.safe_text import safe_line, safe_text

_INDENT: Final = 2
_SUMMARY: Final = 60
"""Characters of a tool's arguments or answer in its summary."""


class MessageEntry:
    """The sections of one message. Nothing is drawn before its lines are asked for."""

    def __init__(
        self,
        message: MessageRecord,
        number: int | None = None,
        alternative: tuple[int, int] | None = None,
        *,
        writing: bool = False,
    ) -> None:
        self.message = message
        self._alternative = alternative
        self.number = number
        """Its place in the branch; None if it has none."""
        self.writing = writing
        self.revision = 0
        self._thought_tokens = 0
        self._parts: list[Section] = []
        self._as_source = False
        self._heading = Label(lambda width: [label((self._name(), f"role.{self.role}"), (self._clock(), "meta"))])
        self._foot = Label(self._draw_foot)
        self._build()

    @property
    def role(self) -> str:
        """Whose message it is."""
        return self.message.role

    @property
    def sections(self) -> Sequence[Section]:
        """Its sections, from heading to separator."""
        return [self._heading, *self._parts, self._foot, SEPARATOR]

    @property
    def thoughts(self) -> Fold | None:
        """What folds the latest reasoning away."""
        folds = [part.fold for part in self._parts if part.fold is not None and isinstance(part, _Thoughts)]
        return folds[-1] if folds else None

    def estimate(self, width: int) -> int:
        """About how many lines it will take, without drawing it."""
        text = self.message.text
        return 3 + text.count("\n") + len(text) // max(width, 1)

    def feed(self, fragment: LlmPredictionFragment) -> None:
        """Take a piece of the answer that is being written."""
        self.revision += 1
        match fragment.reasoning_type:
            case "none":
                self._open_prose().feed(safe_text(fragment.content))
            case "reasoning":
                self._thought_tokens += fragment.tokens_count
                thoughts = self._open_thoughts()
                thoughts.feed(safe_text(fragment.content))
                if thoughts.fold is not None:
                    thoughts.fold.refresh()

    def finish(self, message: MessageRecord) -> None:
        """The answer is done; the message as it is kept takes the place of what was being written."""
        self.message = message
        self.writing = False
        self._foot.refresh()
        self._heading.refresh()
        self._build()

    def show_source(self) -> None:
        """Show the text as it was written instead of as it reads, or the other way round."""
        self._as_source = not self._as_source
        self._heading.refresh()
        self._build()

    def _build(self) -> None:
        """Make the sections of all parts; those that have been drawn already, and say the same, stay."""
        self.revision += 1
        drawn, self._parts = self._parts, []
        for part in self.message.parts:
            sections = self._sections_of(part, drawn)
            self._parts += self._gap_before(sections[0]) + sections
        for old, new in zip(drawn, self._parts, strict=False):
            if isinstance(old, Fold) and isinstance(new, Fold):
                new.closed = old.closed

    def _sections_of(self, part: Part, drawn: list[Section]) -> list[Section]:
        match part:
            case TextData(text):
                return [self._text(safe_text(text), drawn)]
            case ReasoningData():
                return _foldable(_Thoughts(safe_text(part.text)), lambda: _thought(part), "reasoning.summary")
            case FileHandle():
                return [Label(lambda width: labels(f"▤ {safe_line(part.name)}", width, "meta"))]
            case ToolCallRequestData(call):
                name = safe_line(call.name)
                shown = Verbatim(_pretty(call.arguments or {}), "tool", indent=_INDENT)
                return _foldable(shown, lambda: f"calls {name}({_brief(call.arguments)})", "tool.summary")
            case ToolCallResultData():
                name = f"{safe_line(part.name)} " if part.name else ""
                shown = Verbatim(safe_text(part.content), "tool.result", indent=_INDENT)
                return _foldable(shown, lambda: f"{name}answered: {_shorten(safe_line(part.content))}", "tool.summary")

    def _text(self, text: str, drawn: list[Section]) -> Section:
        if self._as_source:
            return Verbatim(text, "source")
        if self.role != "assistant":
            return Verbatim(text.rstrip())
        for section in drawn:
            if isinstance(section, Prose) and section.text == text:
                section.finish()
                return section
        return Prose(text, finished=not self.writing)

    def _open_prose(self) -> Prose:
        """The text that is being written."""
        if self._parts and isinstance(last := self._parts[-1], Prose):
            return last
        for part in self._parts:
            if part.fold is not None:
                part.fold.closed = True
        prose = Prose(finished=False)
        self._parts += [*self._gap_before(prose), prose]
        return prose

    def _open_thoughts(self) -> _Thoughts:
        """The reasoning that is being written."""
        if self._parts and isinstance(last := self._parts[-1], _Thoughts):
            return last
        fold, thoughts = _foldable(
            _Thoughts(""), lambda: f"Thinking{_tokens(self._thought_tokens)}", "reasoning.summary", closed=False
        )
        assert isinstance(thoughts, _Thoughts)
        self._parts += [*self._gap_before(fold), fold, thoughts]
        return thoughts

    def _gap_before(self, section: Section) -> list[Section]:
        """An empty line between text and what is folded; summaries stand close together."""
        return [GAP] if self._parts and not (self._parts[-1].fold and isinstance(section, Fold)) else []

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

    def _clock(self) -> str:
        which = "  ‹ {} of {} ›".format(*self._alternative) if self._alternative else ""
        source = " · source" if self._as_source else ""
        return time.strftime("  %H:%M", time.localtime(self.message.created_at)) + which + source

    def _draw_foot(self, width: int) -> list[Line]:
        lines: list[Line] = []
        if self.writing:
            return lines
        if self.message.error:
            lines += labels(f"✗ {safe_text(self.message.error)}", width, "error")
        if (stats := self.message.stats) is not None:
            style = "warning" if ending(stats).abnormal else "meta"
            lines += labels(" · ".join([*figures(stats), ending(stats).short]), width, style)
        return lines


class _Thoughts(Verbatim):
    """What the model thought before it went on."""

    def __init__(self, text: str) -> None:
        super().__init__(text, "reasoning", indent=_INDENT)


def _foldable(section: Section, summary: Callable[[], str], style: str, *, closed: bool = True) -> list[Section]:
    """A summary, and the section that it folds away."""
    fold = Fold(summary, style, closed=closed)
    section.fold = fold
    return [fold, section]


def _thought(part: ReasoningData) -> str:
    spent = f" for {seconds(part.seconds)}" if part.seconds else ""
    return f"Thought{spent}{_tokens(part.tokens or 0)}"


def _tokens(count: int) -> str:
    return f" · {count} tokens" if count else ""


def _pretty(arguments: dict[str, Any]) -> str:
    return safe_text(json.dumps(arguments, indent=2, ensure_ascii=False))


def _brief(arguments: dict[str, Any] | None) -> str:
    pairs = ", ".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in (arguments or {}).items())
    return _shorten(safe_line(pairs))


def _shorten(text: str) -> str:
    return text if len(text) <= _SUMMARY else text[:_SUMMARY].rstrip() + " …"
