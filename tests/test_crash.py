"""What no good manners can help against: the program killed at any moment, and a disk without room."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX pseudo-terminal")

if sys.platform != "win32":
    import resource

    from tests.benchmarks.crashes import crashes, kept, seen, squeezed, talkative_server
    from tests.terminal import CTRL_N, CTRL_Q, ENTER, ESCAPE, Terminal

RUNS = 10
FULL = "The disk is full"
FAILED = "The disk failed"
SAVED = "There is room on the disk again"


@pytest.fixture(scope="module")
def host() -> Iterator[str]:
    """A server whose answers have some length."""
    with talkative_server() as host:
        yield host


def test_a_crash_at_any_moment_loses_nothing_that_was_on_the_screen(host: str) -> None:
    outcomes = list(crashes(RUNS, seed=1, host=host, minutes=5))
    assert [(outcome.moment, fault) for outcome in outcomes for fault in outcome.faults] == []
    assert len(outcomes) == RUNS
    assert all(outcome.characters for outcome in outcomes)
    assert any(outcome.cut and outcome.went_on for outcome in outcomes)


# A disk without room


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder, with room."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    return home


@pytest.fixture
def small_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A real file system of two megabytes, for all that lmchat keeps."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=2m,mode=700", "tmpfs", str(disk)]
    if not sys.platform.startswith("linux") or shutil.which("mount") is None:
        pytest.skip("this system mounts in another way")
    if subprocess.run(command, check=False, stderr=subprocess.DEVNULL).returncode:
        pytest.skip("this user may not mount a file system")
    try:
        monkeypatch.setenv("LMCHAT_DATA_DIR", str(disk))
        yield disk
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def fill(disk: Path) -> Path:
    """Take all room that is left on a disk; gives the file that has it."""
    filler = disk / "filler"
    with filler.open("ab", buffering=0) as file:
        for size in (65_536, 4_096, 512, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                continue
    return filler


def until_stopped(terminal: Terminal, fill_disk: Callable[[], object], wrong: str) -> str:
    """Have the disk fill up in the middle of an answer, which goes on for a while; gives the end of what is seen."""
    terminal.wait_for("Ask something")
    terminal.type("Tell me more." + ENTER)
    terminal.wait_for(lambda screen: re.search(r"a\d+w30 ", screen) is not None)
    fill_disk()
    terminal.wait_for(wrong)
    terminal.wait_for(lambda screen: re.search(r"a\d+w150 ", screen) is not None)
    terminal.type(ESCAPE)
    screen = terminal.wait_for(lambda screen: "stopped by you" in screen and f"▎ {wrong}" in screen)
    return next(text for text in seen(screen) if re.search(r"a\d+w150", text))


def saved() -> bool:
    return not kept().unfinished


def test_an_answer_is_saved_as_soon_as_there_is_room_again(host: str, small_disk: Path) -> None:
    with Terminal("--host", host, columns=98) as terminal:
        answer = until_stopped(terminal, lambda: fill(small_disk), FULL)
        assert kept().lacks([answer])
        assert not saved()
        # Not even another conversation makes it forgotten.
        terminal.type(CTRL_N)
        terminal.wait_for("Type a question below")
        (small_disk / "filler").unlink()
        terminal.wait_for(SAVED)
        assert saved()
        assert not kept().lacks([answer])


def test_a_question_for_which_there_is_no_room_stays_in_the_prompt(host: str, small_disk: Path) -> None:
    question = "Does this fit? " * 400
    with Terminal("--host", host, columns=98) as terminal:
        terminal.wait_for(" on LM Studio")
        filler = fill(small_disk)
        terminal.type(f"\x1b[200~{question}\x1b[201~")
        terminal.wait_for("[paste 1: 6,000 characters]")
        terminal.type(ENTER)
        terminal.wait_for(lambda screen: f"▎ {FULL}" in screen and "Does this fit?" in screen)
        assert squeezed(question) not in kept().texts.values()
        filler.unlink()
        terminal.type(ENTER)
        terminal.wait_for(lambda screen: re.search(r"a\d+w30 ", screen) is not None)
        assert squeezed(question) in kept().texts.values()


def test_an_answer_that_cannot_be_saved_is_left_as_a_file(host: str, home: Path, small_disk: Path) -> None:
    with Terminal("--host", host, columns=98) as terminal:
        answer = until_stopped(terminal, lambda: fill(small_disk), FULL)
        terminal.type(CTRL_Q)
        assert terminal.wait_for_end() == 0
    said = bytes(terminal.output).decode().rpartition("\x1b[?1049l")[2]
    (file,) = home.iterdir()
    assert str(file) in said
    assert file.stat().st_mode & 0o777 == 0o600
    text = file.read_text(encoding="utf-8")
    assert "Tell me more." in text
    assert answer in squeezed(text)


@pytest.mark.skipif(sys.platform != "linux", reason="needs limits that can be changed from outside")
def test_files_that_may_not_grow_are_like_a_full_disk(host: str) -> None:
    with Terminal("--host", host, columns=98) as terminal:

        def limit(size: int) -> None:
            resource.prlimit(terminal.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

        answer = until_stopped(terminal, lambda: limit(4_096), FAILED)
        assert kept().lacks([answer])
        limit(resource.RLIM_INFINITY)
        terminal.wait_for(SAVED)
        assert not kept().lacks([answer])
