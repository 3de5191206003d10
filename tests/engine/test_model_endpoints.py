"""Loads as clients see them, packet by packet, on an engine with several models and none loaded."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from lmchat.protocol.child_process import EngineOptions
from tests.engine.engines import EngineProcess, place_model, running_engine
from tests.engine.wire import ANY_MODEL, Wire, session


@pytest.fixture(scope="module")
def several(
    engine_options: EngineOptions, packaged_model: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[EngineProcess]:
    """An engine with the models alpha and beta, and a file that is none."""
    folder = tmp_path_factory.mktemp("several")
    for name in ("alpha", "beta"):
        place_model(packaged_model, folder / "acme" / name / f"{name}.gguf")
    (folder / "acme" / "broken.gguf").write_bytes(b"GGUF")
    options = msgspec.structs.replace(engine_options, models_folder=str(folder), context_length=256)
    with running_engine(options) as engine:
        yield engine


async def conversation(wire: Wire, endpoint: str, **parameter: Any) -> list[dict[str, Any]]:
    """Open a channel, and give all its packets and how it ended."""
    stack: dict[str, Any] = {"layers": []}
    await wire.send(
        type="channelCreate",
        endpoint=endpoint,
        channelId=wire.next_channel(),
        creationParameter={"loadConfigStack": stack, **parameter},
    )
    packets = []
    while (frame := await wire.receive())["type"] == "channelSend":
        packets.append(frame["message"])
    return [*packets, frame]


def kinds(packets: list[dict[str, Any]]) -> list[str]:
    return [packet["type"] for packet in packets]


async def test_loads_on_demand(several: EngineProcess) -> None:
    async with session(several) as wire:
        started, before, after, success, close = await conversation(wire, "getOrLoad", identifier="alpha")
        assert kinds([started, before, after, success, close]) == [
            "startLoading",
            "loadProgress",
            "loadProgress",
            "loadSuccess",
            "channelClose",
        ]
        assert started["identifier"] == "alpha"
        assert (before["progress"], after["progress"]) == (0.0, 1.0)
        assert success["info"]["ttlMs"] is None

        packets = await conversation(wire, "getOrLoad", identifier="ACME/alpha")
        assert kinds(packets) == ["alreadyLoaded", "channelClose"]
        assert packets[0]["info"]["instanceReference"] == success["info"]["instanceReference"]

        evicting, *rest = await conversation(wire, "getOrLoad", identifier="beta", loadTtlMs=60000)
        assert evicting["type"] == "unloadingOtherJITModel"
        assert evicting["info"]["identifier"] == "alpha"
        assert kinds(rest) == ["startLoading", "loadProgress", "loadProgress", "loadSuccess", "channelClose"]
        assert rest[-2]["info"]["ttlMs"] == 60000
        assert [info["identifier"] for info in (await wire.call("listLoaded"))["result"]] == ["beta"]
        assert await wire.call("unloadModel", identifier="beta") == {"type": "rpcResult", "callId": 1}


async def test_loads_of_a_new_instance(several: EngineProcess) -> None:
    async with session(several) as wire:
        packets = await conversation(wire, "loadModel", modelKey="acme/", identifier="mine", ttlMs=60000)
        assert kinds(packets) == ["resolved", "progress", "progress", "success", "channelClose"]
        assert packets[0]["info"]["modelKey"] == "alpha"
        assert packets[0]["ambiguous"] == ["beta"]
        assert packets[-2]["info"]["identifier"] == "mine"
        (failed,) = await conversation(wire, "loadModel", modelKey="beta", identifier="mine")
        assert "already exists" in failed["error"]["title"]
        await wire.call("unloadModel", identifier="mine")


async def test_clients_that_want_the_same_at_once_get_the_same(several: EngineProcess) -> None:
    async def want(delay: float) -> str:
        async with session(several) as wire:
            await asyncio.sleep(delay)
            *_, terminal, close = await conversation(wire, "getOrLoad", identifier="alpha")
            assert close["type"] == "channelClose"
            reference: str = terminal["info"]["instanceReference"]
            return reference

    # The later ones come before, while and after the load ends.
    references = await asyncio.gather(*(want(number * 0.05) for number in range(16)))
    assert len(set(references)) == 1
    async with session(several) as wire:
        assert len((await wire.call("listLoaded"))["result"]) == 1
        await wire.call("unloadModel", identifier="alpha")


async def test_new_instances_at_once_are_different_ones(several: EngineProcess) -> None:
    async def another() -> str:
        async with session(several) as wire:
            *_, terminal, _ = await conversation(wire, "loadModel", modelKey="alpha")
            identifier: str = terminal["info"]["identifier"]
            return identifier

    assert set(await asyncio.gather(another(), another())) == {"alpha", "alpha:2"}
    async with session(several) as wire:
        for identifier in ("alpha", "alpha:2"):
            await wire.call("unloadModel", identifier=identifier)


async def test_loads_that_cannot_be(several: EngineProcess) -> None:
    async with session(several) as wire:
        (failed,) = await conversation(wire, "getOrLoad", identifier="gamma")
        assert failed["error"]["displayData"] == {
            "code": "generic.pathNotFound",
            "path": "gamma",
            "availablePathsSample": ["alpha", "beta"],
            "totalModels": 2,
        }
        (failed,) = await conversation(wire, "getOrLoad", identifier="acme/broken.gguf")
        assert "broken.gguf is not a model" in failed["error"]["title"]
        assert "displayData" not in failed["error"]
    async with session(several, "embedding") as wire:
        (failed,) = await conversation(wire, "getOrLoad", identifier="alpha")
        assert failed["error"]["displayData"]["code"] == "generic.pathNotFound"


async def test_a_load_can_be_cancelled(several: EngineProcess) -> None:
    async with session(several) as wire:
        parameter = {"identifier": "alpha", "loadConfigStack": {"layers": []}}
        await wire.send(type="channelCreate", endpoint="getOrLoad", channelId=1, creationParameter=parameter)
        await wire.packet("loadProgress")
        await wire.send(type="channelSend", channelId=1, message={"type": "cancel"})
        assert (await wire.receive())["error"]["title"] == "The request was cancelled"
        assert (await wire.call("listLoaded"))["result"] == []


async def test_nothing_is_loaded_without_being_asked_for(several: EngineProcess) -> None:
    async with session(several) as wire:
        reply = await wire.call("getModelInfo", specifier=ANY_MODEL, throwIfNotFound=True)
        assert reply["error"]["displayData"]["code"] == "generic.noModelMatchingQuery"
        await wire.predict()
        assert (await wire.receive())["error"]["displayData"]["code"] == "generic.noModelMatchingQuery"
