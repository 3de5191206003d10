"""The least that a Textual app can do with Textual's own streaming Markdown: when Enter is pressed it asks.

`python -m tests.benchmarks.stock_app HOST`
"""

from __future__ import annotations

import sys

from textual import work
from textual.app import App, ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Markdown, Static

from lmchat.client.async_api import AsyncClient


class StockApp(App[None]):
    """The answer, and a line to say how it stands."""

    BINDINGS = [("enter", "ask", "Ask")]

    def __init__(self, host: str) -> None:
        super().__init__()
        self._client = AsyncClient(host)

    def compose(self) -> ComposeResult:
        """Nothing else."""
        with VerticalScroll(can_focus=False):
            yield Markdown()
        yield Static()

    async def on_mount(self) -> None:
        """Follow the end, and see that a model is there."""
        self.query_one(VerticalScroll).anchor()
        self._model = await self._client.llm.model()
        self.query_one(Static).update("ready")

    @work
    async def action_ask(self) -> None:
        """Ask, and show the answer as it comes."""
        stream = Markdown.get_stream(self.query_one(Markdown))
        async for fragment in self._model.respond_stream("Hello"):
            await stream.write(fragment.content)
        await stream.stop()
        self.query_one(Static).update("finished")

    async def on_unmount(self) -> None:
        """Leave the server."""
        await self._client.aclose()


if __name__ == "__main__":
    StockApp(sys.argv[1]).run()
