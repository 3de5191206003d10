"""A store in a folder of its own for each test, and other programs that use the same file."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest

import lmchat
from lmchat.store.store import Store

StartProgram: TypeAlias = Callable[[str], "subprocess.Popen[str]"]

_PREAMBLE = """
import sys
from pathlib import Path
from lmchat.store.store import Store
from lmchat.values.chat import TextData
from lmchat.values.errors import StoreError
from lmchat.values.history import Provenance, ReasoningData
from lmchat.values.prediction import LlmPredictionStats

path = Path(sys.argv[1])
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the store is; its folder is not made yet."""
    return tmp_path / "data" / "chats.db"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    """A new, empty store."""
    opened = Store.open(path)
    yield opened
    opened.close()


@pytest.fixture
def start_program(path: Path) -> Iterator[StartProgram]:
    """Start another Python program with this code and everything of the store imported; it is gone after the test."""
    started: list[subprocess.Popen[str]] = []

    def start(code: str) -> subprocess.Popen[str]:
        program = subprocess.Popen(
            [sys.executable, "-c", _PREAMBLE + code, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(lmchat.__file__).parents[1]), *sys.path])},
        )
        started.append(program)
        return program

    yield start
    for program in started:
        program.kill()
        program.communicate()
