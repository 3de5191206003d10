"""The least that a Textual app can do with Textual's own streaming Markdown: when Enter is pressed it asks.

`python -m tests.benchmarks.stock_app HOST`

It is the example of `Markdown.get_stream`'s documentation with a websocket for the source: one message is awaited,
its text written to the stream, and so on. Nothing of lmchat runs in it, so that nothing but the widget decides how
many pieces it finds each time. The widget takes what has come since its last update, so most of its cost is
the number of updates times the size of the open block: the slower the reply, the more updates, up to one a token.
"""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator

from textual import work
from textual.app import App, ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Markdown, Static
from websockets.asyncio.client import connect


class StockApp(App[None]):
    """The answer, and a line to say how it stands."""

    BINDINGS = [("enter", "ask", "Ask")]

    def __init__(self, host: str) -> None:
        super().__init__()
        self._host = host

    def compose(self) -> ComposeResult:
        """Nothing else."""
        with VerticalScroll(can_focus=False):
            yield Markdown()
        yield Static("ready")

    @work
    async def action_ask(self) -> None:
        """Ask, and show the answer as it comes."""
        self.query_one(VerticalScroll).anchor()
        stream = Markdown.get_stream(self.query_one(Markdown))
        try:
            async for text in self._texts():
                await stream.write(text)
        finally:
            await stream.stop()
        self.query_one(Static).update("finished")

    async def _texts(self) -> AsyncIterator[str]:
        # However long an update holds the loop up, the connection is kept, and what comes meanwhile.
        async with connect(f"ws://{self._host}/llm", compression=None, max_queue=None, ping_interval=None) as socket:
            await socket.send(json.dumps({"authVersion": 1, "clientIdentifier": "stock", "clientPasskey": "stock"}))
            await socket.recv()
            question = {"type": "channelCreate", "endpoint": "predict", "channelId": 1, "creationParameter": {}}
            await socket.send(json.dumps(question))
            while (frame := json.loads(await socket.recv()))["type"] != "channelClose":
                if frame["message"]["type"] == "fragment":
                    yield frame["message"]["fragment"]["content"]


if __name__ == "__main__":
    StockApp(sys.argv[1]).run()
