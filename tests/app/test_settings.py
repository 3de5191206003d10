"""Settings: which source wins, and what is said of a wrong one."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from lmchat.app import paths
from lmchat.app.settings import Settings, load_settings, merge
from lmchat.protocol.child_process import Alias
from lmchat.values.config import LlmPredictionConfig
from lmchat.values.errors import SettingsError


def written(text: str) -> Path:
    file = paths.config_file()
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


def complaint(text: str) -> str:
    """What is said of a settings file."""
    with pytest.raises(SettingsError) as caught:
        load_settings(written(text))
    return str(caught.value)


def test_no_file_sets_nothing() -> None:
    assert load_settings(paths.config_file()) == Settings()


def test_everything_that_a_file_can_set() -> None:
    file = written(
        'host = "localhost:1234"\nmodel = "qwen"\nsystem_prompt = "Be brief."\ntheme = "lmchat-light"\n'
        "[prediction]\ntemperature = 0.6\nmaxTokens = 200\ntop_k_sampling = 40\n"
    )
    assert load_settings(file) == Settings(
        host="localhost:1234",
        model="qwen",
        system_prompt="Be brief.",
        theme="lmchat-light",
        prediction=LlmPredictionConfig(temperature=0.6, max_tokens=200, top_k_sampling=40),
    )


def test_names_for_models() -> None:
    file = written(
        '[aliases]\nquick = "smollm2"\n[aliases.big]\nmodel = "lab/big"\nname = "Big"\npath = "lab/r/big.gguf"\n'
        "context = 2048\nvision = false\ntools = true\n"
    )
    big = Alias("lab/big", name="Big", path="lab/r/big.gguf", context=2048, vision=False, tools=True)
    assert load_settings(file).aliases == {"quick": Alias("smollm2"), "big": big}
    assert "'aliases' is a table" in complaint('aliases = "x"\n')
    for wrong, said in (("context = 0", "context"), ("size = 1", "size"), ("name = 1", "name")):
        assert said in complaint(f'[aliases.x]\nmodel = "m"\n{wrong}\n')


def test_a_byte_order_mark_is_no_fault() -> None:
    assert load_settings(written('\ufeffmodel = "qwen"\n')).model == "qwen"


def test_options_come_before_the_environment_and_that_before_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    file = written('host = "file:1"\nmodel = "file"\nsystem_prompt = "file"\n[prediction]\ntemperature = 1\nseed = 3\n')
    monkeypatch.setenv("LMCHAT_HOST", "environment:2")
    monkeypatch.setenv("LMCHAT_MODEL", "environment")
    settings = merge(load_settings(file), model="option", system_prompt="", options=["temperature=0.5"])
    assert (settings.host, settings.model, settings.system_prompt) == ("environment:2", "option", "")
    assert settings.prediction == LlmPredictionConfig(temperature=0.5, seed=3)


def test_an_empty_variable_sets_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LMCHAT_HOST", "")
    assert load_settings(written('host = "file:1"')).host == "file:1"


@pytest.mark.parametrize(
    ("option", "name", "value"),
    [
        ("temperature=0.6", "temperature", 0.6),
        ("temperature = 1", "temperature", 1),
        ("max_tokens=5", "max_tokens", 5),
        ("maxTokens=false", "max_tokens", False),
        ('stopStrings=["a", "b"]', "stop_strings", ["a", "b"]),
        ("draftModel=qwen=x", "draft_model", "qwen=x"),
        ("contextOverflowPolicy=rollingWindow", "context_overflow_policy", "rollingWindow"),
    ],
)
def test_options_are_read_as_toml_or_as_plain_text(option: str, name: str, value: object) -> None:
    assert getattr(merge(Settings(), options=[option]).prediction, name) == value


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("temprature=0.6", "Did you mean 'temperature'"),
        ("temperature=hot", "temperature"),
        ("maxTokens=1.5", "maxTokens"),
        ("stopStrings=2024-01-01", "stopStrings"),
        ("temperature", "name=value"),
        ("=1", "no option ''"),
    ],
)
def test_options_that_are_wrong(option: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        merge(Settings(), options=[option])


@pytest.mark.parametrize("host", ["localhost", "ftp://x:1", "x:99999", "a b:1", "http://me@x:1", "[::1"])
def test_a_host_that_is_no_address(host: str) -> None:
    with pytest.raises(SettingsError, match="is no address of a server"):
        merge(Settings(), host=host)


@pytest.mark.parametrize(
    ("text", "number", "line", "reason"),
    [
        ('model = "a"\nhost = \n', 2, "host =", "Invalid value"),
        ('model = "a"\nmodel = "b"\n', 2, 'model = "b"', "overwrite"),
        ('model = "a', 1, 'model = "a', "line 1"),
        ("theme = 5", 1, "theme = 5", "'theme' takes text in quotes"),
        ('\n# x\nmodle = "a"', 3, 'modle = "a"', "did you mean 'model'"),
        ("[predictions]\nseed = 1", 1, "[predictions]", "did you mean 'prediction'"),
        ("[prediction]\nseed = 1\ntemperature = 'hot'", 3, "temperature = 'hot'", "temperature"),
        ("[prediction]\n\ntemprature = 1", 3, "temprature = 1", "Did you mean 'temperature'"),
        ("\nprediction.temperature = 'hot'", 2, "prediction.temperature = 'hot'", "temperature"),
        ("\nprediction = { temperature = 'hot' }", 2, "prediction = { temperature = 'hot' }", "temperature"),
        ("\nprediction = 5", 2, "prediction = 5", "is a table"),
        ("\nhost = 'nowhere'", 2, "host = 'nowhere'", "no address of a server"),
    ],
)
def test_a_wrong_line_is_shown(text: str, number: int, line: str, reason: str) -> None:
    first, shown, _ = complaint(text).split("\n")
    assert first.startswith(f"{paths.config_file()}, line {number}: ")
    assert reason in first
    assert shown.strip() == line


def test_a_file_that_is_not_text() -> None:
    file = written("")
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError, match=r"not UTF-8 text\. Mend"):
        load_settings(file)


def test_a_file_that_is_a_folder() -> None:
    paths.config_file().mkdir(parents=True)
    with pytest.raises(SettingsError, match="cannot be read"):
        load_settings(paths.config_file())


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="this user may read everything")
def test_a_file_that_may_not_be_read() -> None:
    file = written("")
    file.chmod(0)
    with pytest.raises(SettingsError, match="denied"):
        load_settings(file)
