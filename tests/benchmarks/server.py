"""The server that a benchmark's clients ask, in a process of its own. To any question it gives one fixed reply."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from tests.benchmarks.replies import THOUGHTS, reply
from tests.scripted_server import STATS, Scene, fragment, progress, scripted_server, success


@dataclass(frozen=True, slots=True)
class ReplyServer:
    """A running server."""

    host: str
    times: Path

    def sent(self) -> list[float]:
        """When each token of the latest reply was sent, on the clock that all processes share."""
        return msgspec.json.decode(self.times.read_bytes(), type=list[float])


@contextmanager
def reply_server(shape: str = "mixed", tokens: int = 1, rate: float = 0) -> Iterator[ReplyServer]:
    """A server that replies as told.

    Args:
        rate: tokens a second; 0: as fast as they can be sent.
    """
    with tempfile.TemporaryDirectory(prefix="lmchat-benchmark-") as folder:
        times = Path(folder) / "times.json"
        command = [sys.executable, "-m", "tests.benchmarks.server", shape, str(tokens), str(rate), str(times)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            try:
                assert server.stdout is not None
                yield ReplyServer(server.stdout.readline().strip(), times)
            finally:
                server.terminate()


async def _serve(shape: str, tokens: int, rate: float, times: Path) -> None:
    pieces = reply(shape, tokens)
    kind = "reasoning" if shape == THOUGHTS else "none"

    async def script(scene: Scene) -> None:
        await scene.send(progress(1.0))
        sent: list[float] = []
        began = time.monotonic()
        for number, piece in enumerate(pieces):
            if rate:
                await asyncio.sleep(began + number / rate - time.monotonic())
            sent.append(time.monotonic())
            await scene.send(fragment(piece, kind))
        if rate:
            await asyncio.to_thread(times.write_bytes, msgspec.json.encode(sent))
        await scene.send(success("eosFound", **STATS | {"predictedTokensCount": tokens}))
        await scene.close()

    async with scripted_server(script) as server:
        print(server.host, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), Path(sys.argv[4])))
