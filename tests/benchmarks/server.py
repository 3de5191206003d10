"""The server that a benchmark's clients ask, in a process of its own. To any question it gives one fixed reply."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.benchmarks.replies import THOUGHTS, reply
from tests.scripted_server import STATS, Scene, fragment, progress, scripted_server, success


@contextmanager
def reply_server(shape: str = "mixed", tokens: int = 1, rate: float = 0) -> Iterator[str]:
    """A server that replies as told; its address.

    Args:
        rate: tokens a second; 0: as fast as they can be sent.
    """
    command = [sys.executable, "-m", "tests.benchmarks.server", shape, str(tokens), str(rate)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            yield server.stdout.readline().strip()
        finally:
            server.terminate()


async def _serve(shape: str, tokens: int, rate: float) -> None:
    pieces = reply(shape, tokens)
    kind = "reasoning" if shape == THOUGHTS else "none"

    async def script(scene: Scene) -> None:
        await scene.send(progress(1.0))
        began = time.monotonic()
        for number, piece in enumerate(pieces):
            if rate:
                await asyncio.sleep(began + number / rate - time.monotonic())
            await scene.send(fragment(piece, kind))
        await scene.send(success("eosFound", **STATS | {"predictedTokensCount": tokens}))
        await scene.close()

    async with scripted_server(script) as server:
        print(server.host, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))
