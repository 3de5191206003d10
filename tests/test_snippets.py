"""Programs as people write them, against `lmchat serve` with the real model. Nobody tells them where the server is."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lmchat.client.discovery import find_local_server
from tests.signals import hears_ctrl_c

SNIPPETS = Path(__file__).parent / "snippets"
ROOT = Path(__file__).parents[1]
PLACE = "models/HuggingFaceTB/SmolLM2-135M-Instruct-GGUF/SmolLM2-135M-Instruct.Q4_1.gguf"


@pytest.fixture(scope="module")
def server(usual_ports: None, packaged_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`lmchat serve`, on a usual port; gives the line that it printed."""
    if asyncio.run(find_local_server()) is not None:
        pytest.skip("a server runs on this machine's usual ports, and these programs would find it")
    environment = os.environ | {
        "LMCHAT_DATA_DIR": str(tmp_path_factory.mktemp("serve-data")),
        "LMCHAT_CONFIG_DIR": str(tmp_path_factory.mktemp("serve-config")),
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "lmchat", "serve", "--model", str(packaged_model)],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **hears_ctrl_c(),
    )
    assert process.stdout is not None
    try:
        yield process.stdout.readline()
        process.send_signal(signal.SIGINT if sys.platform != "win32" else signal.SIGTERM)
        process.communicate(timeout=30)
    finally:
        process.kill()


def run(name: str, typed: str = "") -> str:
    """Run a program to its end; gives what it printed."""
    done = subprocess.run(
        [sys.executable, str(SNIPPETS / f"{name}.py")],
        input=typed,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.usefixtures("usual_ports")
def test_without_a_server_the_library_says_so_plainly() -> None:
    if asyncio.run(find_local_server()) is not None:
        pytest.skip("a server runs on this machine's usual ports")
    code = "import lmchat as lms\ntry:\n    lms.llm()\nexcept lms.LMStudioError as error:\n    print(error)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert "No LM Studio answers" in done.stdout
    assert "lmchat serve" in done.stdout


def test_serve_prints_its_address(server: str) -> None:
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+\n", server)


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize(
    "name",
    ["quick_reply", "quick_reply_scoped", "streamed_reply", "model_by_key", "chat_and_result", "history_as_data"],
)
def test_an_answer_is_printed(name: str) -> None:
    assert len(run(name).split()) > 2


@pytest.mark.usefixtures("server")
def test_the_figures_of_an_answer() -> None:
    printed = dict(line.split(": ") for line in run("stats").splitlines())
    assert printed["Model used"] == "SmolLM2 135M Instruct"
    assert 0 < int(printed["Predicted tokens"]) <= 50
    assert float(printed["Time to first token (seconds)"]) > 0
    assert printed["Stop reason"] in {"maxPredictedTokensReached", "eosFound"}


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize("name", ["cancel", "asynchronous"])
def test_a_cancelled_answer_was_stopped_by_its_user(name: str) -> None:
    assert run(name).splitlines()[-1] == "Stop reason: userStopped"


@pytest.mark.usefixtures("server")
def test_the_chatbot_answers_until_its_user_leaves() -> None:
    printed = run("chatbot", "Say hello.\nSay it again.\n\n")
    assert printed.count("You (leave blank to exit): ") == 3
    assert len(re.findall(r"Bot: \S", printed)) == 2
    assert run("chatbot", "").endswith("exit): \n")


@pytest.mark.usefixtures("server")
def test_a_completion_and_its_figures() -> None:
    *texts, _, _, _, stopped = run("completion").splitlines()
    assert len(" ".join(texts).split()) > 2
    assert stopped in {"Stop reason: maxPredictedTokensReached", "Stop reason: eosFound"}


@pytest.mark.usefixtures("server")
def test_the_simulated_terminal_answers_until_its_user_leaves() -> None:
    assert run("terminal_simulator", "ls\npwd\nexit\n").count("$ ") >= 3


@pytest.mark.usefixtures("server")
def test_parameters_of_predictions_and_loads_hold() -> None:
    printed = dict(line.split(": ") for line in run("parameters").splitlines())
    assert 0 < int(printed["Answer tokens"]) <= 20
    assert 0 < int(printed["Completion tokens"]) <= 20


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize(("name", "answers"), [("structured_class", 2), ("structured_schema", 1)])
def test_structured_answers_have_their_form(name: str, answers: int) -> None:
    keys = [set(line.split()[1:]) for line in run(name).splitlines() if line.startswith("Keys: ")]
    # A schema that does not forbid more leaves the model free to add to what it asks for.
    assert [{"author", "title", "year"} <= found for found in keys] == [True] * answers


@pytest.mark.usefixtures("server")
def test_a_class_of_pydantic_gives_the_form() -> None:
    pytest.importorskip("pydantic")
    keys = [line.split()[1:] for line in run("structured_pydantic").splitlines() if line.startswith("Keys: ")]
    assert [{"author", "title", "year"} <= set(found) for found in keys] == [True, True]


@pytest.mark.usefixtures("server")
def test_predictions_of_a_client_with_a_lifetime() -> None:
    printed = run("scoped_prediction")
    assert "Stop reason: userStopped" in printed.splitlines()
    assert printed.splitlines()[-1]


@pytest.mark.usefixtures("server")
def test_models_of_a_client_with_a_lifetime() -> None:
    assert run("scoped_management").splitlines() == [
        "On disk: smollm2-135m-instruct",
        "Loaded: second-llm smollm2-135m-instruct",
        "Info: second-llm 512 512",
        "Tokens: True",
        "Left: smollm2-135m-instruct",
    ]


@pytest.mark.usefixtures("server")
def test_a_grammar_leaves_no_choice_but_its_own() -> None:
    assert run("grammar").strip() in {"yes", "no"}


@pytest.mark.usefixtures("server")
def test_tokens_are_counted_and_a_conversation_fits() -> None:
    printed = dict(line.split(": ") for line in run("tokenization").splitlines())
    listed, counted = printed["Token count"].split()
    assert listed == counted
    assert (printed["Texts"], printed["Fits"]) == ("2", "True")


@pytest.mark.usefixtures("server")
def test_models_are_listed() -> None:
    printed = run("list_models")
    assert "DownloadedLlm(model_key='smollm2-135m-instruct', display_name='SmolLM2 135M Instruct'" in printed
    assert "  0 LLM(identifier='smollm2-135m-instruct')" in printed
    assert "LLMs: 1\nEmbedding models: 0\n" in printed
    assert printed.endswith("The same: 1 0\nLoaded: 1 0\n")


@pytest.mark.usefixtures("server")
def test_another_instance_is_loaded_and_unloaded() -> None:
    printed = run("load_and_unload").splitlines()
    assert (printed[0], printed[-5]) == ("Loading: 0%", "Loading: 100%")
    assert printed[-4:] == ["Context lengths: True 1024", "Refused: True", "Left: []", "From the listing: True"]


@pytest.mark.usefixtures("server")
def test_what_is_known_of_a_model() -> None:
    printed = run("model_info")
    assert printed.startswith("LlmInstanceInfo.from_dict({\n")
    assert re.search(r"^Context length: \d+$", printed, re.MULTILINE)
    assert re.search(r"^Loaded with: LlmLoadModelConfig\(context_length=\d+", printed, re.MULTILINE)
    assert "What is LM Studio?" in printed


@pytest.mark.usefixtures("server")
def test_a_conversation_line_by_line() -> None:
    printed = run("read_eval_print")
    assert "UserMessage(content=(TextData(text='Tell me three fruits'),))" in printed
    assert printed.endswith("Messages: 5\n")


@pytest.mark.usefixtures("server")
def test_the_server_is_found_and_made_the_default() -> None:
    assert run("hosts").splitlines() == ["A server runs there.", "The same: True", "Timeout: 120", "Answers: True"]


@pytest.mark.usefixtures("server")
def test_models_are_managed_asynchronously() -> None:
    printed = run("asynchronous_management")
    assert "AsyncDownloadedLlm(model_key='smollm2-135m-instruct'" in printed
    assert "Tokens: True" in printed
    assert printed.endswith("Another: True\n")


@pytest.mark.usefixtures("server")
def test_the_official_sdk_finds_the_server_and_streams() -> None:
    *answer, stop_reason = run("official_sdk").splitlines()
    assert len(" ".join(answer).split()) > 2
    assert stop_reason in {"maxPredictedTokensReached", "eosFound"}
