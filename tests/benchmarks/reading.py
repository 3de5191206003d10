"""What it is like to move in a long conversation: `python -m tests.benchmarks.reading [--messages 200 10000]`.

Page Up is held down, at a keyboard's rate, through lines that all differ; a key has been answered when the page that
it asked for, or one behind it, begins to be drawn. Then the terminal changes its size to and fro, and it is waited
until the picture stands still, beside an empty Textual app.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import accumulate
from typing import Final

from tests.benchmarks.clients import LEAVE, QUIET
from tests.benchmarks.conversations import LAST, SERIAL, numbered_lines, write_conversation
from tests.benchmarks.recording import DELAYS, Recording, milliseconds
from tests.benchmarks.server import reply_server
from tests.benchmarks.startup import PROMPT
from tests.benchmarks.terminal import COLUMNS, LINES, Terminal

_PAGE_UP: Final = "\x1b[5~"
_END: Final = "\x1b[1;5F"
"""Ctrl+End."""
_REPEAT: Final = 1 / 30
"""Seconds between two keys of a key that is held down."""
_STILL: Final = 0.15
"""Seconds without a new picture after which there will be none."""
_SIZES: Final = ((90, 30), (COLUMNS, LINES))


@contextmanager
def _reader(host: str, messages: int) -> Iterator[Terminal]:
    """A conversation of so many messages, shown from its end."""
    with tempfile.TemporaryDirectory(prefix="lmchat-benchmark-") as folder:
        write_conversation(folder, messages, numbered_lines)
        environment = {"LMCHAT_DATA_DIR": folder, "LMCHAT_CONFIG_DIR": folder}
        with Terminal([sys.executable, "-m", "lmchat", "--host", host, "-c"], environment) as terminal:
            terminal.wait_for(LAST)
            yield from _used(terminal)


@contextmanager
def _empty_app() -> Iterator[Terminal]:
    with Terminal([sys.executable, "-m", "tests.benchmarks.empty_app"]) as terminal:
        terminal.wait_for(PROMPT)
        yield from _used(terminal)


def _used(terminal: Terminal) -> Iterator[Terminal]:
    time.sleep(QUIET)
    yield terminal
    terminal.type(LEAVE)
    terminal.wait_for_end()


def _hold(terminal: Terminal, keys: int) -> tuple[list[float], Recording]:
    """Hold Page Up down for so many keys; when each came, and what was drawn."""
    recording = terminal.record()
    began = time.monotonic()
    pressed = []
    for number in range(keys):
        time.sleep(max(began + number * _REPEAT - time.monotonic(), 0))
        pressed.append(time.monotonic())
        terminal.type(_PAGE_UP)
    recording.wait_until_quiet(QUIET)
    return pressed, recording


def _pages(terminal: Terminal, keys: int) -> list[int]:
    """The number in the top line of each page on the same way, gone slowly."""
    terminal.type(_END)
    time.sleep(QUIET)
    tops = []
    for _ in range(keys):
        recording = terminal.record()
        terminal.type(_PAGE_UP)
        recording.wait_until_quiet(_STILL)
        tops.append(min(_serial(text) for text in recording.first_sights(SERIAL)))
    return tops


def _serial(text: bytes) -> int:
    return int(text[1:])


def _scroll(messages: int, keys: int, host: str) -> None:
    with _reader(host, messages) as terminal:
        start = terminal.cost()
        pressed, recording = _hold(terminal, keys)
        end = terminal.cost()
        pages = _pages(terminal, keys)
    # Up is towards smaller numbers, and a page is drawn from its top: what is smaller than all before is a new page.
    sights = {_serial(text): moment for text, moment in recording.first_sights(SERIAL).items()}
    tops = list(dict.fromkeys(accumulate(sights, min)))
    late = []
    for moment, page in zip(pressed, pages, strict=True):
        answers = [sights[top] for top in tops if top <= page]
        late += [answers[0] - moment] if answers else []
    seconds = sights[tops[-1]] - sights[tops[0]]
    print(
        f"{messages:>9,}{milliseconds(late)}{keys - len(late):>10}{(len(tops) - 1) / seconds:>10.1f}"
        f"{(end.cpu - start.cpu) / (end.wall - start.wall):>10.0%}",
        flush=True,
    )


def _resize(terminal: Terminal, times: int) -> list[float]:
    """Seconds from each change of the size to the end of the last picture."""
    late = []
    for _ in range(times):
        for columns, lines in _SIZES:
            recording = terminal.record()
            began = time.monotonic()
            terminal.resize(columns, lines)
            late.append(recording.wait_until_quiet(_STILL) - began)
    return late


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, nargs="+", default=[200, 10_000], help="sizes to compare")
    parser.add_argument("--keys", type=int, default=100, help="how often Page Up comes, 30 times a second")
    parser.add_argument("--resizes", type=int, default=10, help="how often the size goes to and fro")
    options = parser.parse_args()
    with reply_server() as server:
        print(f"Page Up held\n{'messages':>9}{DELAYS}{'not seen':>10}{'pages/s':>10}{'of a core':>10}")
        for messages in options.messages:
            _scroll(messages, options.keys, server.host)
        print(f"resized\n{'messages':>9}{DELAYS}")
        with _empty_app() as terminal:
            print(f"{'empty app':>9}{milliseconds(_resize(terminal, options.resizes))}", flush=True)
        for messages in options.messages:
            with _reader(server.host, messages) as terminal:
                print(f"{messages:>9,}{milliseconds(_resize(terminal, options.resizes))}", flush=True)


if __name__ == "__main__":
    main()
