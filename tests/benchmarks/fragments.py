"""What a fragment costs a program that streams an answer: `python -m tests.benchmarks.fragments [--tokens 20000]`.

The same answer, from the same server, by this library and by LM Studio's own SDK, in synchronous and in asynchronous
programs; beside them the floor, which is `websockets` and msgspec with nothing round them. Each is a process of its
own, and they take turns. What importing either library costs stands below.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any, Final, Literal

import msgspec

from tests.benchmarks.server import reply_server

_LIBRARIES: Final = {"lmchat": "lmchat", "sdk": "lmstudio"}


def _sync(library: str) -> Callable[[str], tuple[float, int]]:
    def run(host: str) -> tuple[float, int]:
        lms: Any = __import__(_LIBRARIES[library])
        with lms.Client(host) as client:
            model = client.llm.model()
            began = time.process_time()
            seen = sum(len(fragment.content) for fragment in model.respond_stream("Hello"))
            return time.process_time() - began, seen

    return run


def _async(library: str) -> Callable[[str], tuple[float, int]]:
    async def stream(host: str) -> tuple[float, int]:
        lms: Any = __import__(_LIBRARIES[library])
        async with lms.AsyncClient(host) as client:
            model = await client.llm.model()
            began = time.process_time()
            seen = 0
            async for fragment in await model.respond_stream("Hello"):
                seen += len(fragment.content)
            return time.process_time() - began, seen

    return lambda host: asyncio.run(stream(host))


class _Fragment(msgspec.Struct):
    content: str


class _Packet(msgspec.Struct):
    type: str
    fragment: _Fragment | None = None


class _Frame(msgspec.Struct):
    type: str
    message: _Packet | None = None


def _floor(host: str) -> tuple[float, int]:
    async def stream() -> tuple[float, int]:
        from websockets.asyncio.client import connect

        decoder = msgspec.json.Decoder(_Frame)
        credentials = {"authVersion": 1, "clientIdentifier": "floor", "clientPasskey": "floor"}
        parameter = {
            "modelSpecifier": {"type": "query", "query": {"identifier": "scripted-model"}},
            "history": {"messages": [{"role": "user", "content": [{"type": "text", "text": "Hello"}]}]},
            "predictionConfigStack": {"layers": []},
        }
        channel = {"type": "channelCreate", "endpoint": "predict", "channelId": 1, "creationParameter": parameter}
        async with connect(f"ws://{host}/llm", compression=None, max_size=None) as socket:
            await socket.send(msgspec.json.encode(credentials).decode())
            await socket.recv()
            began = time.process_time()
            await socket.send(msgspec.json.encode(channel).decode())
            seen = 0
            async for message in socket:
                frame = decoder.decode(message)
                if frame.type == "channelClose":
                    break
                if frame.message is not None and frame.message.fragment is not None:
                    seen += len(frame.message.fragment.content)
            return time.process_time() - began, seen

    return asyncio.run(stream())


PROGRAMS: Final[dict[str, Callable[[str], tuple[float, int]]]] = {
    "floor": _floor,
    "lmchat sync": _sync("lmchat"),
    "lmchat async": _async("lmchat"),
    "sdk sync": _sync("sdk"),
    "sdk async": _async("sdk"),
}


def _measured(program: str, host: str) -> tuple[float, int]:
    command = [sys.executable, "-m", "tests.benchmarks.fragments", "--run", program, "--host", host]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return msgspec.json.decode(done.stdout, type=tuple[float, int])


def measure(tokens: int, rounds: int) -> dict[str, float]:
    """CPU seconds of each program for the whole answer, the median of all rounds; the first round warms up."""
    costs: dict[str, list[float]] = {program: [] for program in PROGRAMS}
    with reply_server("paragraph", tokens) as server:
        for _ in range(rounds + 1):
            seen = {program: _measured(program, server.host) for program in PROGRAMS}
            assert len({characters for _, characters in seen.values()}) == 1
            for program, (cost, _) in seen.items():
                costs[program].append(cost)
    return {program: statistics.median(each[1:]) for program, each in costs.items()}


def import_time(library: Literal["lmchat", "sdk"], rounds: int) -> float:
    """CPU seconds of a Python that imports a library, less those of one that does not; the median."""
    code = "import time; b = time.process_time(); import {}; print(time.process_time() - b)"
    command = [sys.executable, "-c", code.format(_LIBRARIES[library])]
    runs = [subprocess.run(command, capture_output=True, text=True, check=True) for _ in range(rounds + 1)]
    return statistics.median(float(done.stdout) for done in runs[1:])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokens", type=int, default=20_000, help="fragments of the answer")
    parser.add_argument("--rounds", type=int, default=3, help="how often each program runs")
    parser.add_argument("--run", choices=PROGRAMS, help=argparse.SUPPRESS)
    parser.add_argument("--host", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run:
        print(msgspec.json.encode(PROGRAMS[options.run](options.host)).decode())
        return
    costs = measure(options.tokens, options.rounds)
    print(f"{'program':<14}{'CPU s':>8}{'µs each':>10}{'x floor':>10}{'of the SDK':>12}")
    for program, cost in costs.items():
        style = program.split()[-1]
        share = f"1/{costs[f'sdk {style}'] / cost:.1f}" if program.startswith("lmchat") else ""
        each = cost / options.tokens * 1e6
        print(f"{program:<14}{cost:>8.2f}{each:>10.1f}{cost / costs['floor']:>10.1f}{share:>12}")
    ours, theirs = import_time("lmchat", options.rounds), import_time("sdk", options.rounds)
    print(f"\nimport lmchat {ours * 1e3:.0f} ms, import lmstudio {theirs * 1e3:.0f} ms: {ours / theirs:.2f} of it")


if __name__ == "__main__":
    main()
