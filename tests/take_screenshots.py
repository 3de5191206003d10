"""Take the pictures in `screenshots/`: the real program, its own engine, the real model.

python -m tests.take_screenshots [NAME ...]

What so small a model cannot be made to write, such as a formula after a thought and a tool's answer, stands in a
conversation that was kept before.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from lmchat.app import paths
from lmchat.app.session import Resume, Session
from lmchat.app.settings import Settings
from lmchat.store.store import Store
from lmchat.tui.app import LMChatApp
from lmchat.values.chat import TextData, ToolCallRequest, ToolCallRequestData, ToolCallResultData
from lmchat.values.config import LlmPredictionConfig
from lmchat.values.history import Part, Provenance, ReasoningData
from lmchat.values.prediction import LlmPredictionStats
from tests.tui.conftest import Driver

FOLDER: Final = Path(__file__).parents[1] / "screenshots"
SIZES: Final = ((80, 24), (120, 40), (200, 60))
SYSTEM: Final = "You are a helpful assistant who answers in well-formed Markdown."
CODE: Final = "Write a Python function that reverses a string, with an example."
LIST: Final = "Give me five tips for learning to cook, as a list."
ESSAY: Final = "Write a long essay about the history of bread, with at least ten paragraphs."
TOUR: Final = r"""The tool says **3.7 km** of track. With $n$ laps in a time $t$, the mean speed is

$$\bar{v} = \frac{n \cdot s}{t} = \frac{12 \times 3.7}{0.5} \approx 88.8$$

| lap | time | note |
|----:|:----:|------|
| 1 | 2:31 | a cold start, and `traffic` in the last corner |
| 2 | 2:28 | clean |

> Only the first two laps were timed; see [the rules](https://example.org/rules).

```python
def mean_speed(laps: int, length: float, hours: float) -> float:
    return laps * length / hours  # km/h
```

- [x] measure the track
- [ ] measure every lap
"""
Scene = Callable[[Driver], Awaitable[None]]


def keep_a_tour() -> None:
    """A conversation with reasoning, a tool, a formula, a table, and an answer that broke off."""
    store = Store.open(paths.store_file())
    conversation = store.create_conversation("How fast was I?")
    provenance = Provenance(server="LM Studio")

    def ask(text: str, last: int | None) -> int:
        return store.add_message(conversation.id, parent_id=last, role="user", parts=(TextData(text),)).id

    def answer(last: int, *parts: Part, stop_reason: str = "eosFound", error: str | None = None) -> int:
        number = store.begin_answer(conversation.id, parent_id=last, provenance=provenance)
        stats = LlmPredictionStats(
            stop_reason=stop_reason, predicted_tokens_count=212, tokens_per_second=38.4, time_to_first_token_sec=0.21
        )
        store.finish_answer(number, parts=parts, stats=stats, provenance=provenance, error=error)
        return number

    call = ToolCallRequestData(ToolCallRequest(name="track_length", id="1", arguments={"track": "north loop"}))
    result = ToolCallResultData(content='{"length": 3.7, "unit": "km"}', tool_call_id="1", name="track_length")
    last = ask("Twelve laps of the north loop in half an hour. How fast was I?", None)
    thought = ReasoningData(text="They want a mean speed. I need the length of a lap.", tokens=14, seconds=0.4)
    last = answer(last, thought, call, stop_reason="toolCalls")
    last = store.add_message(conversation.id, parent_id=last, role="tool", parts=(result,)).id
    last = answer(last, TextData(TOUR))
    last = ask("And with a headwind?", last)
    answer(
        last,
        TextData("A headwind costs most where you are fastest, so"),
        stop_reason="connectionLost",
        error="The connection to LM Studio was lost. Ask again to connect anew.",
    )
    store.close()


async def ask(driver: Driver, question: str) -> None:
    await driver.type(question.replace(",", "").replace(".", ""))
    await driver.pilot.press("enter")
    await driver.wait_for(lambda: driver.screen.answering, "the question")


async def answered(driver: Driver) -> None:
    await driver.wait_for(lambda: not driver.screen.answering, "the answer")
    await driver.pilot.pause(0.3)


async def settled(driver: Driver) -> None:
    await driver.pilot.pause(0.5)


async def conversation(driver: Driver) -> None:
    for question in (LIST, CODE):
        await ask(driver, question)
        await answered(driver)


async def streaming(driver: Driver) -> None:
    await ask(driver, ESSAY)
    await driver.wait_for(lambda: driver.text().count("\n▎ ") > 12 or not driver.screen.answering, "some text")
    await driver.pilot.pause(1.5)


async def stopped(driver: Driver) -> None:
    await streaming(driver)
    await driver.pilot.press("escape")
    await answered(driver)


async def listing(driver: Driver) -> None:
    await settled(driver)
    await driver.pilot.press("ctrl+b")
    await settled(driver)


async def cursor(driver: Driver) -> None:
    await settled(driver)
    await driver.pilot.press("up")
    for _ in range(40):
        if "def " in "".join(line for line in driver.text().splitlines() if line.startswith("█")):
            break
        await driver.pilot.press("up")
    await settled(driver)


async def link(driver: Driver) -> None:
    await settled(driver)
    await driver.pilot.press("up")
    for _ in range(20):
        await driver.pilot.press("up", "o")
        await driver.pilot.pause()
        if "example.org" in driver.screen._status.question:
            return


async def find(driver: Driver) -> None:
    await settled(driver)
    await driver.pilot.press("ctrl+f")
    await driver.type("string")
    await settled(driver)


async def selection(driver: Driver) -> None:
    await settled(driver)
    height = driver.view.size.height
    await driver.pilot.mouse_down(driver.view, offset=(6, 3))
    await driver.pilot.hover(driver.view, offset=(20, height - 6))
    await driver.pilot.mouse_up(driver.view, offset=(20, height - 6))
    await settled(driver)


async def source(driver: Driver) -> None:
    await settled(driver)
    await driver.pilot.press("up", "[", "[", "s")
    await settled(driver)


async def unfolded(driver: Driver) -> None:
    await settled(driver)
    await driver.pilot.press("ctrl+home", "up", "home", "down", "enter", "down", "down", "enter")
    await settled(driver)


async def browse(driver: Driver) -> None:
    await settled(driver)
    await driver.pilot.press("ctrl+s")
    await settled(driver)
    await driver.pilot.press("down")
    await settled(driver)


async def search(driver: Driver) -> None:
    await settled(driver)
    await driver.pilot.press("ctrl+s")
    await settled(driver)
    await driver.type("mean speed")
    await driver.pilot.pause(1.0)


async def versions(driver: Driver) -> None:
    await settled(driver)
    await driver.pilot.press("up", "r")
    await driver.wait_for(lambda: driver.screen.answering, "another answer")
    await answered(driver)
    await driver.pilot.press("up")
    await settled(driver)


async def tree(driver: Driver) -> None:
    await settled(driver)
    await driver.pilot.press("up", "t")
    await settled(driver)


async def help_screen(driver: Driver) -> None:
    await driver.pilot.press("f1")
    await settled(driver)


async def take(
    name: str, scene: Scene, size: tuple[int, int], *, resume: Resume = None, theme: str | None = None
) -> None:
    settings = Settings(theme=theme, system_prompt=SYSTEM, prediction=LlmPredictionConfig(seed=7, max_tokens=600))
    app = LMChatApp(Session(settings, paths.store_file()), resume, FOLDER / "crash.log")
    async with app.run_test(size=size) as pilot:
        driver = Driver(app, pilot)
        await driver.ready()
        await scene(driver)
        columns, rows = size
        picture = FOLDER / f"{name}-{columns}x{rows}.svg"
        picture.write_text(app.export_screenshot(title="lmchat"), encoding="utf-8")
        print(picture.name, flush=True)


async def main(wanted: list[str]) -> None:
    async def each(name: str, scene: Scene, *, resume: Resume = None, theme: str | None = None) -> None:
        for size in SIZES:
            if not wanted or name in wanted:
                await take(name, scene, size, resume=resume, theme=theme)

    keep_a_tour()
    await each("tour", settled, resume="latest")
    await each("unfolded", unfolded, resume="latest")
    await each("source", source, resume="latest")
    await each("link", link, resume="latest")
    await each("tour-light", settled, resume="latest", theme="lmchat-light")
    await each("welcome", settled)
    await each("help", help_screen)
    await each("streaming", streaming)
    await each("stopped", stopped)
    if not wanted or not {"tour", "unfolded", "source", "link", "tour-light", "welcome", "help"}.issuperset(wanted):
        await take("answer", conversation, SIZES[1])
    await each("answer", settled, resume="latest")
    await each("cursor", cursor, resume="latest")
    await each("find", find, resume="latest")
    await each("selection", selection, resume="latest")
    await each("conversations", listing, resume="latest")
    await each("light", settled, resume="latest", theme="lmchat-light")
    await each("browse", browse, resume="latest")
    await each("search", search, resume="latest")
    await each("versions", versions, resume="latest")
    await each("tree", tree, resume="latest")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"LMCHAT_DATA_DIR": f"{folder}/data", "LMCHAT_CONFIG_DIR": f"{folder}/config"}
        asyncio.run(main(sys.argv[1:]))
