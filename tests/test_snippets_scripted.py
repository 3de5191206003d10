"""Programs as people write them that need more than the tiny model can do: images, embeddings, downloads, logs.

They run against a server that follows a script, which is where such programs look for one.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

from tests.client.test_async_models import EMBEDDING_INSTANCE, ESTIMATE
from tests.client.test_async_services import DOWNLOAD, LOGS, OPTION, PNG, RESULT
from tests.scripted_server import INSTANCE, Scene, ScriptedServer, fragment, scripted_server, success

SNIPPETS = Path(__file__).parent / "snippets"
ROOT = Path(__file__).parents[1]
TOKEN = "sk-lm-abcdefgh:ABCDEFGHIJKLMNOPQRST"
# The program itself is not changed; only the ports on which it looks are those of the test.
START = (
    "import runpy, sys; from lmchat.protocol import discovery; discovery.API_PORTS = (int(sys.argv.pop(1)),); "
    "sys.argv.pop(0); runpy.run_path(sys.argv[0], run_name='__main__')"
)


async def run(server: ScriptedServer, name: str, *arguments: str, **environment: str) -> str:
    """Run a program to its end; gives what it printed."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", START, str(server.port), str(SNIPPETS / f"{name}.py"), *arguments),
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"} | environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        output, errors = await asyncio.wait_for(process.communicate(), 60)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, errors.decode()
    return output.decode().replace("\r\n", "\n")


async def hello(scene: Scene) -> None:
    await scene.say("A small cat")


async def test_images_are_looked_at(tmp_path: Path) -> None:
    path = tmp_path / "cat.png"
    path.write_bytes(PNG)
    async with scripted_server(hello) as server:
        server.answers["uploadFileBase64"] = {"identifier": "f1", "fileType": "image", "sizeBytes": len(PNG)}
        server.packets["getOrLoad"] = [{"type": "alreadyLoaded", "info": INSTANCE}]
        assert await run(server, "image_input", str(path)) == "A small cat\n" * 2
        assert await run(server, "image_input_asynchronous", str(path)) == "A small cat\n"
    parts = [scene.parameter["history"]["messages"][0]["content"][1] for scene in server.scenes]
    assert (
        parts
        == [{"type": "file", "name": "cat.png", "identifier": "f1", "sizeBytes": len(PNG), "fileType": "image"}] * 3
    )


async def test_texts_become_vectors() -> None:
    async with scripted_server(hello) as server:
        server.packets["getOrLoad"] = [{"type": "alreadyLoaded", "info": EMBEDDING_INSTANCE}]
        server.answers |= {
            "embedString": {"embedding": [0.5] * 768},
            "tokenize": {"tokens": [101, 7, 102]},
            "countTokens": {"tokenCount": 1},
            "getModelInfo": EMBEDDING_INSTANCE,
        }
        printed = await run(server, "embedding")
    assert printed.splitlines() == ["Dimensions: 768", "Texts: 2", "Tokens: 3 1", "Context length: 512"]


async def test_a_model_is_downloaded() -> None:
    async with scripted_server(hello) as server:
        server.answers |= {
            "searchModels": {"results": [RESULT]},
            "getModelDownloadOptions": {"results": [OPTION]},
            "estimateModelUsage": ESTIMATE,
        }
        server.packets["downloadModel"] = DOWNLOAD
        printed = await run(server, "download_model")
    assert printed.splitlines() == [
        "Downloaded 5 bytes of 10 total at 2.5 bytes/sec",
        "Finalizing download...",
        "Key: tiny",
        "Memory: 9.0",
    ]


async def test_a_draft_model_helps() -> None:
    async def script(scene: Scene) -> None:
        figures: dict[str, Any] = {"acceptedDraftTokensCount": 2, "predictedTokensCount": 3}
        await scene.send(fragment("2, 3, 5"), success(**figures))
        await scene.close()

    async with scripted_server(script) as server:
        assert await run(server, "speculative_decoding") == "2, 3, 5\nAccepted 2/3 tokens\n"


async def test_logs_are_followed() -> None:
    async with scripted_server(hello) as server:
        server.packets["streamLogs"] = LOGS
        printed = await run(server, "logs")
    assert [line.partition("(")[0] for line in printed.splitlines()] == ["ServerLog", "LlmPredictionInputLog"]


async def test_a_token_is_shown_to_the_server() -> None:
    async with scripted_server(hello) as server:
        assert await run(server, "authentication", LM_API_TOKEN=TOKEN) == "A small cat\n" * 2
    assert {handshake.identifier for handshake in server.handshakes} == {"abcdefgh"}
