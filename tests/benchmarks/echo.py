"""How soon a key is on the screen while a fast reply comes: `python -m tests.benchmarks.echo [--rate 1000]`.

Each key is a letter that occurs nowhere else. The same keys go into an empty Textual app and into lmchat at rest, to
compare with; then into lmchat while it writes, and it is seen whether the reply keeps up.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from typing import Final

from tests.benchmarks.clients import CLIENTS, FINISHED, LEAVE, QUIET, waiting
from tests.benchmarks.latency import delays
from tests.benchmarks.recording import DELAYS, Recording, milliseconds
from tests.benchmarks.replies import NUMBERED, WORD
from tests.benchmarks.server import reply_server
from tests.benchmarks.startup import PROMPT
from tests.benchmarks.terminal import Terminal

_LETTERS: Final = [chr(code) for code in (*range(0x410, 0x482), *range(0x48A, 0x500))]
_LETTER: Final = rb"[\xd0-\xd3][\x80-\xbf]"
"""The pattern of those letters in UTF-8."""
_BETWEEN: Final = (0.1, 0.2)
"""Seconds between two keys."""
_GRACE: Final = 60.0
"""Seconds that lmchat may be behind the server at the end."""


def _type(terminal: Terminal, keys: int) -> dict[bytes, float]:
    """Press so many keys; when each was pressed."""
    dice = random.Random(keys)
    pressed: dict[bytes, float] = {}
    for letter in _LETTERS[:keys]:
        time.sleep(dice.uniform(*_BETWEEN))
        pressed[letter.encode()] = time.monotonic()
        terminal.type(letter)
    return pressed


def _report(name: str, pressed: dict[bytes, float], recording: Recording) -> None:
    sights = recording.first_sights(_LETTER)
    late = [sights[letter] - moment for letter, moment in pressed.items() if letter in sights]
    print(f"{name:<32}{milliseconds(late)}{len(pressed) - len(late):>10}", flush=True)


def _at_rest(name: str, terminal: Terminal, keys: int) -> None:
    time.sleep(QUIET)
    recording = terminal.record()
    pressed = _type(terminal, keys)
    time.sleep(QUIET)
    _report(name, pressed, recording)


def _while_writing(tokens: int, rate: float, keys: int) -> None:
    lmchat = CLIENTS["lmchat"]
    with reply_server(NUMBERED, tokens, rate) as server, waiting(lmchat, server.host) as terminal:
        before = terminal.cost()
        recording = terminal.record()
        terminal.type(lmchat.question)
        time.sleep(QUIET)
        pressed = _type(terminal, keys)
        terminal.wait_for(FINISHED, tokens / rate + _GRACE)
        after = terminal.cost()
        time.sleep(QUIET)
        _report(f"lmchat, {rate:g} tokens a second", pressed, recording)
        late = delays(server.sent(), recording.first_sights(WORD))
        print(f"{'  its tokens':<32}{milliseconds(late)}{tokens - len(late):>10}")
        print(f"  the last token: {1000 * late[-1]:.0f} ms after it was sent")
        print(f"  CPU: {(after.cpu - before.cpu) / (after.wall - before.wall):.0%} of a core")
        print(f"  memory: {before.memory:.0f} MB before, {after.memory:.0f} MB after {tokens:,} tokens")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=float, default=1_000, help="tokens a second")
    parser.add_argument("--tokens", type=int, default=20_000, help="size of the reply")
    parser.add_argument("--keys", type=int, default=120, help=f"keys to press, at most {len(_LETTERS)}")
    options = parser.parse_args()
    print(f"{'key to screen':<32}{DELAYS}{'not seen':>10}")
    with Terminal([sys.executable, "-m", "tests.benchmarks.empty_app"]) as terminal:
        terminal.wait_for(PROMPT)
        _at_rest("empty app", terminal, options.keys)
        terminal.type(LEAVE)
        terminal.wait_for_end()
    with reply_server() as server, waiting(CLIENTS["lmchat"], server.host) as terminal:
        _at_rest("lmchat at rest", terminal, options.keys)
    _while_writing(options.tokens, options.rate, options.keys)


if __name__ == "__main__":
    main()
