"""What opening a long conversation costs: `python -m tests.benchmarks.opening [--messages 10 1000 10000]`.

From the start of lmchat until the end of the conversation is on the screen; messages of 2,000 characters, generated.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from lmchat.store.store import Store
from lmchat.values.chat import TextData
from lmchat.values.history import Provenance
from lmchat.values.prediction import LlmPredictionStats
from tests.benchmarks.replies import reply
from tests.benchmarks.server import reply_server
from tests.benchmarks.terminal import Cost, Terminal

_TOKENS = 500
_LAST = "The very end."


def _write(file: Path, messages: int) -> None:
    """A conversation of questions and answers in turn, in a store of its own."""
    store = Store.open(file)
    conversation = store.create_conversation("A long one")
    stats = LlmPredictionStats(stop_reason="eosFound", predicted_tokens_count=_TOKENS)
    provenance = Provenance(server="a server")
    text = "".join(reply("mixed", 20 * _TOKENS))
    size = 4 * _TOKENS
    last: int | None = None
    for number in range(messages):
        begin = number % 20 * size
        part = TextData(_LAST if number == messages - 1 else text[begin : begin + size])
        if number % 2 == 0:
            last = store.add_message(conversation.id, parent_id=last, role="user", parts=(part,)).id
        else:
            last = store.begin_answer(conversation.id, parent_id=last, provenance=provenance)
            store.finish_answer(last, parts=(part,), stats=stats, provenance=provenance)
    store.close()


def _open(host: str, folder: str) -> Cost:
    """What it takes until the end is shown."""
    environment = {"LMCHAT_DATA_DIR": folder, "LMCHAT_CONFIG_DIR": folder}
    with Terminal([sys.executable, "-m", "lmchat", "--host", host, "-c"], environment) as terminal:
        terminal.wait_for(_LAST)
        cost = terminal.cost()
        terminal.type("\x11")
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
    with reply_server() as host:
        for messages in options.messages:
            with tempfile.TemporaryDirectory(prefix="lmchat-benchmark-") as folder:
                _write(Path(folder) / "lmchat.db", messages)
                runs = [_open(host, folder) for _ in range(options.repeat)]
            cost = sorted(runs, key=lambda cost: cost.wall)[len(runs) // 2]
            first = first or cost
            print(
                f"{messages:>9,}{cost.cpu:>9.2f}{cost.wall:>9.2f}{cost.memory:>9.0f}"
                f"{cost.wall / first.wall:>9.2f}{cost.memory / first.memory:>9.2f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
