"""The prompt: questions that wait for their turn, long pastes, and the user's own editor."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest
from textual import events

from lmchat.tui.widgets.pastes import Pastes
from lmchat.tui.widgets.prompt import Prompt
from lmchat.tui.widgets.queue import Queue
from tests.scripted_server import Scene, ScriptedServer, scripted_server
from tests.tui.conftest import Drive, Driver

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX pseudo-terminal")

if sys.platform != "win32":
    from tests.terminal import Terminal

CTRL_G = "\x07"
LONG = "\n".join(f"line {number}" for number in range(40))


def asked(server: ScriptedServer) -> list[str]:
    """The last question of each request."""
    return [scene.parameter["history"]["messages"][-1]["content"][0]["text"] for scene in server.scenes]


class Doors:
    """Answers that end when they are let go."""

    def __init__(self) -> None:
        self.open = asyncio.Event()

    async def script(self, scene: Scene) -> None:
        if self.open.is_set():
            await scene.say("Done")
            return
        opened, stopped = asyncio.ensure_future(self.open.wait()), asyncio.ensure_future(scene.cancelled.wait())
        await asyncio.wait([opened, stopped], return_when=asyncio.FIRST_COMPLETED)
        await (scene.say("Done") if opened.done() else scene.say_until_cancelled("one two"))


async def ask_and_queue(driver: Driver) -> None:
    await driver.ready()
    await driver.type("first")
    await driver.pilot.press("enter")
    await driver.wait_for(lambda: driver.screen.answering, "an answer")
    for question in ("second", "third"):
        await driver.type(question)
        await driver.pilot.press("enter")


async def test_what_is_sent_meanwhile_is_asked_in_its_turn(drive: Drive) -> None:
    doors = Doors()
    async with scripted_server(doors.script) as server, drive(server.host) as driver:
        await ask_and_queue(driver)
        queue = driver.screen.query_one(Queue)
        assert queue.texts == ("second", "third")
        assert queue.display
        doors.open.set()
        await driver.wait_for(lambda: len(server.scenes) == 3 and not driver.screen.answering, "three answers")
        assert asked(server) == ["first", "second", "third"]
        assert not queue.display


async def test_up_takes_the_last_one_back(drive: Drive) -> None:
    doors = Doors()
    async with scripted_server(doors.script) as server, drive(server.host) as driver:
        await ask_and_queue(driver)
        await driver.pilot.press("up")
        assert driver.screen.query_one(Prompt).text == "third"
        assert driver.screen.query_one(Queue).texts == ("second",)


async def test_what_is_stopped_is_not_asked_past(drive: Drive) -> None:
    doors = Doors()
    async with scripted_server(doors.script) as server, drive(server.host) as driver:
        await ask_and_queue(driver)
        await driver.pilot.press("escape")
        prompt = driver.screen.query_one(Prompt)
        await driver.wait_for(lambda: prompt.text == "second\n\nthird", "the questions")
        assert asked(server) == ["first"]


async def test_questions_that_wait_are_kept_as_a_draft(drive: Drive) -> None:
    doors = Doors()
    async with scripted_server(doors.script) as server:
        async with drive(server.host) as driver:
            await ask_and_queue(driver)
            await driver.type("fourth")
            await driver.screen.leave()
        async with drive(server.host, resume="latest") as driver:
            prompt = driver.screen.query_one(Prompt)
            await driver.wait_for(lambda: prompt.text == "second\n\nthird\n\nfourth", "the draft")


async def test_a_long_paste_is_folded_and_sent_whole(drive: Drive) -> None:
    doors = Doors()
    doors.open.set()
    async with scripted_server(doors.script) as server, drive(server.host) as driver:
        await driver.ready()
        prompt = driver.screen.query_one(Prompt)
        await driver.type("see ")
        driver.app.post_message(events.Paste(LONG))
        await driver.wait_for(lambda: prompt.text == "see [paste 1: 40 lines]", "the mark")
        assert prompt.draft == f"see {LONG}"
        await driver.pilot.press("enter")
        await driver.wait_for(lambda: server.scenes, "the question")
        assert asked(server) == [f"see {LONG}"]


async def test_a_folded_paste_is_deleted_as_a_whole(drive: Drive) -> None:
    doors = Doors()
    async with scripted_server(doors.script) as server, drive(server.host) as driver:
        prompt = driver.screen.query_one(Prompt)
        await driver.type("a")
        driver.app.post_message(events.Paste("x" * 5_000))
        await driver.wait_for(lambda: prompt.text == "a[paste 1: 5,000 characters]", "the mark")
        await driver.pilot.press("backspace")
        assert prompt.text == "a"
        await driver.pilot.press("backspace")
        assert prompt.text == ""


def test_a_mark_that_nobody_pasted_is_a_text_like_any_other() -> None:
    pastes = Pastes()
    assert pastes.unfold("[paste 1: 40 lines]") == "[paste 1: 40 lines]"
    assert pastes.fold("short") == "short"
    mark = pastes.fold(LONG)
    assert pastes.unfold(f"{mark} and {mark}") == f"{LONG} and {LONG}"


# The editor


def editor(folder: Path, body: str) -> str:
    """A program that edits as told."""
    program = folder / "editor.py"
    program.write_text(f"import pathlib, sys, time\npath = pathlib.Path(sys.argv[1])\n{body}\n", encoding="utf-8")
    return f"{sys.executable} {program}"


@posix_only
async def test_the_prompt_is_edited_while_an_answer_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wait = tmp_path / "go"
    body = f"while not pathlib.Path({str(wait)!r}).exists(): time.sleep(0.01)\n"
    monkeypatch.setenv("EDITOR", editor(tmp_path, body + "path.write_text(path.read_text() + ' edited\\n')"))
    monkeypatch.delenv("VISUAL", raising=False)
    doors = Doors()

    def person(host: str) -> None:
        with Terminal("--host", host) as terminal:
            terminal.wait_for("Scripted Model")
            terminal.type("first\r")
            terminal.wait_for(lambda screen: "first" in screen and "Ask something" in screen.replace("█", "A"))
            terminal.type("my words")
            terminal.wait_for("my words")
            terminal.type(CTRL_G)
            loop.call_soon_threadsafe(doors.open.set)
            answered.wait(30)
            wait.touch()
            terminal.wait_for("my words edited")
            terminal.wait_for("Done")

    import threading

    answered = threading.Event()
    loop = asyncio.get_running_loop()
    async with scripted_server(doors.script) as server:
        running = asyncio.create_task(asyncio.to_thread(person, server.host))
        async with asyncio.timeout(60):
            await doors.open.wait()
        answered.set()
        await running


@posix_only
@pytest.mark.parametrize(
    ("program", "said"),
    [("no-such-editor --wait", "no-such-editor cannot be run"), (None, "ended with an error (3)")],
)
def test_an_editor_that_fails_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str | None, said: str
) -> None:
    monkeypatch.setenv("VISUAL", program or editor(tmp_path, "sys.exit(3)"))
    with Terminal("--host", "127.0.0.1:9", columns=160) as terminal:
        terminal.wait_for("sk something")
        terminal.type("my words")
        terminal.wait_for("my words")
        terminal.type(CTRL_G)
        terminal.wait_for(lambda screen: said in screen and "my words" in screen)
