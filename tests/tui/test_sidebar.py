"""The stats: what they say while the prompt is read, and of an answer that the cursor stands on."""

from __future__ import annotations

import asyncio
import re

from lmchat.app.meter import Meter
from lmchat.tui.widgets.provenance import facts
from lmchat.tui.widgets.stats_sidebar import StatsSidebar
from lmchat.values.config import LlmPredictionConfig
from lmchat.values.history import Provenance
from lmchat.values.prediction import PromptProcessingDetails, PromptProgress
from tests.scripted_server import STATS, Scene, fragment, scripted_server, success
from tests.tui.conftest import Drive, Driver


def details(cached: int, processed: int, left: int) -> dict[str, int]:
    return {
        "cachedTokenCount": cached,
        "totalPromptTokenCount": cached + processed + left,
        "processedPromptTokenCount": processed,
        "unprocessedPromptTokenCount": left,
    }


def sidebar(driver: Driver) -> str:
    """What stands in the stats, line by line."""
    stats = driver.screen.query_one(StatsSidebar)
    return "\n".join(
        str(child.render()) for child in stats.query("*") if child.display and child.id not in ("rate", "rates")
    )


async def test_reading_the_prompt_has_a_bar_and_what_is_known(drive: Drive) -> None:
    go_on = asyncio.Event()

    async def script(scene: Scene) -> None:
        await scene.send({"type": "promptProcessingProgress", "progress": 0.25, "details": details(100, 0, 300)})
        await asyncio.sleep(0.3)
        await scene.send({"type": "promptProcessingProgress", "progress": 0.5, "details": details(100, 100, 200)})
        await go_on.wait()
        await scene.say("Done")

    async with scripted_server(script) as server, drive(server.host) as driver:
        await driver.ready()
        await driver.type("hi")
        await driver.pilot.press("enter")
        await driver.wait_for(lambda: "reading the prompt 50%" in sidebar(driver), "the phase")
        await driver.wait_for(lambda: "left, about" in sidebar(driver), "what is left")
        text = sidebar(driver)
        assert "━" in text
        assert re.search(r"prompt tokens +400", text)
        assert re.search(r"from the cache +100", text)
        go_on.set()
        await driver.wait_for_text("Done")
        await driver.wait_for(lambda: "reading" not in sidebar(driver), "the end of reading")


def test_the_rate_of_reading_and_what_is_left() -> None:
    now = 10.0
    meter = Meter(lambda: now)
    meter.start()
    assert meter.read().prompt_rate is None

    def progress(cached: int, processed: int, left: int) -> PromptProgress:
        told = PromptProcessingDetails(
            cached_token_count=cached,
            total_prompt_token_count=cached + processed + left,
            processed_prompt_token_count=processed,
            unprocessed_prompt_token_count=left,
        )
        return PromptProgress((cached + processed) / (cached + processed + left), told)

    meter.feed(progress(50, 0, 300))
    assert meter.read().prompt_rate is None
    now = 12.0
    meter.feed(progress(50, 100, 200))
    reading = meter.read()
    assert (reading.prompt_rate, reading.prompt_left) == (50.0, 4.0)


async def test_an_earlier_answer_shows_its_numbers_and_how_it_came_about(drive: Drive) -> None:
    answers = iter(((42.0, 3), (7.5, 2)))

    async def script(scene: Scene) -> None:
        speed, drafted = next(answers)
        figures = STATS | {"tokensPerSecond": speed, "usedDraftModelKey": "tiny"}
        done = success(**figures, totalDraftTokensCount=9, acceptedDraftTokensCount=drafted)
        done["predictionConfig"]["fields"] = [{"key": "llm.prediction.temperature", "value": 0.25}]
        await scene.send(fragment("Some words"), done)
        await scene.close()

    async with scripted_server(script) as server, drive(server.host, size=(140, 50)) as driver:
        await driver.ready()
        for question in ("one", "two"):
            await driver.type(question)
            await driver.pilot.press("enter")
            await driver.wait_for_text(question)
            await driver.wait_for(lambda: not driver.screen.answering, "the answer")
        await driver.wait_for(lambda: "2 of 9" in sidebar(driver), "the last answer's drafts")
        assert "this answer" not in sidebar(driver)
        await driver.pilot.press("up", "up", "up")
        await driver.wait_for(lambda: "3 of 9" in sidebar(driver), "the first answer's drafts")
        text = sidebar(driver)
        assert "this answer" in text
        assert re.search(r"temperature +0\.25", text)
        assert re.search(r"quantisation +Q4_K_M", text)
        await driver.pilot.press("escape")
        await driver.wait_for(
            lambda: "this answer" not in sidebar(driver) and "2 of 9" in sidebar(driver), "the last one"
        )


def test_facts_are_short_safe_and_only_what_is_known() -> None:
    config = LlmPredictionConfig(
        temperature=0.5, max_tokens=False, enable_thinking=True, stop_strings=["a", "b"], draft_model="x" * 40
    )
    assert dict(facts(Provenance(server="s", prediction_config=config))) == {
        "max tokens": "off",
        "temperature": "0.5",
        "stop strings": "2 of them",
        "draft model": "xxxxxxxxxxxxxxx…",
        "thinking": "on",
    }
    assert facts(Provenance(server="s")) == []
