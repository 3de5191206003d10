"""lmchat as a person meets it: a real terminal, the real engine, the real model."""

from __future__ import annotations

import os
import re
import shutil
import signal
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from lmchat.app import paths
from lmchat.store.store import Store
from lmchat.values.history import MessageRecord

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX pseudo-terminal")

if sys.platform != "win32":
    from tests.benchmarks.crashes import seen, squeezed, talkative_server
    from tests.terminal import CTRL_B, CTRL_N, CTRL_Q, ENTER, ESCAPE, F1, Terminal

PLACE = Path("models/HuggingFaceTB/SmolLM2-135M-Instruct-GGUF/SmolLM2-135M-Instruct.Q4_1.gguf")
END = 5.0
"""Seconds that the program may take to end when it must; it should not need three."""
LONG = "Write a long essay about the history of bread, with at least ten paragraphs."


@pytest.fixture
def data(packaged_model: Path) -> Path:
    """The data folder of this test, with the model in it, so that nothing is fetched."""
    folder = Path(os.environ["LMCHAT_DATA_DIR"])
    place = folder / PLACE
    place.parent.mkdir(parents=True)
    try:
        place.hardlink_to(packaged_model)
    except OSError:
        shutil.copyfile(packaged_model, place)
    return folder


def answers(screen: str) -> list[str]:
    """The quiet last lines of the answers on the screen."""
    return re.findall(r"\d+ tokens · .*", screen)


def test_a_conversation_that_lasts(data: Path) -> None:
    with Terminal("--set", "maxTokens=400") as terminal:
        terminal.wait_for("Ask something")
        # The prompt takes typing while the engine is only being started.
        terminal.type("What is the capital of France?")
        terminal.wait_for("What is the capital of France?")
        terminal.wait_for("SmolLM2 135M Instruct on lmchat's engine")
        terminal.type(ENTER)
        first = terminal.wait_for(lambda screen: len(answers(screen)) == 1 and "tok/s server" in screen)
        assert "finished" in first or "hit the token limit" in first

        terminal.type(LONG + ENTER)
        terminal.wait_for("answering")
        terminal.wait_for(lambda screen: re.search(r"(?<!prompt )tokens +[1-9]\d", screen) is not None)
        terminal.type(ESCAPE)
        terminal.wait_for("stopped by you")

        terminal.type("What did I ask first?" + ENTER)
        terminal.wait_for(lambda screen: re.search(r"turns +3", screen) is not None)
        terminal.wait_for(lambda screen: len(answers(screen.rpartition("What did I ask first?")[2])) == 1)
        terminal.type(CTRL_Q)
        assert terminal.wait_for_end() == 0

    with Terminal("-c", rows=160) as terminal:
        screen = terminal.wait_for(lambda screen: "first?" in screen and "on lmchat's engine" in screen)
        assert "What is the capital of France?" in screen
        assert "stopped by you" in screen
        assert len(answers(screen)) == 3
        terminal.type(CTRL_N)
        terminal.wait_for("Type a question below")
        terminal.type(CTRL_B)
        terminal.wait_for("today")
        terminal.type(ENTER)
        terminal.wait_for("What did I ask first?")
        terminal.type(F1)
        terminal.wait_for("stop the answer and keep what came")
        terminal.type(ESCAPE + CTRL_Q)
        assert terminal.wait_for_end() == 0


def test_a_crash_loses_nothing_and_leaves_no_process(data: Path) -> None:
    with Terminal("--set", "maxTokens=400") as terminal:
        terminal.wait_for("on lmchat's engine")
        terminal.type(LONG + ENTER)
        terminal.wait_for(lambda screen: re.search(r"(?<!prompt )tokens +[3-9]\d", screen) is not None)
        seen = answer_text(terminal.text)
        started = terminal.descendants()
        assert started
        terminal.kill()
        _, left = psutil.wait_procs(started, timeout=2)
        # Where nobody waits for orphans, one that has ended stays in the list.
        assert not [process for process in left if process.status() != psutil.STATUS_ZOMBIE]
    assert len(seen) > 40

    with Terminal("-c", rows=200) as terminal:
        screen = terminal.wait_for(lambda screen: "interrupted" in screen and "on lmchat's engine" in screen)
        assert seen in answer_text(screen)
        terminal.type("Go on." + ENTER)
        terminal.wait_for(lambda screen: re.search(r"turns +2", screen) is not None)
        terminal.type(ESCAPE)
        terminal.wait_for(lambda screen: "stopped by you" in screen or len(answers(screen)) == 1)
    connection = sqlite3.connect(data / "lmchat.db")
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


def answer_text(screen: str) -> str:
    """What the first answer says on the screen, without rules, spaces and the sidebar."""
    after = screen.split("SmolLM2 135M Instruct", 1)[1]
    rows = [row[2:90] for row in after.split("\n")[1:] if row.startswith("▎")]
    return "".join("".join(rows).split())


def test_leaving_while_an_answer_is_written_asks_once_and_keeps_it(data: Path) -> None:
    with Terminal("--set", "maxTokens=400") as terminal:
        terminal.wait_for("on lmchat's engine")
        terminal.type(LONG + ENTER)
        terminal.wait_for(lambda screen: re.search(r"(?<!prompt )tokens +[1-9]\d", screen) is not None)
        terminal.type(CTRL_Q)
        terminal.wait_for("Ctrl+Q again stops it and leaves")
        terminal.type(CTRL_Q)
        assert terminal.wait_for_end() == 0
    with Terminal("-c") as terminal:
        terminal.wait_for("stopped by you")


def test_a_terminal_too_small_says_so_and_a_larger_one_chats(data: Path) -> None:
    with Terminal(columns=25, rows=10) as terminal:
        terminal.wait_for(lambda screen: "too small" in " ".join(screen.split()))
    with Terminal(columns=30, rows=8) as terminal:
        terminal.wait_for("Ask something")
        for columns, rows in ((120, 40), (34, 20), (120, 40), (25, 6), (31, 9), (10, 3), (40, 12)):
            terminal.resize(columns, rows)
            terminal.wait_for("Ask" if columns >= 30 else "T")
        terminal.type(CTRL_Q)
        assert terminal.wait_for_end() == 0
    with Terminal(columns=40, rows=12) as terminal:
        terminal.wait_for("Ask something")
        terminal.type("Hello" + ENTER)
        terminal.wait_for(lambda screen: "tokens" in screen)


# Ends that come from outside


@pytest.fixture(scope="module")
def host() -> Iterator[str]:
    """A server whose answers have some length."""
    with talkative_server() as host:
        yield host


def start_answer(terminal: Terminal) -> None:
    """Ask, and wait until a good part of the answer is there."""
    terminal.wait_for("Ask something")
    terminal.type("Tell me more." + ENTER)
    terminal.wait_for(lambda screen: re.search(r"a\d+w50 ", screen) is not None)


def kept_answer() -> MessageRecord:
    """The last message, as another program finds it."""
    store = Store.open(paths.store_file())
    try:
        latest = store.latest_conversation()
        assert latest is not None
        return store.branch(latest.id)[-1]
    finally:
        store.close()


def expect_interrupted(terminal: Terminal) -> None:
    """Nothing that was seen is missing, and it is said how the answer ended; nobody is told of any fault."""
    answer = kept_answer()
    assert answer.stats is not None
    assert answer.stats.stop_reason == "interrupted"
    assert seen(terminal.text)[-1] in squeezed(answer.text)
    assert b"Traceback" not in terminal.output
    assert not list(paths.log_dir().glob("crash*"))


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT"])
def test_a_signal_ends_the_program_in_order(host: str, name: str) -> None:
    number = getattr(signal, name)
    with Terminal("--host", host, columns=98) as terminal:
        assert terminal.echoes()
        start_answer(terminal)
        assert not terminal.echoes()
        terminal.signal(number)
        assert terminal.wait_for_end(END) == 128 + number
        assert terminal.echoes()
        assert b"\x1b[?1049l" in terminal.output
        expect_interrupted(terminal)


def test_a_signal_while_nothing_is_said_ends_the_program_too(host: str) -> None:
    with Terminal("--host", host, columns=98) as terminal:
        terminal.wait_for("Ask something")
        terminal.signal(signal.SIGTERM)
        assert terminal.wait_for_end(END) == 128 + signal.SIGTERM


def test_a_closed_terminal_ends_the_program_in_order(host: str) -> None:
    with Terminal("--host", host, columns=98) as terminal:
        start_answer(terminal)
        terminal.hang_up()
        assert terminal.wait_for_end(END) == 128 + signal.SIGHUP
        expect_interrupted(terminal)


def test_a_terminal_that_is_gone_without_a_word_ends_the_program_in_order(host: str) -> None:
    deaf = ("sh", "-c", "trap '' HUP; exec \"$@\"", "sh")
    with Terminal("--host", host, columns=98, under=deaf) as terminal:
        start_answer(terminal)
        terminal.hang_up()
        assert terminal.wait_for_end(END) == 128 + signal.SIGHUP
        expect_interrupted(terminal)


def test_a_terminal_that_takes_nothing_keeps_no_program_from_its_end(host: str) -> None:
    with Terminal("--host", host, columns=98) as terminal:
        start_answer(terminal)
        screen = terminal.text
        terminal.stall()
        terminal.signal(signal.SIGTERM)
        assert terminal.wait_for_end(END) == 128 + signal.SIGTERM
    with Terminal("--host", host, "-c", columns=98) as terminal:
        # Cut short or ended in order: whether the screen was being written to decides it.
        terminal.wait_for("interrupted")
        assert seen(screen)[-1] in squeezed(kept_answer().text)


def test_a_signal_ends_the_engine_that_was_started(data: Path) -> None:
    with Terminal("--set", "maxTokens=400") as terminal:
        terminal.wait_for("on lmchat's engine")
        terminal.type(LONG + ENTER)
        terminal.wait_for(lambda screen: re.search(r"(?<!prompt )tokens +[1-9]\d", screen) is not None)
        started = terminal.descendants()
        assert started
        terminal.signal(signal.SIGTERM)
        assert terminal.wait_for_end(END) == 128 + signal.SIGTERM
        _, left = psutil.wait_procs(started, timeout=2)
        assert not [process for process in left if process.status() != psutil.STATUS_ZOMBIE]
    answer = kept_answer()
    assert answer.stats is not None
    assert answer.stats.stop_reason == "interrupted"
