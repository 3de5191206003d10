"""The chat screen, key by key."""

from __future__ import annotations

import asyncio
from pathlib import Path

from textual import events
from textual.widgets import Input, OptionList

from lmchat.app import paths
from lmchat.protocol.errors import failure
from lmchat.store.store import Store
from lmchat.tui.screens.chat import ChatScreen
from lmchat.tui.screens.conversations import ConversationsScreen
from lmchat.tui.screens.help import KEYS, HelpScreen
from lmchat.tui.screens.line import LineScreen
from lmchat.tui.screens.prompts import PromptsScreen
from lmchat.tui.widgets.conversation_list import ConversationList
from lmchat.tui.widgets.prompt import Prompt
from lmchat.tui.widgets.stats_sidebar import StatsSidebar
from lmchat.tui.widgets.status_line import StatusLine
from lmchat.values.chat import TextData
from tests.scripted_server import STATS, Scene, fragment, scripted_server, success
from tests.tui.conftest import Drive, Driver


async def hello(scene: Scene) -> None:
    await scene.say("Hello **there** you")


async def held(scene: Scene) -> None:
    await scene.say_until_cancelled("one two three")


async def test_a_question_is_answered_and_the_second_has_the_first_in_mind(drive: Drive) -> None:
    async with scripted_server(hello) as server, drive(server.host) as driver:
        await driver.ready()
        await driver.type("first question")
        await driver.pilot.press("enter")
        await driver.wait_for_text("finished")
        text = driver.text()
        assert "You" in text
        assert "first question" in text
        assert "Scripted Model" in text
        assert "Hello there you" in text
        assert "3 tokens · 42.0 tok/s · 0.50 s to first · finished" in text
        await driver.type("second")
        await driver.pilot.press("enter")
        await driver.wait_for(lambda: driver.text().count("finished") == 2)
        history = server.scenes[1].parameter["history"]["messages"]
        assert [message["role"] for message in history] == ["user", "assistant", "user"]
        assert history[1]["content"][0]["text"] == "Hello **there** you"


async def test_what_was_said_is_there_again(drive: Drive) -> None:
    async with scripted_server(hello) as server:
        async with drive(server.host) as driver:
            await driver.ready()
            await driver.type("keep this")
            await driver.pilot.press("enter")
            await driver.wait_for_text("finished")
            before = driver.text()
        async with drive(server.host, resume="latest") as driver:
            await driver.wait_for_text("finished")
            assert driver.text() == before


async def test_enter_sends_and_the_other_keys_break_the_line(drive: Drive) -> None:
    async with scripted_server(hello) as server, drive(server.host) as driver:
        await driver.ready()
        for key in ("shift+enter", "ctrl+j", "alt+enter"):
            await driver.pilot.press("a", key)
        await driver.pilot.press("b")
        assert driver.screen.query_one(Prompt).text == "a\na\na\nb"
        await driver.pilot.press("enter")
        await driver.wait_for_text("finished")
        assert driver.screen.query_one(Prompt).text == ""


async def test_a_hasty_second_enter_and_what_is_typed_after_the_first_lose_nothing(drive: Drive) -> None:
    async with scripted_server(hello) as server, drive(server.host) as driver:
        await driver.ready()
        await driver.type("dogs")
        prompt = driver.screen.query_one(Prompt)
        for key, character in (("enter", "\r"), ("enter", "\r"), ("x", "x")):
            prompt.post_message(events.Key(key, character))
        await driver.wait_for_text("finished")
        said = server.scenes[0].parameter["history"]["messages"][0]["content"]
        assert said == [{"type": "text", "text": "dogs"}]
        assert prompt.text == "x"
        assert len(server.scenes) == 1


async def test_a_paste_stays_in_the_prompt_and_brings_no_control_sequence(drive: Drive) -> None:
    async with scripted_server(hello) as server, drive(server.host) as driver:
        prompt = driver.screen.query_one(Prompt)
        driver.app.post_message(events.Paste("a\r\nb\x1b[31m"))
        await driver.wait_for(lambda: prompt.text == "a\nb␛[31m")


async def test_escape_stops_and_keeps_what_came(drive: Drive) -> None:
    async with scripted_server(held) as server, drive(server.host) as driver:
        await driver.ready()
        await driver.type("count")
        await driver.pilot.press("enter")
        await driver.wait_for_text("one two three")
        await driver.pilot.press("escape")
        await driver.wait_for_text("stopped by you")
        assert "one two three" in driver.text()
        assert server.scenes[0].cancelled.is_set()


async def test_an_error_is_shown_apart_and_enter_asks_again(drive: Drive) -> None:
    async def script(scene: Scene) -> None:
        await scene.fail(failure("It broke", suggestion="Try again."))

    async with scripted_server(script) as server, drive(server.host) as driver:
        await driver.ready()
        await driver.type("hi")
        await driver.pilot.press("enter")
        await driver.wait_for_text("It broke")
        server.script = hello
        await driver.wait_for(lambda: not driver.screen.answering)
        await driver.pilot.press("enter")
        await driver.wait_for_text("Hello there you")
        assert driver.text().count("hi") == 1


async def test_a_server_that_is_not_there_is_said_in_words_and_the_question_is_kept(drive: Drive) -> None:
    async with scripted_server(hello) as server:
        host = server.host
    async with drive(host) as driver:
        await driver.wait_for_text("not reachable")
        await driver.type("hi")
        await driver.pilot.press("enter")
        await driver.wait_for_text("Press Enter to ask again")
        assert "hi" in driver.text()


async def test_a_lost_connection_keeps_what_came(drive: Drive) -> None:
    async def script(scene: Scene) -> None:
        await scene.send(fragment("half an answer"))
        await scene.drop()

    async with scripted_server(script) as server, drive(server.host) as driver:
        await driver.ready()
        await driver.type("hi")
        await driver.pilot.press("enter")
        await driver.wait_for_text("connection lost")
        assert "half an answer" in driver.text()
        server.script = hello
        await driver.type("again")
        await driver.pilot.press("enter")
        await driver.wait_for_text("Hello there you")


async def test_reasoning_is_open_while_it_comes_and_folded_after(drive: Drive) -> None:
    answer = asyncio.Event()

    async def script(scene: Scene) -> None:
        await scene.send(fragment("<think>", "reasoningStartTag"), fragment("deep thought", "reasoning", 7))
        await answer.wait()
        await scene.send(fragment("</think>", "reasoningEndTag"), fragment("42"), success(**STATS))
        await scene.close()

    async with scripted_server(script) as server, drive(server.host) as driver:
        await driver.ready()
        await driver.type("hi")
        await driver.pilot.press("enter")
        await driver.wait_for_text("deep thought")
        answer.set()
        await driver.wait_for_text("finished")
        assert "deep thought" not in driver.text()
        assert "▸ Thought" in driver.text()
        assert "think>" not in driver.text()
        await driver.pilot.press("ctrl+t")
        await driver.wait_for_text("deep thought")


async def test_the_list_opens_conversations_and_ctrl_n_begins_one(drive: Drive) -> None:
    async with scripted_server(hello) as server, drive(server.host) as driver:
        await driver.ready()
        for question in ("older", "newer"):
            await driver.type(question)
            await driver.pilot.press("enter")
            await driver.wait_for_text("finished")
            await driver.pilot.press("ctrl+n")
            await driver.wait_for_text("Type a question below")
        await driver.pilot.press("ctrl+b")
        options = driver.screen.query_one(OptionList)
        await driver.wait_for(lambda: driver.screen.query_one(ConversationList).display and options.option_count == 3)
        await driver.pilot.press("down", "enter")
        await driver.wait_for_text("older")
        assert "newer" not in driver.text()
        await driver.pilot.press("ctrl+b")
        await driver.pilot.press("escape")
        await driver.wait_for(lambda: not driver.screen.query_one(ConversationList).display)
        assert driver.screen.focused is driver.screen.query_one(Prompt)


async def test_help_names_every_key_of_the_screen(drive: Drive) -> None:
    async with scripted_server(hello) as server, drive(server.host) as driver:
        await driver.pilot.press("f1")
        assert [type(screen) for screen in driver.app.screen_stack[1:]] == [ChatScreen, HelpScreen]
        await driver.pilot.press("escape")
        assert [type(screen) for screen in driver.app.screen_stack[1:]] == [ChatScreen]
        named = " ".join(keys.lower().replace("esc,", "escape,") for keys, _ in KEYS) + " escape"
        bound = {binding.key for binding in driver.screen._bindings.key_to_bindings.get("f1", [])} | set(
            driver.screen._bindings.key_to_bindings
        )
        own = {key for key in bound if key not in {"tab", "shift+tab", "ctrl+c", "super+c"}}
        assert {key for key in own if key not in named} == set()


async def test_the_sides_give_way_in_a_narrow_terminal(drive: Drive) -> None:
    async with scripted_server(hello) as server:
        async with drive(server.host, size=(120, 40)) as driver:
            await driver.ready()
            assert driver.screen.query_one(StatsSidebar).display
            await driver.pilot.press("f3")
            assert not driver.screen.query_one(StatsSidebar).display
        async with drive(server.host, size=(80, 24)) as driver:
            await driver.ready()
            assert not driver.screen.query_one(StatsSidebar).display
            await driver.type("hi")
            await driver.pilot.press("enter")
            await driver.wait_for_text("finished")
            await driver.wait_for(lambda: "42.0 tok/s" in driver.screen.query_one(StatusLine).standing)
            await driver.pilot.press("f3")
            assert driver.screen.query_one(StatsSidebar).display


async def test_resizing_draws_the_same_words_again(drive: Drive) -> None:
    async with scripted_server(hello) as server, drive(server.host) as driver:
        await driver.ready()
        await driver.type("hi")
        await driver.pilot.press("enter")
        await driver.wait_for_text("finished")
        for size in ((80, 24), (45, 12), (200, 60), (120, 40)):
            await driver.pilot.resize_terminal(*size)
            await driver.wait_for_text("finished")
            assert all(len(line) <= size[0] for line in driver.text().splitlines())


async def test_themes_change_the_colours_and_not_the_words(drive: Drive) -> None:
    async with scripted_server(hello) as server, drive(server.host, theme="lmchat-light") as driver:
        await driver.ready()
        assert driver.app.theme == "lmchat-light"
        await driver.type("hi")
        await driver.pilot.press("enter")
        await driver.wait_for_text("finished")
        before = driver.text()
        for theme in ("textual-light", "nord", "lmchat-dark"):
            driver.app.theme = theme
            await driver.pilot.pause()
            assert driver.text() == before


async def test_what_is_typed_and_not_sent_is_there_again(drive: Drive) -> None:
    async with scripted_server(hello) as server:
        async with drive(server.host) as driver:
            await driver.ready()
            await driver.type("sent")
            await driver.pilot.pause(0.6)
            await driver.pilot.press("enter")
            await driver.wait_for_text("finished")
            await driver.type("not sent")
            await driver.pilot.pause(0.8)
        async with drive(server.host, resume="latest") as driver:
            await driver.wait_for(lambda: driver.screen.query_one(Prompt).text == "not sent")
        async with drive(server.host) as driver:
            await driver.ready()
            await driver.pilot.pause(0.2)
            assert driver.screen.query_one(Prompt).text == ""


async def test_what_another_lmchat_says_is_shown_within_a_second_or_so(drive: Drive) -> None:
    async with scripted_server(hello) as server, drive(server.host) as driver:
        await driver.ready()
        await driver.type("here")
        await driver.pilot.press("enter")
        await driver.wait_for_text("finished")
        other = Store.open(paths.store_file())
        latest = other.latest_conversation()
        assert latest is not None
        await driver.pilot.pause(1.2)
        other.add_message(
            latest.id, parent_id=other.branch(latest.id)[-1].id, role="user", parts=(TextData("from elsewhere"),)
        )
        await driver.wait_for_text("from elsewhere")
        other.close()


async def said_apart(driver: Driver, *questions: str) -> OptionList:
    """Have each question in a conversation of its own, and open the screen with all of them."""
    await driver.ready()
    for question in questions:
        await driver.type(question)
        await driver.pilot.press("enter")
        await driver.wait_for_text("finished")
        await driver.pilot.press("ctrl+n")
        await driver.wait_for_text("Type a question below")
    await driver.pilot.press("ctrl+s")
    await driver.wait_for(lambda: isinstance(driver.app.screen, ConversationsScreen))
    return driver.app.screen.query_one(OptionList)


async def test_all_conversations_are_searched_and_one_is_opened_at_the_place(drive: Drive) -> None:
    async with scripted_server(hello) as server, drive(server.host) as driver:
        found = await said_apart(driver, "about apples", "about pears")
        await driver.wait_for(lambda: found.option_count == 3)
        await driver.type("apples")
        await driver.wait_for(lambda: "apples" in str(found.get_option_at_index(0).prompt) and found.option_count < 3)
        await driver.pilot.press("enter")
        await driver.wait_for_text("about apples")
        assert driver.app.screen is driver.screen


async def test_conversations_are_renamed_pinned_archived_deleted_and_brought_back(drive: Drive) -> None:
    async with scripted_server(hello) as server, drive(server.host) as driver:
        found = await said_apart(driver, "one", "two")

        def titles() -> list[str]:
            options = [found.get_option_at_index(at) for at in range(found.option_count)]
            return [str(option.prompt).split("\n")[0].strip() for option in options]

        await driver.wait_for(lambda: titles() == ["Today", "two", "one"])
        await driver.pilot.press("down", "down", "p")
        await driver.wait_for(lambda: titles() == ["Pinned", "one", "Today", "two"])
        await driver.pilot.press("home", "r")
        await driver.wait_for(lambda: isinstance(driver.app.screen, LineScreen))
        await driver.type(" renamed")
        await driver.pilot.press("enter")
        await driver.wait_for(lambda: "one renamed" in titles())
        await driver.pilot.press("t")
        await driver.wait_for(lambda: isinstance(driver.app.screen, LineScreen))
        await driver.type("fruit")
        await driver.pilot.press("enter")
        await driver.wait_for(lambda: "#fruit" in str(found.get_option_at_index(1).prompt))
        await driver.pilot.press("d")
        await driver.wait_for(lambda: titles() == ["Today", "two"])
        await driver.pilot.press("u")
        await driver.wait_for(lambda: titles() == ["Pinned", "one renamed", "Today", "two"])
        await driver.pilot.press("home", "a")
        await driver.wait_for(lambda: titles() == ["Today", "two"])


async def test_what_was_asked_before_is_found_and_put_into_the_prompt(drive: Drive) -> None:
    async with scripted_server(hello) as server, drive(server.host) as driver:
        await driver.ready()
        for question in ("about apples", "about pears"):
            await driver.type(question)
            await driver.pilot.press("enter")
            await driver.wait_for(lambda: driver.text().count("finished") == len(server.scenes) > 0)
            await driver.wait_for(lambda: not driver.screen.answering)
        await driver.pilot.press("ctrl+r")
        await driver.wait_for(lambda: isinstance(driver.app.screen, PromptsScreen))
        found = driver.app.screen.query_one(OptionList)
        await driver.wait_for(
            lambda: [str(option.prompt) for option in found.options] == ["about pears", "about apples"]
        )
        await driver.type("app")
        await driver.wait_for(lambda: found.option_count == 1)
        await driver.pilot.press("enter")
        await driver.wait_for(lambda: driver.screen.query_one(Prompt).text == "about apples")


async def test_a_conversation_is_exported_to_a_file(drive: Drive, tmp_path: Path) -> None:
    async with scripted_server(hello) as server, drive(server.host) as driver:
        await said_apart(driver, "keep this")
        await driver.pilot.press("down", "x")
        await driver.wait_for(lambda: isinstance(driver.app.screen, LineScreen))
        line = driver.app.screen.query_one(Input)
        assert line.value.endswith(".md")
        line.value = str(tmp_path / "out.md")
        await driver.pilot.press("enter")
        await driver.wait_for((tmp_path / "out.md").exists)
        assert "Hello **there** you" in (tmp_path / "out.md").read_text()
