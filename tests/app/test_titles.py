"""Titles: the first words at once, a model's later, a person's for good."""

from __future__ import annotations

import pytest

from lmchat.app.settings import load_settings
from lmchat.app.titles import first_words
from lmchat.values.errors import SettingsError
from tests.app.talks import answer_to, conversation_with
from tests.scripted_server import Scene, scripted_server


async def talk(scene: Scene) -> None:
    messages = scene.parameter["history"]["messages"]
    asked_for_title = "title" in messages[0]["content"][0]["text"]
    await scene.say('Title: "Bread and its history"\nmore' if asked_for_title else "an answer")


async def test_a_model_gives_a_title_when_it_is_asked_and_only_once() -> None:
    async with scripted_server(talk) as server, conversation_with(server.host) as conversation:
        assert await conversation.entitle() is None
        await answer_to(conversation, "tell me about bread")
        assert conversation.title == "tell me about bread"
        assert await conversation.entitle() == "Bread and its history" == conversation.title
        asked = len(server.scenes)
        assert await conversation.entitle() is None
        assert len(server.scenes) == asked


async def test_an_empty_title_leaves_the_first_words() -> None:
    async def nothing(scene: Scene) -> None:
        await scene.say("  ")

    async with scripted_server(talk) as server, conversation_with(server.host) as conversation:
        await answer_to(conversation, "tell me")
        server.script = nothing
        assert await conversation.entitle() is None
        assert conversation.title == "tell me"


@pytest.mark.parametrize(
    ("text", "title"),
    [("one\n two", "one two"), ("word " * 30, "word " * 11 + "word …"), ("x" * 70, "x" * 60 + " …")],
)
def test_the_first_words_fit_in_a_line(text: str, title: str) -> None:
    assert first_words(text) == title


def test_who_gives_titles_is_a_setting(tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.mktemp("settings") / "config.toml"
    file.write_text('titles = "model"\n')
    assert load_settings(file).titles == "model"
    file.write_text('titles = "nobody"\n')
    with pytest.raises(SettingsError, match=r"line 1.*'words' and 'model'"):
        load_settings(file)
