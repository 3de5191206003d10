"""The least that a client can do: at Enter it asks, and prints each piece as it comes. Enter again ends it.

`python -m tests.benchmarks.plain_client HOST`
"""

from __future__ import annotations

import asyncio
import sys

from lmchat.client.async_api import AsyncClient


async def main(host: str) -> None:
    """Ask the server something and print what it says."""
    async with AsyncClient(host) as client:
        model = await client.llm.model()
        await asyncio.to_thread(input, "ready")
        async for fragment in model.respond_stream("Hello"):
            print(fragment.content, end="", flush=True)
        await asyncio.to_thread(input, "\nfinished")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
