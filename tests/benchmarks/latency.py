"""How long a token is on its way from the server to the screen: `python -m tests.benchmarks.latency [--rate 100]`.

Each token is a word of its own; it has arrived when it is written to the terminal for the first time.
"""

from __future__ import annotations

import argparse
from typing import Final

from tests.benchmarks.clients import CLIENTS, FINISHED, Client, waiting
from tests.benchmarks.recording import DELAYS, milliseconds
from tests.benchmarks.replies import NUMBERED, WORD
from tests.benchmarks.server import ReplyServer, reply_server

_GRACE: Final = 60.0
"""Seconds that a client may be behind the server at the end."""


def delays(sent: list[float], sights: dict[bytes, float]) -> list[float]:
    """Seconds from sending to first sight, of each token that was seen."""
    words = [b"w%05d" % number for number in range(len(sent))]
    return [sights[word] - moment for word, moment in zip(words, sent, strict=True) if word in sights]


def run(client: Client, server: ReplyServer, seconds: float) -> tuple[list[float], float]:
    """The delays of a reply that takes so many seconds, and the part of a core that the client took."""
    with waiting(client, server.host) as terminal:
        recording = terminal.record()
        start = terminal.cost()
        terminal.type(client.question)
        terminal.wait_for(FINISHED, seconds + _GRACE)
        end = terminal.cost()
    sights = recording.first_sights(WORD)
    return delays(server.sent(), sights), (end.cpu - start.cpu) / (end.wall - start.wall)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=float, default=100, help="tokens a second")
    parser.add_argument("--tokens", type=int, default=1_000, help="size of the reply")
    parser.add_argument("--clients", nargs="+", choices=CLIENTS, default=["plain", "lmchat"], help="which to compare")
    parser.add_argument("--repeat", type=int, default=3, help="replies to each client, in turn, counted together")
    options = parser.parse_args()
    seen: dict[str, list[float]] = {name: [] for name in options.clients}
    parts: dict[str, list[float]] = {name: [] for name in options.clients}
    with reply_server(NUMBERED, options.tokens, options.rate) as server:
        for _ in range(options.repeat):
            for name in options.clients:
                late, part = run(CLIENTS[name], server, options.tokens / options.rate)
                seen[name] += late
                parts[name].append(part)
    print(f"{options.rate:g} tokens a second, {options.repeat} x {options.tokens:,} tokens")
    print(f"{'client':<8}{DELAYS}{'of a core':>10}{'not seen':>10}")
    for name in options.clients:
        missing = options.repeat * options.tokens - len(seen[name])
        part = sorted(parts[name])[len(parts[name]) // 2]
        print(f"{name:<8}{milliseconds(seen[name])}{part:>10.0%}{missing:>10,}")


if __name__ == "__main__":
    main()
