"""What a streamed reply costs lmchat, beside a client that only prints and an app on Textual's own Markdown widget.

`python -m tests.benchmarks.streaming [--tokens 1000 5000 20000] [--shape mixed] [--rate 0]`
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

from tests.benchmarks.clients import CLIENTS, FINISHED, waiting
from tests.benchmarks.replies import SHAPES
from tests.benchmarks.server import reply_server


@dataclass(frozen=True, slots=True)
class Result:
    """One client and one size of reply."""

    client: str
    tokens: int
    start_cpu: float
    """Seconds until it could be asked."""
    reply_cpu: float
    """Seconds from the question to the end of the reply."""
    wall: float
    """Seconds from the question to the end of the reply."""
    memory: float
    """Megabytes at most."""


def run(name: str, host: str, tokens: int, limit: float) -> Result:
    """Have a client show the reply of a server.

    Raises:
        TimeoutError: it has not done so in as many seconds as the limit says.
    """
    client = CLIENTS[name]
    with waiting(client, host) as terminal:
        start = terminal.cost()
        terminal.type(client.question)
        terminal.wait_for(FINISHED, limit)
        end = terminal.cost()
    return Result(name, tokens, start.cpu, end.cpu - start.cpu, end.wall - start.wall, end.memory)


def measure(options: argparse.Namespace) -> list[Result]:
    """All clients in turn, each size after the other; the median of each."""
    results = []
    for tokens in options.tokens:
        with reply_server(options.shape, tokens, options.rate) as server:
            for name in options.clients:
                if name == "stock" and tokens > options.skip_stock:
                    print(f"stock: left out at {tokens:,} tokens; --skip-stock {tokens} lets it try", flush=True)
                    continue
                # The stock widget takes so long that once is enough to know.
                repeat = 1 if name == "stock" else options.repeat
                try:
                    results.append(_median([run(name, server.host, tokens, options.limit) for _ in range(repeat)]))
                except TimeoutError:
                    print(f"{name}: not finished with {tokens:,} tokens after {options.limit:.0f} s", flush=True)
    return results


def _median(runs: Sequence[Result]) -> Result:
    return sorted(runs, key=lambda result: result.reply_cpu)[len(runs) // 2]


def report(results: Sequence[Result]) -> None:
    """Print the table."""
    head = ("tokens", "start s", "reply s", "wall s", "of a core", "peak MB", "x plain", "x lmchat", "growth")
    print(f"{'client':<8}" + "".join(f"{name:>10}" for name in head))
    for result in results:
        same = {other.client: other for other in results if other.tokens == result.tokens}
        smaller = [other for other in results if other.client == result.client and other.tokens < result.tokens]
        print(
            f"{result.client:<8}{result.tokens:>10,}{result.start_cpu:>10.2f}{result.reply_cpu:>10.2f}"
            f"{result.wall:>10.2f}{result.reply_cpu / result.wall:>10.0%}{result.memory:>10.0f}"
            f"{_ratio(result, same.get('plain'))}{_ratio(result, same.get('lmchat'))}"
            f"{_ratio(result, smaller[-1] if smaller else None)}"
        )


def _ratio(result: Result, other: Result | None) -> str:
    return f"{result.reply_cpu / other.reply_cpu:>10.1f}" if other and other.reply_cpu else f"{'':>10}"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokens", type=int, nargs="+", default=[1_000, 5_000, 20_000], help="sizes of the reply")
    parser.add_argument("--shape", choices=SHAPES, default="mixed", help="what the reply is made of")
    parser.add_argument("--rate", type=float, default=0, help="tokens a second; 0: as fast as they can be sent")
    parser.add_argument("--clients", nargs="+", choices=CLIENTS, default=list(CLIENTS), help="which to compare")
    parser.add_argument(
        "--repeat", type=int, default=3, help="runs of which the median counts; the stock app runs once"
    )
    parser.add_argument("--skip-stock", type=int, default=5_000, help="leave the stock app out above so many tokens")
    parser.add_argument("--limit", type=float, default=180, help="seconds after which a run is given up")
    options = parser.parse_args()
    print(f"{options.shape}, {f'{options.rate:g} tokens a second' if options.rate else 'as fast as it comes'}")
    report(measure(options))


if __name__ == "__main__":
    main()
