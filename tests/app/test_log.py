"""The program's own log: it takes what else would land on the terminal, and makes it fit to be read in one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

_PROGRAM = """
import logging, sys
from pathlib import Path
from lmchat.app.log import log_to
log_to(Path(sys.argv[1]))
logging.getLogger("lmchat.client").info("not worth a line")
if len(sys.argv) > 2:
    logging.getLogger("lmchat.client").warning("it said %s", sys.argv[2])
"""


def run(*arguments: str) -> bytes:
    """What a program that logs prints on its standard error."""
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, *arguments], capture_output=True, check=True, env={**os.environ, "LC_ALL": "C"}
    )
    assert done.stdout == b""
    return done.stderr


def test_warnings_go_to_the_file_and_are_safe(tmp_path: Path) -> None:
    assert run(str(tmp_path / "x.log"), "\x1b[2J\u202e") == b""
    text = (tmp_path / "x.log").read_text(encoding="utf-8")
    assert "it said ␛[2J⟨U+202E⟩" in text
    assert "not worth" not in text


def test_nothing_to_say_makes_no_file(tmp_path: Path) -> None:
    run(str(tmp_path / "x.log"))
    assert list(tmp_path.iterdir()) == []


def test_a_log_that_cannot_be_written_is_no_trouble(tmp_path: Path) -> None:
    assert run(str(tmp_path / "no" / "folder" / "x.log"), "hi") == b""
