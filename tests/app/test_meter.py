"""The live numbers, by a clock that a test turns."""

from __future__ import annotations

import msgspec
import pytest

from lmchat.app.meter import WINDOW, Meter, Reading
from lmchat.values.config import LlmLoadModelConfig, LlmPredictionConfig
from lmchat.values.model import LlmInstanceInfo
from lmchat.values.prediction import (
    LlmPredictionFragment,
    LlmPredictionStats,
    PredictionFinished,
    PromptProcessingDetails,
    PromptProgress,
    ReasoningType,
)
from tests.scripted_server import INSTANCE


class Clock:
    """Stands still but when it is told to go on."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def meter(clock: Clock) -> Meter:
    """A meter whose request was sent just now."""
    meter = Meter(clock)
    meter.start()
    return meter


def piece(tokens: int = 1, kind: ReasoningType = "none") -> LlmPredictionFragment:
    return LlmPredictionFragment(content="x", tokens_count=tokens, reasoning_type=kind)


def write(meter: Meter, clock: Clock, pieces: int, gap: float, tokens: int = 1) -> None:
    """Pieces at a steady pace, the first one a gap from now."""
    for _ in range(pieces):
        clock.now += gap
        meter.feed(piece(tokens))


def end() -> PredictionFinished:
    stats = LlmPredictionStats(stop_reason="eosFound")
    model = msgspec.convert(INSTANCE, LlmInstanceInfo)
    return PredictionFinished(stats, model, LlmLoadModelConfig(), LlmPredictionConfig())


def test_nothing_is_known_before_a_request() -> None:
    assert Meter().read() == Reading()


def test_phases_in_their_order(meter: Meter) -> None:
    phases = [meter.read().phase]
    for event in (PromptProgress(0.5), piece(kind="reasoning"), piece(), end()):
        meter.feed(event)
        phases.append(meter.read().phase)
    assert phases == ["waiting", "reading", "thinking", "answering", "done"]


def test_reading_the_prompt(meter: Meter, clock: Clock) -> None:
    details = PromptProcessingDetails(
        cached_token_count=10,
        total_prompt_token_count=100,
        processed_prompt_token_count=30,
        unprocessed_prompt_token_count=60,
    )
    clock.now += 2
    meter.feed(PromptProgress(0.4, details))
    reading = meter.read()
    assert (reading.prompt_progress, reading.prompt_details, reading.elapsed) == (0.4, details, 2)
    assert (reading.time_to_first_token, reading.live_rate, reading.rate) == (None, None, None)


def test_time_to_first_token(meter: Meter, clock: Clock) -> None:
    write(meter, clock, 1, 0.7)
    clock.now += 5
    assert meter.read().time_to_first_token == pytest.approx(0.7)


def test_one_token_has_no_rate(meter: Meter, clock: Clock) -> None:
    write(meter, clock, 1, 0.5)
    assert (meter.read().rate, meter.read().live_rate) == (None, None)


def test_the_first_token_is_left_out_of_both_rates(meter: Meter, clock: Clock) -> None:
    write(meter, clock, 1, 3.0, tokens=7)
    write(meter, clock, 10, 0.1)
    reading = meter.read()
    assert reading.tokens == 17
    assert reading.rate == pytest.approx(10)
    assert reading.live_rate == pytest.approx(10)


def test_the_live_rate_forgets_what_is_past_its_window(meter: Meter, clock: Clock) -> None:
    write(meter, clock, 21, 0.1)
    write(meter, clock, 100, 0.05)
    reading = meter.read()
    assert reading.live_rate == pytest.approx(20, rel=0.1)
    assert reading.rate == pytest.approx(120 / 7)
    clock.now += WINDOW + 0.1
    assert meter.read().live_rate == 0


def test_reasoning_counts_and_is_told_apart(meter: Meter) -> None:
    for kind in ("reasoningStartTag", "reasoning", "reasoningEndTag", "none"):
        meter.feed(piece(2, kind))
    assert (meter.read().tokens, meter.read().reasoning_tokens) == (8, 6)


def test_the_clock_stops_with_the_answer(meter: Meter, clock: Clock) -> None:
    write(meter, clock, 3, 0.5)
    meter.feed(end())
    clock.now += 60
    reading = meter.read()
    assert (reading.phase, reading.elapsed, reading.rate, reading.live_rate) == ("done", 1.5, 2.0, None)


def test_what_is_measured_here(meter: Meter, clock: Clock) -> None:
    write(meter, clock, 5, 0.25)
    meter.stop()
    assert meter.measured("connectionLost") == LlmPredictionStats(
        stop_reason="connectionLost",
        tokens_per_second=4.0,
        time_to_first_token_sec=0.25,
        total_time_sec=1.25,
        predicted_tokens_count=5,
    )


def test_what_is_not_known_is_not_zero(meter: Meter) -> None:
    stats = meter.measured("failed")
    assert (stats.predicted_tokens_count, stats.tokens_per_second, stats.time_to_first_token_sec) == (None, None, None)
