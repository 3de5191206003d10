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

SNIPPETS = Path(__file__).parent / "snippets"
ROOT = Path(__file__).parents[1]
PLACE = "models/HuggingFaceTB/SmolLM2-135M-Instruct-GGUF/SmolLM2-135M-Instruct.Q4_1.gguf"


@pytest.fixture(scope="module")
def server(packaged_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
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
    )
    assert process.stdout is not None
    try:
        yield process.stdout.readline()
    finally:
        process.send_signal(signal.SIGINT if sys.platform != "win32" else signal.SIGTERM)
        process.communicate(timeout=10)


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
def test_the_official_sdk_finds_the_server_and_streams() -> None:
    *answer, stop_reason = run("official_sdk").splitlines()
    assert len(" ".join(answer).split()) > 2
    assert stop_reason in {"maxPredictedTokensReached", "eosFound"}
