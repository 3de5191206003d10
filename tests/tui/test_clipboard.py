from __future__ import annotations

import asyncio
import base64
import os
import re
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import psutil
import pytest
from textual.app import App
from textual.drivers.headless_driver import HeadlessDriver

from lmchat.tui import clipboard
from lmchat.tui.clipboard import LONGEST, SURELY_TAKEN, Clipboard

OSC_52 = re.compile(r"\x1b\]52;c;([A-Za-z0-9+/=]*)\x07")


class Terminal(App[None]):
    """A program without a terminal, that remembers what it would have written."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[str] = []

    @property
    def taken(self) -> list[str]:
        """What a terminal would have had on its clipboard, one after the other."""
        return [base64.b64decode(found[1]).decode() for found in map(OSC_52.fullmatch, self.written) if found]


@pytest.fixture
async def terminal(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Terminal]:
    """A terminal, and no other clipboard."""
    for name in ("DISPLAY", "TMUX"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SSH_CONNECTION", "127.0.0.1 1 127.0.0.1 2")
    app = Terminal()
    monkeypatch.setattr(HeadlessDriver, "write", lambda _, data: app.written.append(data))
    async with app.run_test():
        app.written.clear()
        yield app


@pytest.fixture
def desktop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Make the way to a desktop's clipboard behave: a body for the function that puts `text` there."""

    def behave(body: str) -> None:
        (tmp_path / "copykitten.py").write_text(f"import os, pathlib, sys, time\ndef copy(text):\n    {body}\n")
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        monkeypatch.setenv("DISPLAY", "none:0")
        monkeypatch.delenv("SSH_CONNECTION", raising=False)

    return behave


@pytest.mark.parametrize("text", ["plain", "", "två\n\tlines\r\n", "\x1b]52;c;!\x07\x9c", "👨‍👩‍👧", "\0", "\u202e"])
async def test_the_terminal_gets_the_text_exactly(terminal: Terminal, text: str) -> None:
    assert await Clipboard(terminal).copy(text) == "sent to the terminal's clipboard"
    assert terminal.taken == [text]


async def test_halves_of_characters_do_no_harm(terminal: Terminal) -> None:
    await Clipboard(terminal).copy("a\ud83d\ude00b\ud800c\udc00")
    assert terminal.taken == ["a😀b\ufffdc\ufffd"]


async def test_a_long_text_is_sent_with_a_warning_and_one_too_long_not_at_all(terminal: Terminal) -> None:
    assert await Clipboard(terminal).copy("ä" * (SURELY_TAKEN // 2)) == "sent to the terminal's clipboard"
    assert "may not take" in await Clipboard(terminal).copy("x" * (SURELY_TAKEN + 1))
    assert len(terminal.taken) == 2
    assert "not copied" in await Clipboard(terminal).copy("x" * (LONGEST + 1))
    assert len(terminal.taken) == 2
    # With its frame, the longest sequence that is sure is as long as the shortest buffers.
    assert len(terminal.written[0]) <= 100_000


@pytest.fixture
def started() -> Callable[[], list[psutil.Process]]:
    """The processes that the test has started and that still run. Other tests share one engine all along."""
    before = set(psutil.Process().children())
    return lambda: [child for child in psutil.Process().children() if child not in before]


async def test_the_desktop_gets_it_too_and_keeps_it_while_the_program_runs(
    terminal: Terminal,
    started: Callable[[], list[psutil.Process]],
    desktop: Callable[[str], None],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    kept = tmp_path / "kept"
    desktop(f"pathlib.Path({str(kept)!r}).write_bytes(text.encode()); print('noise', file=sys.stderr)")
    copier = Clipboard(terminal)
    for text in ("first", "ä\r\n\x1b", "x" * (LONGEST + 1)):
        assert await copier.copy(text) == "copied"
        assert kept.read_bytes() == text.encode()
        assert len(started()) == 1
    assert terminal.taken == ["first", "ä\r\n\x1b"]
    await copier.close()
    assert started() == []
    assert capfd.readouterr() == ("", "")


async def test_copies_at_the_same_time_leave_one_keeper(
    terminal: Terminal, started: Callable[[], list[psutil.Process]], desktop: Callable[[str], None]
) -> None:
    desktop("pass")
    copier = Clipboard(terminal)
    assert await asyncio.gather(*(copier.copy(text) for text in "abc")) == ["copied"] * 3
    assert len(started()) == 1
    await copier.close()
    assert started() == []


@pytest.mark.parametrize("body", ["time.sleep(60)", "os.abort()", "raise OSError", "print('noise')", "sys.exit()"])
async def test_a_desktop_that_fails_hangs_or_crashes_leaves_the_terminal(
    terminal: Terminal,
    started: Callable[[], list[psutil.Process]],
    desktop: Callable[[str], None],
    body: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(clipboard, "PATIENCE", 0.5)
    desktop(body)
    copier = Clipboard(terminal)
    assert await copier.copy("text") == "sent to the terminal's clipboard"
    assert terminal.taken == ["text"]
    await copier.close()
    assert started() == []


@pytest.fixture
def real_desktop(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A display without a screen."""
    with subprocess.Popen(["Xvfb", "-displayfd", "1"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as server:
        assert server.stdout is not None
        monkeypatch.setenv("DISPLAY", f":{server.stdout.readline().decode().strip()}")
        yield
        server.terminate()


@pytest.mark.skipif(not shutil.which("Xvfb") or not shutil.which("xclip"), reason="needs Xvfb and xclip")
async def test_a_real_desktop(terminal: Terminal, real_desktop: None) -> None:
    copier = Clipboard(terminal)
    assert await copier.copy("ä\n👨‍👩‍👧") == "copied"
    paste = await asyncio.create_subprocess_exec("xclip", "-selection", "clipboard", "-out", stdout=subprocess.PIPE)
    pasted, _ = await paste.communicate()
    assert pasted.decode() == "ä\n👨‍👩‍👧"
    await copier.close()


class Tmux:
    """A tmux server of this test's own."""

    def __init__(self, socket: Path) -> None:
        self._command = ["tmux", "-S", str(socket), "-f", os.devnull]

    def run(self, *arguments: str) -> bytes:
        return subprocess.run([*self._command, *arguments], check=True, capture_output=True).stdout


@pytest.fixture
def tmux(tmp_path: Path) -> Iterator[Tmux]:
    server = Tmux(tmp_path / "tmux")
    server.run("new-session", "-d", "sleep 60")
    yield server
    server.run("kill-server")


@pytest.mark.skipif(not shutil.which("tmux"), reason="needs tmux")
async def test_tmux_gets_it_in_a_buffer(
    terminal: Terminal, tmux: Tmux, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMUX", f"{tmp_path / 'tmux'},1,0")
    assert await Clipboard(terminal).copy("ä\n\x1b") == "copied to tmux and its terminal"
    assert tmux.run("show-buffer") == "ä\n\x1b".encode()
    assert terminal.taken == []
    monkeypatch.setenv("TMUX", f"{tmp_path / 'gone'},1,0")
    assert await Clipboard(terminal).copy("text") == "sent to the terminal's clipboard"


def test_nothing_is_loaded_before_the_first_copy() -> None:
    code = "import sys, lmchat.tui.app; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert {"lmchat.tui.clipboard", "copykitten", "lmchat.tui.links", "webbrowser", "idna"}.isdisjoint(loaded)
