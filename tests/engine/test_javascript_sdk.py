"""LM Studio's own JavaScript SDK against our engine with the real model; it is installed outside the checkout, once."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import platformdirs
import pytest
from filelock import FileLock

from tests.engine.engines import CONTEXT, MODEL, EngineProcess

HERE = Path(__file__).parent / "javascript"


@pytest.fixture(scope="module")
def node_modules() -> Path:
    """The folder with the SDK in it."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("node and npm are not here")
    place = platformdirs.user_cache_path("lmchat-tests", appauthor=False) / "javascript"
    place.mkdir(parents=True, exist_ok=True)
    with FileLock(place / "lock"):
        wanted = (HERE / "package.json").read_text(encoding="utf-8")
        done = place / "done.json"
        if not done.is_file() or done.read_text(encoding="utf-8") != wanted:
            (place / "package.json").write_text(wanted, encoding="utf-8")
            command = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts"]
            try:
                installed = subprocess.run(command, cwd=place, capture_output=True, text=True, timeout=120, check=False)
            except (OSError, subprocess.TimeoutExpired) as error:
                pytest.skip(f"the SDK could not be installed: {error}")
            if installed.returncode != 0:
                pytest.skip(f"the SDK could not be installed: {installed.stderr.strip().splitlines()[-1:]}")
            done.write_text(wanted, encoding="utf-8")
    return place / "node_modules"


@pytest.fixture(scope="module")
def driven(node_modules: Path, engine: EngineProcess) -> dict[str, Any]:
    """What each step of the program came to, and what the SDK logged."""
    program = node_modules.parent / "drive.mjs"
    shutil.copyfile(HERE / "drive.mjs", program)
    command = ["node", str(program), f"ws://{engine.address}"]
    environment = {**os.environ, "NODE_NO_WARNINGS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


@pytest.fixture
def outcome(driven: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = driven["outcome"]
    return found


def test_its_strict_validation_has_nothing_to_say(driven: dict[str, Any]) -> None:
    assert [line for line in driven["log"] if not line.startswith("info")] == []


def test_lists_and_facts(outcome: dict[str, Any]) -> None:
    assert set(outcome["version"]) >= {"version", "build"}
    assert ["llm", MODEL] in outcome["downloaded"]
    assert outcome["loaded"] == [MODEL]
    assert outcome["info"]["modelKey"] == MODEL
    assert outcome["info"]["deviceIdentifier"] is None
    assert outcome["context"] == CONTEXT


def test_answers(outcome: dict[str, Any]) -> None:
    answer = outcome["respond"]
    stats = answer["stats"]
    assert answer["content"]
    assert answer["progress"][-1] == 1
    assert stats["stopReason"] in {"maxPredictedTokensReached", "eosFound"}
    assert stats["totalTokensCount"] == stats["promptTokensCount"] + stats["predictedTokensCount"]
    first, again = outcome["same seed"]
    assert first == again != ""


def test_streams_and_their_ends(outcome: dict[str, Any]) -> None:
    assert outcome["stream"] == {
        "same": True,
        "empty": 0,
        "tokens": 20,
        "predicted": 20,
        "stop": "maxPredictedTokensReached",
    }
    assert outcome["cancel"] == outcome["abort"] == "userStopped"
    assert outcome["complete"] == {"stop": "maxPredictedTokensReached", "prompt": 3, "predicted": 3}
    assert outcome["structured"] in ({"colour": "red"}, {"colour": "blue"})


def test_tokens_templates_and_vectors(outcome: dict[str, Any]) -> None:
    assert outcome["tokenize"] == [3, 3]
    assert "What is this?" in outcome["template"]
    assert outcome["embed"] == {"size": 576, "length": pytest.approx(1.0, abs=1e-4), "counted": 3}


def test_loads_and_unloads(outcome: dict[str, Any]) -> None:
    load = outcome["load"]
    assert (load["loaded"], load["context"], load["left"]) == (["second", MODEL], 256, [MODEL])
    assert load["progress"] == sorted(load["progress"])
    assert load["progress"][-1] == 1


def test_files_and_errors(outcome: dict[str, Any]) -> None:
    assert outcome["upload"] == {"name": "note.txt", "type": "text/plain", "size": 7}
    assert "no-such-model" in outcome["unknown model"]["error"]
    assert outcome["unknown instance"]["error"]


def test_two_clients_at_once(outcome: dict[str, Any]) -> None:
    assert outcome["two at once"] == [8, 8, 8]
