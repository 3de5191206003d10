"""What the store costs as it grows: `python -m tests.benchmarks.store [--messages 1000 10000 100000 1000000]`.

Conversations of ten messages, generated, with words as frequent as in a language; written past the store's own
operations, for a million of those would take hours, and then indexed by it. Times are the slowest of some runs, in
milliseconds; the file is in MB. Behind each, in brackets, how many times as much as with a tenth of the messages.
"""

from __future__ import annotations

import argparse
import itertools
import random
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

import msgspec

from lmchat.store.store import Store
from lmchat.values.chat import TextData
from lmchat.values.history import Provenance
from lmchat.values.model import LlmInstanceInfo
from lmchat.values.prediction import LlmPredictionStats
from lmchat.values.search import parse_query

_PER_CONVERSATION: Final = 10
_VOCABULARY: Final = 50_000
_WORDS: Final = 90
"""Of a message, on average."""
_AT_ONCE: Final = 10_000
_RUNS: Final = 5
_SEARCHES: Final = {
    "rare word": "zyzzyva",
    "common word": "the",
    "one letter": "t",
    "two letters": "co",
    "three letters": "con",
    "four letters": "with",
    "two words": "the of ",
    "common, rare": "the zyzzyva",
    "phrase": '"of the"',
    "tag": "tag:work the",
    "model": "model:qwen the",
    "tag, model": "tag:work model:qwen the",
    "before": "before:2023-12 the",
    "role": "role:user the",
    "no words": "role:assistant model:qwen",
}


def _vocabulary(dice: random.Random) -> list[str]:
    letters = "etaoinshrdlucmfwypvbgkjqxz"
    made = {"".join(dice.choices(letters, range(26, 0, -1), k=2 + int(dice.expovariate(0.25)))) for _ in range(70_000)}
    return ["the", "of", "and", "that", "with", *sorted(made, key=lambda word: (len(word), word))][:_VOCABULARY]


def _texts(dice: random.Random) -> Iterator[str]:
    words = _vocabulary(dice)
    weights = list(itertools.accumulate(1 / (rank + 2) for rank in range(len(words))))
    for number in itertools.count():
        text = " ".join(dice.choices(words, cum_weights=weights, k=3 + int(dice.expovariate(1 / _WORDS))))
        yield f"{text} zyzzyva" if number % 977 == 0 else text


def _provenances() -> list[bytes]:
    return [
        msgspec.json.encode(
            Provenance(
                server="local",
                model=msgspec.convert(
                    {"type": "llm", "modelKey": key, "displayName": key, "identifier": key, "instanceReference": key}
                    | {"format": "gguf", "path": "p", "sizeBytes": 1, "maxContextLength": 4096, "contextLength": 4096},
                    LlmInstanceInfo,
                ),
            )
        )
        for key in ("qwen2.5-7b-instruct", "llama-3.2-3b", "gemma-3-12b", "mistral-small")
    ]


def _write(path: Path, messages: int) -> None:
    """Make the store, its index aside."""
    Store.open(path).close()
    dice = random.Random(messages)
    texts, origins = _texts(dice), _provenances()
    stats = msgspec.json.encode(LlmPredictionStats(stop_reason="eosFound", predicted_tokens_count=100))
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA synchronous = OFF")
        for begin in range(0, messages, _AT_ONCE):
            db.execute("BEGIN")
            for first in range(begin, min(begin + _AT_ONCE, messages), _PER_CONVERSATION):
                _write_conversation(db, first, texts, dice.choice(origins), stats)
            db.execute("COMMIT")


def _write_conversation(db: sqlite3.Connection, first: int, texts: Iterator[str], origin: bytes, stats: bytes) -> None:
    number, at = first // _PER_CONVERSATION + 1, 1_700_000_000.0 + first * 60
    title = " ".join(next(texts).split()[:6])
    db.execute("INSERT INTO conversations (title, created_at, updated_at) VALUES (?, ?, ?)", (title, at, at))
    rows = []
    for each in range(_PER_CONVERSATION):
        parts = msgspec.json.encode((TextData(next(texts)),)).decode()
        answer = each % 2 == 1
        rows.append(
            (number, first + each or None if each else None, "assistant" if answer else "user", parts, at + each)
            + ((stats.decode(), origin.decode()) if answer else (None, None))
            + (len(parts), 100 * answer)
        )
    db.executemany(
        "INSERT INTO messages (conversation_id, parent_id, role, parts, created_at, stats, provenance, size, tokens) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        rows,
    )
    last = first + _PER_CONVERSATION
    db.execute("UPDATE conversations SET leaf_id = ? WHERE id = ?", (last, number))
    if number % 50 == 0:
        db.execute("INSERT INTO tags VALUES (?, 'work')", (number,))


def _slowest(work: Callable[[], object]) -> float:
    """Milliseconds."""
    took = []
    for _ in range(_RUNS):
        begin = time.perf_counter()
        work()
        took.append(time.perf_counter() - begin)
    return max(took) * 1000


def _measure(folder: str, messages: int) -> dict[str, float]:
    path = Path(folder) / f"{messages}.db"
    begin = time.perf_counter()
    _write(path, messages)
    print(f"{messages:,} messages written in {time.perf_counter() - begin:.0f} s", end=", ", flush=True)
    without = path.stat().st_size
    store = Store.open(path)
    begin = time.perf_counter()
    while store.index_more():
        pass
    print(f"indexed in {time.perf_counter() - begin:.0f} s", flush=True)
    store.close()
    found = {"open": _slowest(lambda: Store.open(path).close())}
    store = Store.open(path)
    middle = messages // _PER_CONVERSATION // 2 + 1
    leaf = store.outline(middle)[-1].id
    found["first page"] = _slowest(lambda: store.conversations(limit=50))
    found["last page"] = _slowest(lambda: store.conversations(limit=50, offset=messages // _PER_CONVERSATION - 50))
    found["outline"] = _slowest(lambda: store.outline(middle))
    found["tree"] = _slowest(lambda: store.tree(middle))
    found["add message"] = _slowest(
        lambda: store.add_message(middle, parent_id=leaf, role="user", parts=(TextData("Hello again"),))
    )
    for name, typed in _SEARCHES.items():
        query = parse_query(typed)
        found[f"search: {name}"] = _slowest(lambda: store.search(query, limit=20))  # noqa: B023 (called at once)
    store.close()
    found["file"] = path.stat().st_size / 1e6
    found["index in it"] = (path.stat().st_size - without) / 1e6
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, nargs="+", default=[1_000, 10_000, 100_000, 1_000_000])
    sizes = parser.parse_args().messages
    with tempfile.TemporaryDirectory(prefix="lmchat-benchmark-") as folder:
        results = [_measure(folder, messages) for messages in sizes]
    print(f"{'':24}" + "".join(f"{messages:>17,}" for messages in sizes))
    for name in results[0]:
        cells = [f"{name:24}"]
        for before, result in itertools.pairwise([results[0], *results]):
            cells.append(f"{result[name]:>9.1f} ({result[name] / before[name]:>4.1f})")
        print(" ".join(cells))


if __name__ == "__main__":
    main()
