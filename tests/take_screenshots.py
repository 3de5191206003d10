"""Take the pictures in `screenshots/`: the real program, its own engine, the real model.

python -m tests.take_screenshots
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from lmchat.app import paths
from lmchat.app.session import Resume, Session
from lmchat.app.settings import Settings
from lmchat.tui.app import LMChatApp
from lmchat.values.config import LlmPredictionConfig
from tests.tui.conftest import Driver

FOLDER: Final = Path(__file__).parents[1] / "screenshots"
SYSTEM: Final = "You are a helpful assistant who answers in well-formed Markdown."
CODE: Final = "Write a Python function that reverses a string, with an example."
LIST: Final = "Give me five tips for learning to cook, as a list."
ESSAY: Final = "Write a long essay about the history of bread, with at least ten paragraphs."
Scene = Callable[[Driver], Awaitable[None]]


async def ask(driver: Driver, question: str) -> None:
    await driver.type(question.replace(",", "").replace(".", ""))
    await driver.pilot.press("enter")
    await driver.wait_for(lambda: driver.screen.answering, "the question")


async def answered(driver: Driver) -> None:
    await driver.wait_for(lambda: not driver.screen.answering, "the answer")
    await driver.pilot.pause(0.3)


async def welcome(driver: Driver) -> None:
    await driver.pilot.pause(0.3)


async def conversation(driver: Driver) -> None:
    for question in (LIST, CODE):
        await ask(driver, question)
        await answered(driver)


async def streaming(driver: Driver) -> None:
    await ask(driver, ESSAY)
    await driver.wait_for(lambda: driver.text().count("\n▎ ") > 12 or not driver.screen.answering, "some text")
    await driver.pilot.pause(1.5)


async def stopped(driver: Driver) -> None:
    await driver.pilot.press("escape")
    await answered(driver)


async def listing(driver: Driver) -> None:
    await driver.wait_for_text("finished")
    await driver.pilot.press("ctrl+b")
    await driver.pilot.pause(0.5)


async def help_screen(driver: Driver) -> None:
    await driver.pilot.press("f1")
    await driver.pilot.pause(0.3)


async def take(
    name: str, *scenes: Scene, size: tuple[int, int], resume: Resume = None, theme: str | None = None
) -> None:
    settings = Settings(theme=theme, system_prompt=SYSTEM, prediction=LlmPredictionConfig(seed=7, max_tokens=600))
    app = LMChatApp(Session(settings, paths.store_file()), resume, FOLDER / "crash.log")
    async with app.run_test(size=size) as pilot:
        driver = Driver(app, pilot)
        await driver.ready()
        for scene in scenes:
            await scene(driver)
        columns, rows = size
        picture = FOLDER / f"{name}-{columns}x{rows}.svg"
        picture.write_text(app.export_screenshot(title="lmchat"), encoding="utf-8")
        print(picture.name)


async def main() -> None:
    await take("answer", conversation, size=(120, 40))
    await take("welcome", welcome, size=(80, 24))
    await take("streaming", streaming, size=(120, 40))
    await take("stopped", streaming, stopped, size=(80, 24))
    await take("conversations", conversation, listing, size=(200, 60))
    await take("light", listing, size=(120, 40), resume="latest", theme="lmchat-light")
    await take("help", help_screen, size=(120, 40))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"LMCHAT_DATA_DIR": f"{folder}/data", "LMCHAT_CONFIG_DIR": f"{folder}/config"}
        asyncio.run(main())
