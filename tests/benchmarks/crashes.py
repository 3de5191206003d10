"""Kills lmchat at random moments, and looks whether anything that was on the screen is missing afterwards.

Each run has a conversation of its own with two answered questions in it. lmchat opens it in a pseudo-terminal,
something is begun, and the program is killed as a crash would end it. Everything that could be read on the screen
150 ms before must be in the store then; the next start must show the conversation, say which answer was interrupted,
and go on from there.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import re
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Final

import msgspec
import psutil

from lmchat.app import paths
from lmchat.store.store import Store
from lmchat.values.chat import TextData
from lmchat.values.history import MessageRecord, Part, Provenance
from lmchat.values.prediction import LlmPredictionStats
from tests.scripted_server import STATS, Scene, fragment, progress, scripted_server, success
from tests.terminal import ENTER, UP, Terminal

BEHIND: Final = 0.15
"""Seconds that the disk may be behind the screen."""
_COLUMNS, _ROWS, _ALL_ROWS = 98, 40, 160
"""A size at which nothing stands beside the conversation; and rows enough for the whole of it."""
_WORDS, _PACE, _THINKING = 500, 0.004, 0.04
"""Of an answer: how many words, the seconds between two of them, and the seconds before the first."""
_END_PATIENCE: Final = 3.0
_PATIENCE: Final = 20.0
_RULE: Final = ("▎", "█")
"""What stands before the rows of a message, and of the block with the cursor."""
_HEADING: Final = re.compile(r"\S.*  \d\d:\d\d")
_ENDINGS: Final = frozenset(
    {"finished", "interrupted", "stopped by you", "hit the token limit", "context is full", "connection lost", "failed"}
)
_CONTEXT: Final = re.compile(r" / \d[\d,]* · finished")
"""What the line above the prompt says when there is a model."""
_TELL: Final = "Write a long story about a baker and her bread."


# The server


async def _serve() -> None:
    numbers = count()

    async def script(scene: Scene) -> None:
        answer = next(numbers)
        await scene.send(progress(0.0))
        await asyncio.sleep(_THINKING)
        for word in range(_WORDS):
            if scene.cancelled.is_set():
                break
            await scene.send(fragment(f"a{answer}w{word} "))
            await asyncio.sleep(_PACE)
        await scene.send(success("userStopped" if scene.cancelled.is_set() else "eosFound", **STATS))
        await scene.close()

    async with scripted_server(script) as server:
        print(server.host, flush=True)
        # Until whoever started this is gone, however that came about.
        await asyncio.to_thread(sys.stdin.read)


@contextmanager
def talkative_server() -> Iterator[str]:
    """A server in a process of its own, no word of whose answers ever comes again; gives its address."""
    command = [sys.executable, "-m", "tests.benchmarks.crashes", "--serve"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield server.stdout.readline().strip()
        finally:
            server.communicate()


# What is seen, and what is kept


def squeezed(text: str) -> str:
    """A text without all that wrapping and Markdown change."""
    return "".join(filter(str.isalnum, text))


def seen(screen: str) -> list[str]:
    """The texts of the messages on a screen, as far as they are in view, without headings and figures; squeezed."""
    texts, rows = [], list[str]()
    for row in [*screen.split("\n"), ""]:
        if row.startswith(_RULE):
            rows.append(row[1 : _COLUMNS - 1].strip())
            continue
        if rows and _HEADING.match(rows[0]):
            del rows[0]
        if rows and rows[-1].split(" · ")[-1] in _ENDINGS:
            del rows[-1]
        if text := squeezed("".join(rows)):
            texts.append(text)
        rows = []
    return texts


@dataclass(frozen=True, slots=True)
class Kept:
    """What another program finds in the store."""

    texts: dict[int, str]
    """What each message says, squeezed; deleted ones too."""
    parents: dict[int, int | None]
    unfinished: frozenset[int]
    """Answers that somebody is, or was, writing."""
    verdict: str
    """Of SQLite's own check."""

    def lacks(self, texts: list[str]) -> list[str]:
        """Those of the texts that no message has in it."""
        return [text for text in texts if not any(text in known for known in self.texts.values())]


def kept() -> Kept:
    """Look into the store's file, without lmchat's help."""
    connection = sqlite3.connect(paths.store_file(), timeout=_PATIENCE)
    try:
        (verdict,) = connection.execute("PRAGMA integrity_check").fetchone()
        rows = connection.execute("SELECT id, parent_id, parts, owner FROM messages").fetchall()
        texts = {number: _said(parts) for number, _, parts, _ in rows}
        for number, text in connection.execute("SELECT message_id, text FROM journal ORDER BY message_id, seq"):
            texts[number] += squeezed(text)
    finally:
        connection.close()
    unfinished = frozenset(number for number, _, _, owner in rows if owner is not None)
    return Kept(texts, {number: parent for number, parent, _, _ in rows}, unfinished, str(verdict))


def _said(parts: str) -> str:
    return squeezed(
        "".join(part.text for part in msgspec.json.decode(parts, type=list[Part]) if isinstance(part, TextData))
    )


def _latest_branch() -> list[MessageRecord]:
    store = Store.open(paths.store_file())
    try:
        latest = store.latest_conversation()
        assert latest is not None
        return store.branch(latest.id)
    finally:
        store.close()


def prepare(run: int) -> None:
    """Begin a store with a conversation of two questions and answers."""
    store = Store.open(paths.store_file())
    conversation = store.create_conversation(f"Crash {run}").id
    stats, provenance = LlmPredictionStats(stop_reason="eosFound"), Provenance(server="before")
    last = None
    for turn in range(2):
        said = (TextData(" ".join(f"u{run}t{turn}w{word}" for word in range(6))),)
        asked = store.add_message(conversation, parent_id=last, role="user", parts=said)
        last = store.begin_answer(conversation, parent_id=asked.id, provenance=provenance)
        answer = (TextData(" ".join(f"b{run}t{turn}w{word}" for word in range(40))),)
        store.finish_answer(last, parts=answer, stats=stats, provenance=provenance)
    store.close()


# The moments


def _ask(terminal: Terminal, text: str) -> None:
    terminal.type(text)
    terminal.wait_for(text.split()[-1])
    terminal.type(ENTER)


def _walk_up(terminal: Terminal) -> None:
    terminal.type(UP)
    terminal.wait_for("y Copy")


def _asking(terminal: Terminal, text: str) -> float:
    _ask(terminal, text)
    return 0.25


def _streaming(terminal: Terminal, text: str) -> float:
    before = len("".join(seen(terminal.text)))
    _ask(terminal, text)
    terminal.wait_for(lambda screen: len("".join(seen(screen))) > before + len(squeezed(text)))
    return 2.0


def _editing(terminal: Terminal, text: str) -> float:
    _walk_up(terminal)
    terminal.type("[e")
    terminal.wait_for("Editing your question")
    _ask(terminal, f" {text}")
    return 0.6


def _regenerating(terminal: Terminal, text: str) -> float:
    _walk_up(terminal)
    terminal.type("r")
    return 0.8


def _deleting(terminal: Terminal, text: str) -> float:
    _walk_up(terminal)
    terminal.type("d")
    return 0.25


MOMENTS: Final[dict[str, Callable[[Terminal, str], float]]] = {
    "asking": _asking,
    "streaming": _streaming,
    "editing": _editing,
    "regenerating": _regenerating,
    "deleting": _deleting,
}
"""What can be begun; each gives the seconds within which the kill comes."""


# A run


@dataclass(slots=True)
class Outcome:
    """What came of one run."""

    moment: str
    characters: int = 0
    """Seen 150 ms before the kill, without spaces and signs."""
    behind: int = 0
    """Messages of which the screen had more at the kill itself than the store."""
    cut: bool = False
    """Whether an answer was being written."""
    went_on: str = ""
    """How the conversation went on: by another try, or by more of the same answer."""
    faults: list[str] = field(default_factory=list)


def crash(moment: str, run: int, chance: random.Random, host: str | None) -> Outcome:
    """Do one run in a folder for data that is empty yet. Without a host lmchat starts its own engine."""
    outcome = Outcome(moment)
    server = () if host is None else ("--host", host)
    prepare(run)
    question = " ".join(f"q{run}w{word}" for word in range(6)) if host is not None else _TELL
    try:
        found = _kill(outcome, server, question, chance)
        _restart(outcome, server, found)
    except AssertionError as fault:
        outcome.faults.append(str(fault))
    return outcome


def _kill(outcome: Outcome, server: tuple[str, ...], question: str, chance: random.Random) -> Kept:
    with Terminal("-c", *server, columns=_COLUMNS, rows=_ROWS) as terminal:
        terminal.wait_for(_is_ready)
        terminal.show_whole_pictures()
        within = MOMENTS[outcome.moment](terminal, question)
        time.sleep(chance.uniform(0.0, within))
        started = terminal.descendants()
        killed = time.monotonic()
        terminal.kill()
        terminal.wait_for_end()
        visible, last_seen = seen(terminal.text_at(killed - BEHIND)), seen(terminal.text_at(time.monotonic()))
        _expect_gone(outcome, started)
    found = kept()
    outcome.characters = sum(map(len, visible))
    outcome.behind = len(found.lacks(last_seen))
    outcome.cut = bool(found.unfinished)
    outcome.faults += [f"lost of what was seen, at the end of: … {text[-60:]}" for text in found.lacks(visible)]
    if found.verdict != "ok":
        outcome.faults.append(f"damaged: {found.verdict}")
    return found


def _is_ready(screen: str) -> bool:
    return "w39" in screen and _CONTEXT.search(screen) is not None


def _restart(outcome: Outcome, server: tuple[str, ...], before: Kept) -> None:
    with Terminal("-c", *server, columns=_COLUMNS, rows=_ALL_ROWS) as terminal:
        terminal.wait_for(_is_shown_by(before))
        branch = _latest_branch()
        interrupted = [record.id for record in branch if _stop_reason(record) == "interrupted"]
        terminal.wait_for(lambda screen: all(squeezed(record.text) in "".join(seen(screen)) for record in branch))
        if not before.unfinished & {record.id for record in branch} <= set(interrupted):
            outcome.faults.append("an answer that was cut is not marked")
        terminal.wait_for(lambda screen: screen.count("interrupted") >= len(interrupted))
        last = branch[-1]
        if last.role == "user" or last.is_empty_answer:
            asked = last.id if last.role == "user" else last.parent_id
            outcome.went_on = "asked again"
            _wait_for_answer(terminal, ENTER, asked, "")
        elif _stop_reason(last) == "interrupted":
            outcome.went_on = "gone on"
            _walk_up(terminal)
            _wait_for_answer(terminal, "c", last.parent_id, squeezed(last.text))
        started = terminal.descendants()
        terminal.kill()
        terminal.wait_for_end()
        _expect_gone(outcome, started)


def _is_shown_by(before: Kept) -> Callable[[str], bool]:
    """Whether a start is so far that it has taken up what was left over."""
    first = before.texts[min(before.texts)]
    return lambda screen: first in "".join(seen(screen)) and not kept().unfinished


def _wait_for_answer(terminal: Terminal, key: str, asked: int | None, begun: str) -> None:
    """Press a key until it has brought a new answer to that question, which begins so."""
    old = kept().texts
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        terminal.type(key)
        pressed = time.monotonic()
        while time.monotonic() < min(deadline, pressed + 2 * _END_PATIENCE):
            now = kept()
            for number, text in now.texts.items():
                if number not in old and now.parents[number] == asked and text.startswith(begun) and text != begun:
                    return
            time.sleep(0.05)
    raise AssertionError(f"{key!r} brought no answer; the screen is:\n{terminal.text}")


def _stop_reason(message: MessageRecord) -> str:
    return message.stats.stop_reason if message.stats is not None else ""


def _expect_gone(outcome: Outcome, started: list[psutil.Process]) -> None:
    _, left = psutil.wait_procs(started, timeout=_END_PATIENCE)
    # Where nobody waits for orphans, one that has ended stays in the list.
    if [process for process in left if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]:
        outcome.faults.append("a process was left")


# All runs


def crashes(runs: int, seed: int, host: str | None, minutes: float, model: Path | None = None) -> Iterator[Outcome]:
    """Do runs, each kind of moment as often as any other, until they are done or the time is up."""
    chance = random.Random(seed)
    deadline = time.monotonic() + 60 * minutes
    for run in range(runs):
        if time.monotonic() > deadline:
            return
        with tempfile.TemporaryDirectory(prefix="lmchat-crash-") as folder:
            os.environ["LMCHAT_DATA_DIR"] = os.environ["LMCHAT_CONFIG_DIR"] = folder
            if model is not None:
                _place(model)
            yield crash(list(MOMENTS)[run % len(MOMENTS)], run, chance, host)


def _place(model: Path) -> None:
    place = paths.models_dir() / model.relative_to(model.parents[2])
    place.parent.mkdir(parents=True)
    place.symlink_to(model)


def _print_table(outcomes: list[Outcome]) -> None:
    print("| moment | runs | answer cut | characters seen | behind at the kill | asked again | gone on | faults |")
    print("|---|--:|--:|--:|--:|--:|--:|--:|")
    for name in [*MOMENTS, "all"]:
        some = [outcome for outcome in outcomes if name in (outcome.moment, "all")]
        again, gone_on = (sum(outcome.went_on == way for outcome in some) for way in ("asked again", "gone on"))
        figures = (
            len(some),
            sum(outcome.cut for outcome in some),
            sum(outcome.characters for outcome in some),
            sum(outcome.behind for outcome in some),
            again,
            gone_on,
            sum(bool(outcome.faults) for outcome in some),
        )
        print(f"| {name} | {' | '.join(f'{figure:,}' for figure in figures)} |")


def main() -> int:
    """Run and report; 1 if anything was lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 100_000)
    parser.add_argument("--minutes", type=float, default=30.0, help="no run begins after so many")
    parser.add_argument("--engine", type=Path, metavar="MODEL", help="lmchat's own engine with this packaged model")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        asyncio.run(_serve())
        return 0
    outcomes = []
    with talkative_server() as host:
        for outcome in crashes(
            options.runs, options.seed, None if options.engine else host, options.minutes, options.engine
        ):
            outcomes.append(outcome)
            for fault in outcome.faults:
                print(f"run {len(outcomes) - 1}, {outcome.moment}: {fault}", flush=True)
    _print_table(outcomes)
    faulty = sum(bool(outcome.faults) for outcome in outcomes)
    print(f"seed {options.seed}: {'nothing was lost' if not faulty else f'{faulty} runs have faults'}")
    return 1 if faulty else 0


if __name__ == "__main__":
    sys.exit(main())
