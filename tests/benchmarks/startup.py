"""How soon lmchat takes typing, beside an empty Textual app with one input box: `python -m tests.benchmarks.startup`.

Until the first picture with the prompt in it; a server that is there already answers, so no engine is started.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from collections.abc import Sequence

from tests.benchmarks.clients import LEAVE
from tests.benchmarks.server import reply_server
from tests.benchmarks.terminal import Cost, Terminal

PROMPT = "sk something"
"""Of "Ask something"; the cursor stands on its first letter."""


def _first_picture(command: Sequence[str], environment: dict[str, str]) -> Cost:
    with Terminal([sys.executable, "-m", *command], environment) as terminal:
        terminal.wait_for(PROMPT)
        cost = terminal.cost()
        terminal.type(LEAVE)
        terminal.wait_for_end()
    return cost


def measure(pairs: int) -> list[tuple[Cost, Cost]]:
    """The empty app and lmchat in turn; the first pair, which may find cold caches, is left out."""
    costs = []
    with reply_server() as server, tempfile.TemporaryDirectory(prefix="lmchat-benchmark-") as folder:
        environment = {"LMCHAT_DATA_DIR": f"{folder}/data", "LMCHAT_CONFIG_DIR": f"{folder}/config"}
        for _ in range(pairs + 1):
            empty = _first_picture(["tests.benchmarks.empty_app"], environment)
            lmchat = _first_picture(["lmchat", "--host", server.host], environment)
            costs.append((empty, lmchat))
    return costs[1:]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=9, help="how often each is started")
    pairs = measure(parser.parse_args().pairs)
    print(f"{'median of ' + str(len(pairs)):<14}{'empty app':>10}{'lmchat':>10}{'ratio':>10}")
    for name, empty, lmchat in (
        ("CPU s", [pair[0].cpu for pair in pairs], [pair[1].cpu for pair in pairs]),
        ("wall s", [pair[0].wall for pair in pairs], [pair[1].wall for pair in pairs]),
        ("memory MB", [pair[0].memory for pair in pairs], [pair[1].memory for pair in pairs]),
    ):
        ratio = statistics.median(mine / other for other, mine in zip(empty, lmchat, strict=True))
        print(f"{name:<14}{statistics.median(empty):>10.2f}{statistics.median(lmchat):>10.2f}{ratio:>10.2f}")


if __name__ == "__main__":
    main()
