"""The right side: what the model does now, how full its context is, which model it is, how the conversation stands."""

from __future__ import annotations

from collections import deque
from typing import Final

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Digits, Sparkline, Static

from lmchat.app.branch import Branch
from lmchat.app.meter import Phase, Reading
from lmchat.tui.widgets.provenance import facts
from lmchat.tui.wording import UNKNOWN, count, ending, rate, seconds, size
from lmchat.values.history import MessageRecord
from lmchat.values.model import LlmInstanceInfo
from lmchat.values.prediction import LlmPredictionStats
from lmchat.values.safe_text import safe_line

_WIDTH: Final = 26
_RATE: Final = 5
"""Characters of a rate: up to 999.9."""
_HISTORY: Final = 60
"""Rates that the sparkline shows."""
_PHASES: Final[dict[Phase, str]] = {
    "idle": "ready",
    "waiting": "waiting for the model",
    "reading": "reading the prompt",
    "thinking": "thinking",
    "answering": "answering",
    "done": "done",
}


class _Text(Static):
    """A text that changes often. The screen is laid out again, which costs most, only when it needs another height."""

    def write(self, text: Content) -> None:
        """Show a text; how it is styled follows from what it says."""
        if text == self.content:
            return
        self.update(text, layout=False)
        if self.size and text.get_height({}, self.size.width) != self.size.height:
            self.refresh(layout=True)


class StatsSidebar(VerticalScroll, can_focus=False):
    """Numbers that say what they are: live ones are marked live, the server's own are marked server."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._history: deque[float] = deque(maxlen=_HISTORY)
        self._phase = _Text(_PHASES["idle"], id="phase")
        self._rate = Digits(UNKNOWN, id="rate")
        self._rate_source = _Text("tok/s", id="rate-source")
        self._rates = Sparkline([], id="rates")
        self._now = _Text("")
        self._card = _Text("", id="card")
        self._card.display = False
        self._usage = _Text("")
        self._model = _Text("")
        self._conversation = _Text("")

    def compose(self) -> ComposeResult:
        """Four sections."""
        yield Static("Now", classes="title")
        yield self._phase
        yield self._rate
        yield self._rate_source
        yield self._rates
        yield self._now
        yield self._card
        yield Static("Context", classes="title")
        yield self._usage
        yield Static("Model", classes="title")
        yield self._model
        yield Static("Conversation", classes="title")
        yield self._conversation

    def on_mount(self) -> None:
        """Begin with dashes."""
        self.show_answer(None)
        self.show_model(None, "")
        self.show_conversation(None, None)

    def show_phase(self, text: str) -> None:
        """Say what is going on before anything is asked."""
        self._phase.write(Content(text))

    def show_reading(self, reading: Reading) -> None:
        """The live numbers of the answer that is being written."""
        self._phase.write(_phase(reading))
        self._card.display = False
        if reading.tokens == 0:
            self._history.clear()
        if reading.live_rate is not None:
            self._history.append(reading.live_rate)
        self._show_rate(reading.live_rate, "tok/s live")
        self._show_now(
            first=seconds(reading.time_to_first_token),
            tokens=_tokens(reading.tokens if reading.tokens else None, reading.reasoning_tokens),
            average=rate(reading.rate),
            elapsed=seconds(reading.elapsed),
            stop=UNKNOWN,
        )

    def show_answer(self, message: MessageRecord | None, *, pointed_at: bool = False) -> None:
        """The figures of an answer that is done; of one that the cursor stands on, also how it came about."""
        self._card.display = pointed_at
        if message is None or (stats := message.stats) is None:
            self._history.clear()
            self.show_phase(_PHASES["idle"])
            self._show_rate(None, "tok/s")
            self._show_now(first=UNKNOWN, tokens=UNKNOWN, elapsed=UNKNOWN, stop=UNKNOWN)
            return
        measured_by = message.provenance.measured_by if message.provenance else "server"
        how = ending(stats)
        self.show_phase("this answer" if pointed_at else _PHASES["done"])
        if pointed_at and message.provenance is not None:
            self._card.write(Content("\n").join(_fact(name, value) for name, value in facts(message.provenance)))
        self._show_rate(stats.tokens_per_second, "tok/s server" if measured_by == "server" else "tok/s measured here")
        self._show_now(
            first=seconds(stats.time_to_first_token_sec),
            tokens=count(stats.predicted_tokens_count),
            drafts=_drafts(stats),
            elapsed=seconds(stats.total_time_sec),
            stop=how.short,
            advice=how.advice,
        )

    def show_model(self, info: LlmInstanceInfo | None, server: str) -> None:
        """Which model answers, and who serves it."""
        if info is None:
            self._model.write(Content.styled(UNKNOWN, "$foreground 55%"))
            return
        quantization = safe_line(info.quantization.name) if info.quantization else ""
        details = " · ".join(part for part in (info.params_string or "", quantization, size(info.size_bytes)) if part)
        self._model.write(
            Content("\n").join(
                [
                    Content.styled(safe_line(info.display_name), "bold"),
                    Content.styled(safe_line(details), "$foreground 55%"),
                    _fact("context", count(info.context_length)),
                    Content.styled(safe_line(server), "$foreground 55%"),
                ]
            )
        )

    def show_conversation(self, branch: Branch | None, context_length: int | None) -> None:
        """How far the conversation is, and how much of the context it fills."""
        turns, tokens = (branch.turns, branch.tokens_written) if branch is not None else (0, 0)
        self._conversation.write(
            Content("\n").join([_fact("turns", count(turns)), _fact("tokens written", count(tokens))])
        )
        last = branch.last_answer if branch is not None else None
        self._usage.write(_gauge(last.stats.total_tokens_count if last and last.stats else None, context_length))

    def _show_rate(self, value: float | None, source: str) -> None:
        # Of one length, for another one costs a layout of the screen.
        if self._rate.value != (text := f"{rate(value):<{_RATE}}"):
            self._rate.update(text)
        self._rate_source.write(Content(source))
        self._rates.data = list(self._history)
        self._rates.visible = len(self._history) > 1

    def _show_now(
        self,
        *,
        first: str,
        tokens: str,
        elapsed: str,
        stop: str,
        average: str = "",
        drafts: str = "",
        advice: str = "",
    ) -> None:
        rows = (
            ("first token", first),
            ("average tok/s", average),
            ("tokens", tokens),
            ("drafts taken", drafts),
            ("elapsed", elapsed),
            ("stop", stop),
        )
        lines = [_fact(name, value) for name, value in rows if value]
        if advice:
            lines.append(Content.styled(advice, "$foreground 55%"))
        self._now.write(Content("\n").join(lines))


def _fact(name: str, value: str) -> Content:
    room = max(_WIDTH - len(name) - len(value), 1)
    return Content.assemble((name, "$foreground 55%"), " " * room, value)


def _phase(reading: Reading) -> Content:
    """What is going on; while the prompt is read, how far that is and what is known of it."""
    name = _PHASES[reading.phase]
    if reading.phase != "reading" or reading.prompt_progress is None:
        return Content(name)
    fraction = min(max(reading.prompt_progress, 0.0), 1.0)
    lines = [Content(f"{name} {fraction:.0%}"), _bar(fraction, "$primary")]
    details = reading.prompt_details
    if details is not None and details.total_prompt_token_count:
        lines.append(_fact("prompt tokens", count(details.total_prompt_token_count)))
        lines.append(_fact("from the cache", count(details.cached_token_count)))
    if reading.prompt_rate is not None:
        lines.append(_fact("read, tok/s", rate(reading.prompt_rate)))
        lines.append(_fact("left, about", seconds(reading.prompt_left)))
    return Content("\n").join(lines)


def _drafts(stats: LlmPredictionStats) -> str:
    """How many of the drafted tokens were taken; empty where nothing was drafted."""
    total, accepted = stats.total_draft_tokens_count, stats.accepted_draft_tokens_count
    return f"{accepted:,} of {total:,}" if total and accepted is not None else ""


def _bar(fraction: float, color: str) -> Content:
    filled = round(_WIDTH * fraction)
    return Content.assemble(("━" * filled, color), ("━" * (_WIDTH - filled), "$surface-lighten-2"))


def _tokens(total: int | None, reasoning: int) -> str:
    return f"{count(total)} ({reasoning} thought)" if reasoning else count(total)


def _gauge(used: int | None, length: int | None) -> Content:
    if used is None or not length:
        return _fact("last request", UNKNOWN)
    fraction = min(used / length, 1.0)
    color = "$error" if fraction > 0.9 else "$warning" if fraction > 0.75 else "$primary"
    return Content("\n").join([_fact("last request", f"{used:,} / {length:,}"), _bar(fraction, color)])
