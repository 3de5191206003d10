"""Files, downloads, logs and hosts, against a server that follows a script."""

from __future__ import annotations

import base64
import contextlib
from pathlib import Path

import pytest

import lmchat as lms
from tests.scripted_server import Scene, scripted_server

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 16
RESULT = {"name": "Tiny", "identifier": {"type": "catalog", "identifier": "tiny"}, "exact": True}
OPTION = {
    "name": "Tiny Q4",
    "sizeBytes": 10,
    "fitEstimation": "fullGPUOffload",
    "downloadIdentifier": "tiny-q4",
    "indexedModelIdentifier": "a/tiny/q4.gguf",
    "compatibilityType": "gguf",
    "quantization": "Q4_K_M",
}
DOWNLOAD = [
    {"type": "downloadProgress", "update": {"downloadedBytes": 5, "totalBytes": 10, "speedBytesPerSecond": 2.5}},
    {"type": "startFinalizing"},
    {"type": "success", "defaultIdentifier": "tiny"},
]
LOGS = [
    {"type": "log", "log": {"timestamp": 1, "data": {"type": "server.log", "content": "up", "level": "info"}}},
    {"type": "log", "log": {"timestamp": 2, "data": {"type": "news", "content": "?"}}},
    {
        "type": "log",
        "log": {
            "timestamp": 3.5,
            "data": {"type": "llm.prediction.input", "input": "hi", "modelPath": "p", "modelIdentifier": "m"},
        },
    },
]


async def hello(scene: Scene) -> None:
    await scene.say("A cat")


async def test_an_image_is_uploaded_and_becomes_part_of_a_message(tmp_path: Path) -> None:
    path = tmp_path / "cat.png"
    path.write_bytes(PNG)
    async with scripted_server(hello) as server, lms.AsyncClient(server.host) as client:
        server.answers["uploadFileBase64"] = {"identifier": "f1", "fileType": "image", "sizeBytes": len(PNG)}
        image = await client.files.prepare_image(path)
        assert image == await client.prepare_image(PNG, "cat.png")
        chat = lms.Chat()
        chat.add_user_message("What is this?", images=[image])
        await (await client.llm.model()).respond(chat)
    assert server.calls[0] == (
        "uploadFileBase64",
        {"name": "cat.png", "contentBase64": base64.b64encode(PNG).decode()},
    )
    assert server.scenes[0].parameter["history"]["messages"][0]["content"] == [
        {"type": "text", "text": "What is this?"},
        {"type": "file", "name": "cat.png", "identifier": "f1", "sizeBytes": len(PNG), "fileType": "image"},
    ]


async def test_what_is_no_image_is_not_sent_as_one(tmp_path: Path) -> None:
    async with scripted_server(hello) as server, lms.AsyncClient(server.host) as client:
        server.answers["uploadFileBase64"] = {"identifier": "f1", "fileType": "text/plain", "sizeBytes": 4}
        with pytest.raises(lms.LMStudioValueError, match="not a JPEG"):
            await client.prepare_image(b"text")
        with pytest.raises(lms.LMStudioOSError, match="could not be read"):
            await client.prepare_image(tmp_path / "nothing.png")
        assert server.calls == []
        assert (await client.prepare_file(b"text", "notes.txt")).file_type == "text/plain"


async def test_a_model_is_found_and_downloaded_with_its_progress() -> None:
    heard: list[object] = []
    async with scripted_server(hello) as server, lms.AsyncClient(server.host) as client:
        server.answers |= {"searchModels": {"results": [RESULT]}, "getModelDownloadOptions": {"results": [OPTION]}}
        server.packets["downloadModel"] = DOWNLOAD
        (found,) = await client.repository.search_models("tiny", limit=5, compatibility_types=["gguf"])
        (option,) = await found.get_download_options()
        key = await option.download(heard.append, lambda: heard.append("finalizing"))
        with pytest.raises(lms.LMStudioValueError, match="1 to 25"):
            await client.repository.search_models("tiny", limit=26)
    assert (key, option.info.quantization, found.search_result.exact) == ("tiny", "Q4_K_M", True)
    assert heard == [lms.DownloadProgressUpdate(5, 10, 2.5), "finalizing"]
    assert server.calls[0][1] == {"opts": {"searchTerm": "tiny", "limit": 5, "compatibilityTypes": ["gguf"]}}
    assert server.opened == [("downloadModel", {"downloadIdentifier": "tiny-q4"})]


async def test_logs_come_until_nobody_listens() -> None:
    async with scripted_server(hello) as server, lms.AsyncClient(server.host) as client:
        server.packets["streamLogs"] = [*LOGS, None]
        async with contextlib.aclosing(client.diagnostics.stream_logs()) as entries:
            seen = [await anext(entries), await anext(entries)]
        await client.list_loaded_models()
    assert [(entry.timestamp, type(entry.data)) for entry in seen] == [
        (1.0, lms.ServerLog),
        (3.5, lms.LlmPredictionInputLog),
    ]
    assert server.told == [("streamLogs", {"type": "stop"})]


async def test_a_server_behind_a_path_is_reached() -> None:
    async with scripted_server(hello) as server:
        server.prefix = "/lm"
        with pytest.raises(lms.LMStudioClientError, match="not LM Studio"):
            async with lms.AsyncClient(server.host):
                pass
        async with lms.AsyncClient(f"ws://{server.host}/lm/") as client:
            assert str(await (await client.llm.model()).respond("hi")) == "A cat"
            server.answers["version"] = {"version": "1.2.3", "build": 4}
            assert await client.system.get_version() == "1.2.3"
