"""What LM Studio's own SDK sends for a call, this library sends, too: every request, field for field.

A server notes what it is asked. Left to the sender are only the order of keys and settings, and 1 or 1.0.
"""

from __future__ import annotations

import asyncio
import re
from typing import Any, Final

import lmstudio as official
import pytest

import lmchat as lms
from tests.client.parity.calls import CALLS, Call
from tests.client.test_async_models import EMBEDDING, EMBEDDING_INSTANCE, loads
from tests.client.test_async_services import DOWNLOAD, OPTION, RESULT
from tests.client.test_like_official import in_order
from tests.scripted_server import INSTANCE, MODEL, Scene, ScriptedServer, scripted_server

_SPLIT: Final = "who asks for a ratio only gets no split of the official SDK's choice besides"
DIFFERENCES: Final = {
    "respond with no limit of tokens": (
        "the official SDK sends a limit of `false`; here a box is left unticked, as by LM Studio's JavaScript SDK"
    ),
    "respond with a BaseModel": "the official SDK adds an empty `$defs` to the schema",
    "llm.load_new_instance with gpu ratio": _SPLIT,
    "embedding.load_new_instance with options": _SPLIT,
}
"""Calls for which the requests differ on purpose, and why."""
_FRESH: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
"""A name that is made up for a file that has none."""


async def script(scene: Scene) -> None:
    text = str(scene.parameter["history"])
    await (scene.say_until_cancelled("one two") if "'hold'" in text else scene.say('{"a": 1}'))


def prepare(server: ScriptedServer) -> None:
    server.loaded = [INSTANCE, EMBEDDING_INSTANCE]
    server.answers |= {
        "listDownloadedModels": [MODEL, EMBEDDING],
        "uploadFileBase64": {"identifier": "f1", "fileType": "image", "sizeBytes": 24},
        "tokenize": {"tokens": [1, 2]},
        "countTokens": {"tokenCount": 2},
        "applyPromptTemplate": {"formatted": "x"},
        "unloadModel": None,
        "getLoadConfig": {"fields": [{"key": "llm.load.contextLength", "value": 4096}]},
        "getModelInfo": lambda given: EMBEDDING_INSTANCE if "embedding" in str(given) else INSTANCE,
        "embedString": {"embedding": [0.5, 0.25]},
        "searchModels": {"results": [RESULT]},
        "getModelDownloadOptions": {"results": [OPTION]},
    }
    server.packets |= {"loadModel": loads({**INSTANCE, "identifier": "second"}), "downloadModel": DOWNLOAD}


async def asked(sdk: Any, call: Call, server: ScriptedServer) -> tuple[Any, list[str]]:
    """What a call comes to, and what is asked of the server for it, in order."""
    server.calls, server.opened, server.scenes, server.told = [], [], [], []

    def on_a_thread() -> Any:
        with sdk.Client(server.host) as client:
            return call(sdk, client)

    outcome = await asyncio.to_thread(on_a_thread)
    predictions = [("predict", scene.parameter) for scene in server.scenes]
    frames = [*server.calls, *server.opened, *predictions, *server.told]
    return outcome, [_FRESH.sub("FRESH", repr(in_order(frame))) for frame in frames]


@pytest.mark.parametrize("name", CALLS)
async def test_a_call_sends_the_same_and_comes_to_the_same(name: str) -> None:
    async with scripted_server(script) as server, asyncio.timeout(120):
        prepare(server)
        theirs = await asked(official, CALLS[name], server)
        ours = await asked(lms, CALLS[name], server)
    assert theirs[1], "nothing was asked"
    if name in DIFFERENCES:
        assert ours[1] != theirs[1], "this difference is gone"
    else:
        assert ours == theirs


def test_the_table_is_long_enough() -> None:
    assert len(CALLS) >= 60
    assert set(DIFFERENCES) <= set(CALLS)
