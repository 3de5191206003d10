"""The conversation pane under the hands of its user: keys, mouse, clipboard, search, and what its size does to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest
from textual.widgets import OptionList

from lmchat.app import paths
from lmchat.store.store import Store
from lmchat.tui.screens.tree import TreeScreen
from lmchat.tui.widgets.find_bar import FindBar
from lmchat.tui.widgets.prompt import Prompt
from lmchat.tui.widgets.status_line import StatusLine
from lmchat.values.chat import TextData
from lmchat.values.history import Provenance
from lmchat.values.prediction import LlmPredictionStats
from tests.scripted_server import STATS, Scene, fragment, scripted_server, success
from tests.tui.conftest import Drive, Driver

ANSWER = """Some words with a [link](https://example.org/docs).

```python
answer = 42
```

The last paragraph has a needle in it."""


def write_conversation(messages: int) -> None:
    """Keep a conversation of questions and answers in turn; each says its number."""
    store = Store.open(paths.store_file())
    conversation = store.create_conversation("A kept one")
    stats = LlmPredictionStats(stop_reason="eosFound", predicted_tokens_count=5)
    last: int | None = None
    for number in range(messages):
        parts = (TextData(f"Message {number}.\n\n{'word ' * 60}"),)
        if number % 2 == 0:
            last = store.add_message(conversation.id, parent_id=last, role="user", parts=parts).id
        else:
            last = store.begin_answer(conversation.id, parent_id=last, provenance=Provenance(server="a server"))
            store.finish_answer(last, parts=parts, stats=stats, provenance=Provenance(server="a server"))
    store.close()


async def answer(scene: Scene) -> None:
    await scene.send(fragment(ANSWER), success(**STATS))
    await scene.close()


Answered = Callable[..., AbstractAsyncContextManager[Driver]]


@pytest.fixture
def answered(drive: Drive) -> Answered:
    """The program after one question and its answer."""

    @asynccontextmanager
    async def asking(
        script: Callable[[Scene], Awaitable[None]] = answer, size: tuple[int, int] = (120, 40)
    ) -> AsyncIterator[Driver]:
        async with scripted_server(script) as server, drive(server.host, size=size) as driver:
            await driver.ready()
            await driver.type("hi")
            await driver.pilot.press("enter")
            await driver.wait_for_text("finished")
            await driver.wait_for(lambda: not driver.screen.answering)
            yield driver

    return asking


def under_cursor(driver: Driver) -> str:
    """The rows that the cursor's rule stands beside."""
    return "\n".join(line[1:].strip() for line in driver.text().splitlines() if line.startswith("█"))


async def test_up_on_the_prompt_walks_into_the_messages_and_down_or_esc_leads_back(answered: Answered) -> None:
    async with answered() as driver:
        await driver.pilot.press("up")
        assert driver.screen.focused is driver.view
        assert under_cursor(driver) == "The last paragraph has a needle in it."
        await driver.pilot.press("up")
        assert "answer = 42" in under_cursor(driver)
        await driver.pilot.press("down", "down")
        await driver.wait_for(lambda: driver.screen.focused is driver.screen.query_one(Prompt))
        assert under_cursor(driver) == ""
        await driver.pilot.press("up", "escape")
        await driver.wait_for(lambda: driver.screen.focused is driver.screen.query_one(Prompt))


async def test_up_moves_in_the_prompt_as_long_as_there_is_a_line_above(answered: Answered) -> None:
    async with answered() as driver:
        await driver.type("one")
        await driver.pilot.press("ctrl+j")
        await driver.type("two")
        await driver.pilot.press("up")
        assert driver.screen.focused is driver.screen.query_one(Prompt)
        await driver.pilot.press("up")
        await driver.wait_for(lambda: driver.screen.focused is driver.view)
        await driver.type("x")
        await driver.wait_for(lambda: driver.screen.query_one(Prompt).text == "onex\ntwo")


async def test_y_copies_the_code_the_message_or_the_selection(answered: Answered) -> None:
    async with answered() as driver:
        status = driver.screen.query_one(StatusLine)
        await driver.pilot.press("up", "y")
        await driver.wait_for(lambda: driver.app.clipboard == ANSWER)
        await driver.wait_for(lambda: "characters" in status.passing)
        await driver.pilot.press("up", "y")
        await driver.wait_for(lambda: driver.app.clipboard == "answer = 42\n")
        await driver.pilot.press("Y")
        await driver.wait_for(lambda: driver.app.clipboard == ANSWER)
        row = next(y for y, line in enumerate(driver.text().splitlines()) if "Some words" in line)
        await driver.pilot.mouse_down(driver.view, offset=(2, row))
        await driver.pilot.hover(driver.view, offset=(12, row))
        await driver.pilot.mouse_up(driver.view, offset=(12, row))
        await driver.pilot.press("ctrl+c")
        await driver.wait_for(lambda: driver.app.clipboard == "Some words")
        await driver.pilot.press("escape")
        assert driver.screen.focused is driver.view
        await driver.pilot.press("escape")
        await driver.wait_for(lambda: driver.screen.focused is driver.screen.query_one(Prompt))


async def test_clicks_put_the_cursor_select_a_word_and_select_a_block(answered: Answered) -> None:
    async with answered() as driver:
        row = next(y for y, line in enumerate(driver.text().splitlines()) if "The last" in line)
        await driver.pilot.click(driver.view, offset=(8, row))
        assert under_cursor(driver) == "The last paragraph has a needle in it."
        await driver.pilot.click(driver.view, offset=(8, row), times=2)
        await driver.pilot.press("y")
        await driver.wait_for(lambda: driver.app.clipboard == "last")
        await driver.pilot.click(driver.view, offset=(8, row), times=3)
        await driver.pilot.press("y")
        await driver.wait_for(lambda: driver.app.clipboard == "The last paragraph has a needle in it.")


async def test_a_link_is_shown_before_it_is_opened(answered: Answered, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []

    async def open_link(link: str) -> bool:
        opened.append(link)
        return True

    monkeypatch.setattr("lmchat.tui.links.open_link", open_link)
    async with answered() as driver:
        status = driver.screen.query_one(StatusLine)
        await driver.pilot.press("up", "o")
        await driver.wait_for(lambda: status.passing == "There is no link in this block.")
        await driver.pilot.press("up", "up", "o")
        await driver.wait_for(lambda: "https://example.org/docs" in status.question)
        await driver.pilot.press("escape")
        await driver.wait_for(lambda: not status.question)
        assert driver.screen.focused is driver.view
        await driver.pilot.press("o")
        await driver.wait_for(lambda: status.question)
        assert not opened
        await driver.pilot.press("enter")
        await driver.wait_for(lambda: opened == ["https://example.org/docs"])
        assert not status.question


async def test_reasoning_unfolds_under_enter_and_under_a_click(answered: Answered) -> None:
    async def script(scene: Scene) -> None:
        await scene.send(fragment("deep thought", "reasoning", 7), fragment("42"), success(**STATS))
        await scene.close()

    async with answered(script) as driver:
        assert "▸ Thought" in driver.text()
        await driver.pilot.press("up", "up", "enter")
        assert "deep thought" in driver.text()
        await driver.pilot.press("enter")
        assert "deep thought" not in driver.text()
        row = next(y for y, line in enumerate(driver.text().splitlines()) if "▸ Thought" in line)
        await driver.pilot.click(driver.view, offset=(5, row))
        assert "deep thought" in driver.text()


async def test_s_shows_a_message_as_it_was_written(answered: Answered) -> None:
    async with answered() as driver:
        await driver.pilot.press("up", "s")
        assert "[link](https://example.org/docs)" in driver.text()
        assert "```python" in driver.text()
        await driver.pilot.press("s")
        assert "```python" not in driver.text()


async def test_what_is_sought_is_counted_marked_and_gone_through(answered: Answered) -> None:
    async with answered() as driver:
        await driver.pilot.press("ctrl+f")
        await driver.type("needle")
        count = driver.screen.query_one(FindBar)._count
        await driver.wait_for(lambda: str(count.content) == "1 of 1")
        await driver.pilot.press("backspace", "backspace", "backspace", "backspace", "backspace")
        await driver.wait_for(lambda: str(count.content).endswith("of 4"))
        at = int(str(count.content).split()[0])
        await driver.pilot.press("enter")
        await driver.wait_for(lambda: str(count.content) == f"{at % 4 + 1} of 4")
        await driver.pilot.press("up")
        await driver.wait_for(lambda: str(count.content) == f"{at} of 4")
        await driver.type("zz")
        await driver.wait_for(lambda: str(count.content) == "not found")
        await driver.pilot.press("escape")
        assert not driver.screen.query_one(FindBar).display
        assert driver.screen.focused is driver.screen.query_one(Prompt)


async def test_a_long_conversation_is_read_and_searched_without_being_in_memory(drive: Drive) -> None:
    write_conversation(1500)
    async with scripted_server(answer) as server, drive(server.host, resume="latest") as driver:
        await driver.wait_for_text("Message 1499.")
        branch = driver.screen._conversation.branch
        assert branch.record(700) is None
        await driver.pilot.press("ctrl+f")
        await driver.type("message 700.")
        await driver.wait_for_text("Message 700.")
        assert str(driver.screen.query_one(FindBar)._count.content) == "1 of 1"
        await driver.pilot.press("escape", "ctrl+home")
        await driver.wait_for_text("Message 0.")
        for _ in range(30):
            await driver.pilot.press("pagedown")
        seen = driver.text()
        assert "word word" in seen
        await driver.pilot.press("end")
        await driver.wait_for_text("Message 1499.")


async def test_the_line_one_reads_stays_when_the_terminal_changes_its_size(drive: Drive) -> None:
    write_conversation(60)
    async with scripted_server(answer) as server, drive(server.host, resume="latest") as driver:
        await driver.wait_for_text("Message 59.")
        await driver.pilot.press("pageup", "pageup")
        before = driver.text().splitlines()[0].strip("▎ ")
        for size in ((80, 24), (45, 14), (200, 60)):
            await driver.pilot.resize_terminal(*size)
            await driver.pilot.pause()
            top = driver.text().splitlines()[0].strip("▎ ")
            assert before.startswith(top) or top.startswith(before) or "word" in before
        await driver.pilot.resize_terminal(120, 40)
        await driver.pilot.pause()
        assert driver.text().splitlines()[0].strip("▎ ") == before


async def test_new_lines_below_are_counted_and_end_leads_to_them(drive: Drive) -> None:
    go_on = asyncio.Event()

    async def script(scene: Scene) -> None:
        await scene.send(fragment("line\n\n" * 60))
        await go_on.wait()
        await scene.send(fragment("last\n\n" * 10), success(**STATS))
        await scene.close()

    async with scripted_server(script) as server, drive(server.host) as driver:
        await driver.ready()
        await driver.type("hi")
        await driver.pilot.press("enter")
        await driver.wait_for(lambda: driver.text().count("line") > 10)
        status = driver.screen.query_one(StatusLine)
        await driver.pilot.press("pageup")
        await driver.wait_for(lambda: "lines below · End" in status.aside)
        assert "new" not in status.aside
        before = driver.text()
        go_on.set()
        await driver.wait_for(lambda: not driver.screen.answering)
        await driver.wait_for(lambda: "20 new lines below · End" in status.aside or "21 new" in status.aside)
        assert driver.text() == before
        await driver.pilot.press("end")
        await driver.wait_for_text("finished")
        assert status.aside == ""


async def test_a_selection_over_the_edge_scrolls_on(drive: Drive) -> None:
    write_conversation(20)
    async with scripted_server(answer) as server, drive(server.host, resume="latest", size=(80, 24)) as driver:
        await driver.wait_for_text("Message 19.")
        await driver.pilot.press("ctrl+home")
        await driver.wait_for_text("Message 0.")
        await driver.pilot.mouse_down(driver.view, offset=(2, 1))
        await driver.pilot.hover(Prompt)
        await driver.wait_for_text("Message 6.")
        await driver.pilot.mouse_up(Prompt)
        await driver.pilot.press("y")
        await driver.wait_for(lambda: "Message 5." in driver.app.clipboard)
        assert driver.app.clipboard.startswith("Message 0.\n\nword word")
        assert "▎" not in driver.app.clipboard
        assert "You" not in driver.app.clipboard


async def counted(scene: Scene) -> None:
    await scene.say(f"answer number {len(scene.parameter['history']['messages'])}")


async def test_r_answers_again_and_e_asks_in_other_words(answered: Answered) -> None:
    async with answered(counted) as driver:
        await driver.pilot.press("up", "r")
        await driver.wait_for(lambda: driver.text().count("answer number 1") == 1 and not driver.screen.answering)
        assert driver.screen.focused is driver.screen.query_one(Prompt)
        assert len(driver.screen._conversation.branch) == 2
        await driver.type("draft")
        await driver.pilot.press("up", "up", "e")
        prompt = driver.screen.query_one(Prompt)
        assert prompt.text == "hi"
        assert "Editing your question" in driver.screen.query_one(StatusLine).question
        await driver.pilot.press("escape")
        assert prompt.text == "draft"
        await driver.pilot.press("up", "up", "e")
        await driver.type(" again")
        await driver.pilot.press("enter")
        await driver.wait_for(lambda: "hi again" in driver.text() and not driver.screen.answering)
        assert prompt.text == "draft"
        assert driver.text().count("You") == 1


async def test_e_on_an_answer_keeps_other_words_and_c_goes_on_from_them(answered: Answered) -> None:
    async with answered(counted) as driver:
        await driver.pilot.press("up", "e")
        prompt = driver.screen.query_one(Prompt)
        assert prompt.text == "answer number 1"
        await driver.type(" and")
        await driver.pilot.press("enter")
        await driver.wait_for_text("answer number 1 and")
        await driver.wait_for(lambda: not driver.screen.answering)
        await driver.pilot.press("up", "c")
        await driver.wait_for_text("answer number 1 andanswer number 2")


async def test_a_message_cannot_be_changed_while_an_answer_is_written(drive: Drive) -> None:
    async def held(scene: Scene) -> None:
        await scene.say_until_cancelled("one two three")

    async with scripted_server(held) as server, drive(server.host) as driver:
        await driver.ready()
        await driver.type("hi")
        await driver.pilot.press("enter")
        await driver.wait_for_text("three")
        await driver.pilot.press("up", "up", "r")
        await driver.wait_for(lambda: "still being written" in driver.screen.query_one(StatusLine).passing)
        await driver.pilot.press("escape", "escape")
        await driver.wait_for_text("stopped")
        assert len(server.scenes) == 1


async def test_left_and_right_show_the_other_versions_and_each_has_its_own_figures(answered: Answered) -> None:
    async def numbered(scene: Scene) -> None:
        await scene.say("second version" if "again" in said else "first version")

    said: set[str] = set()
    async with answered(numbered) as driver:
        assert "‹" not in driver.text()
        said.add("again")
        await driver.pilot.press("up", "r")
        await driver.wait_for_text("second version")
        await driver.wait_for(lambda: not driver.screen.answering)
        assert "‹ 2 of 2 ›" in driver.text()
        await driver.pilot.press("up", "left")
        await driver.wait_for_text("first version")
        assert "‹ 1 of 2 ›" in driver.text()
        assert under_cursor(driver) == "first version"
        await driver.pilot.press("left")
        await driver.wait_for(lambda: "no other one" in driver.screen.query_one(StatusLine).passing)
        await driver.pilot.press("right")
        await driver.wait_for_text("second version")
        assert driver.screen.focused is driver.view


async def test_a_deleted_message_comes_back(answered: Answered) -> None:
    async with answered(counted) as driver:
        await driver.type("more")
        await driver.pilot.press("enter")
        await driver.wait_for_text("answer number 3")
        await driver.wait_for(lambda: not driver.screen.answering)
        await driver.pilot.press("up", "up", "d")
        await driver.wait_for(lambda: "answer number 3" not in driver.text())
        assert "more" not in driver.text()
        assert "answer number 1" in driver.text()
        await driver.pilot.press("u")
        await driver.wait_for_text("answer number 3")
        await driver.pilot.press("home", "d")
        await driver.wait_for_text("Type a question below")
        await driver.type("anew")


async def test_a_fork_is_a_conversation_of_its_own(answered: Answered) -> None:
    async with answered(counted) as driver:
        before = driver.screen._conversation.id
        await driver.pilot.press("up", "f")
        await driver.wait_for(lambda: driver.screen._conversation.id != before)
        assert "answer number 1" in driver.text()
        await driver.type("more")
        await driver.pilot.press("enter")
        await driver.wait_for_text("answer number 3")


async def test_the_tree_leads_to_any_message(answered: Answered) -> None:
    async with answered(counted) as driver:
        await driver.pilot.press("up", "up", "e")
        await driver.type(" there")
        await driver.pilot.press("enter")
        await driver.wait_for_text("hi there")
        await driver.wait_for(lambda: not driver.screen.answering)
        await driver.pilot.press("up", "t")
        await driver.wait_for(lambda: isinstance(driver.app.screen, TreeScreen))
        lines = driver.app.screen.query_one(OptionList)
        await driver.wait_for(lambda: lines.option_count == 4)
        await driver.pilot.press("home", "enter")
        await driver.wait_for(lambda: driver.app.screen is driver.screen)
        await driver.wait_for(lambda: "hi there" not in driver.text())
        assert "‹ 1 of 2 ›" in driver.text()
