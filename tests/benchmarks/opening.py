"""What opening a long conversation costs: `python -m tests.benchmarks.opening [--messages 10 1000 10000]`.

From the start of lmchat until the end of the conversation is on the screen; messages of 2,000 characters, generated.
"""

from __future__ import annotations

import argparse
import sys
import tempfile

from tests.benchmarks.clients import LEAVE
from tests.benchmarks.conversations import LAST, mixed_texts, write_conversation
from tests.benchmarks.server import reply_server
from tests.benchmarks.terminal import Cost, Terminal


def _open(host: str, folder: str) -> Cost:
    """What it takes until the end is shown."""
    environment = {"LMCHAT_DATA_DIR": folder, "LMCHAT_CONFIG_DIR": folder}
    with Terminal([sys.executable, "-m", "lmchat", "--host", host, "-c"], environment) as terminal:
        terminal.wait_for(LAST)
        cost = terminal.cost()
        terminal.type(LEAVE)
        terminal.wait_for_end()
    return cost


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, nargs="+", default=[10, 1_000, 10_000], help="sizes to compare")
    parser.add_argument("--repeat", type=int, default=5, help="runs of which the median counts")
    options = parser.parse_args()
    print(f"{'messages':>9}{'CPU s':>9}{'wall s':>9}{'peak MB':>9}{'x wall':>9}{'x memory':>9}")
    first: Cost | None = None
    with reply_server() as server:
        for messages in options.messages:
            with tempfile.TemporaryDirectory(prefix="lmchat-benchmark-") as folder:
                write_conversation(folder, messages, mixed_texts())
                runs = [_open(server.host, folder) for _ in range(options.repeat)]
            cost = sorted(runs, key=lambda cost: cost.wall)[len(runs) // 2]
            first = first or cost
            print(
                f"{messages:>9,}{cost.cpu:>9.2f}{cost.wall:>9.2f}{cost.memory:>9.0f}"
                f"{cost.wall / first.wall:>9.2f}{cost.memory / first.memory:>9.2f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
