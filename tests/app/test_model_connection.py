"""The way to a model: which server is taken, which model of it, and what happens when one of them goes away."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from lmchat.app.model_connection import PACKAGED_MODEL, ConnectionStatus, ModelConnection
from lmchat.app.settings import Settings
from lmchat.protocol.auth import new_token
from lmchat.values.errors import (
    EngineError,
    LMStudioClientError,
    LMStudioModelNotFoundError,
    LMStudioServerError,
)
from tests.scripted_server import Scene, scripted_server


async def hello(scene: Scene) -> None:
    await scene.say("Hello there you")


@asynccontextmanager
async def connection_to(
    host: str | None, told: list[ConnectionStatus] | None = None, **settings: Any
) -> AsyncIterator[ModelConnection]:
    statuses = [] if told is None else told
    connection = ModelConnection(Settings(host=host, **settings), statuses.append)
    try:
        yield connection
    finally:
        await connection.close()


def stages(told: list[ConnectionStatus]) -> list[str]:
    return list(dict.fromkeys(status.stage for status in told))


async def test_the_model_that_is_loaded_is_taken_as_it_is() -> None:
    told: list[ConnectionStatus] = []
    async with scripted_server(hello) as server, connection_to(server.host, told) as connection:
        assert connection.model is None
        ready = await connection.ready()
        assert connection.model is ready
        assert await connection.ready() is ready
    assert (ready.info.identifier, ready.server) == ("scripted-model", f"LM Studio at {server.host}")
    assert not ready.is_packaged
    assert [endpoint for endpoint, _ in server.calls] == ["listLoaded"]
    assert stages(told) == ["searching", "ready"]


async def test_a_model_that_is_named_is_loaded() -> None:
    told: list[ConnectionStatus] = []
    async with (
        scripted_server(hello) as server,
        connection_to(server.host, told, model="scripted-model") as connection,
    ):
        assert (await connection.ready()).info.identifier == "scripted-model"
    assert stages(told) == ["searching", "loading", "ready"]
    assert 0.5 in [status.progress for status in told]


async def test_a_model_that_the_server_does_not_have() -> None:
    told: list[ConnectionStatus] = []
    async with scripted_server(hello) as server, connection_to(server.host, told, model="gpt-9") as connection:
        with pytest.raises(LMStudioModelNotFoundError):
            await connection.ready()
        assert connection.model is None
    assert stages(told)[-1] == "failed"


async def test_a_server_without_a_loaded_model_is_not_made_to_load_one() -> None:
    async with scripted_server(hello) as server, connection_to(server.host) as connection:
        loaded, server.loaded = server.loaded, []
        with pytest.raises(LMStudioModelNotFoundError, match=r"It has: scripted-model\. .* -m"):
            await connection.ready()
        server.loaded = loaded
        assert (await connection.ready()).info.identifier == "scripted-model"


async def test_an_address_where_nothing_listens() -> None:
    async with scripted_server(hello) as server:
        host = server.host
    async with connection_to(host) as connection:
        with pytest.raises(LMStudioClientError, match=f"not reachable at {host}"):
            await connection.ready()


async def test_an_address_where_something_else_listens() -> None:
    async with scripted_server(hello) as server, connection_to(server.host) as connection:
        server.greets = False
        with pytest.raises(LMStudioClientError, match="is not LM Studio"):
            await connection.ready()
        server.greets = True
        await connection.ready()


async def test_a_server_that_refuses() -> None:
    async with scripted_server(hello) as server, connection_to(server.host) as connection:
        server.refuses = "no guests"
        with pytest.raises(LMStudioServerError, match="no guests"):
            await connection.ready()


async def test_the_token_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    token = new_token()
    monkeypatch.setenv("LM_API_TOKEN", token)
    async with scripted_server(hello) as server, connection_to(server.host) as connection:
        await connection.ready()
    assert server.handshakes[0].identifier == token[6:14]


async def test_a_server_that_comes_back_is_found_again() -> None:
    async with scripted_server(hello) as server, connection_to(server.host) as connection:
        await connection.ready()
        server.drop_all()
        connection.forget_model()
        assert (await connection.ready()).info.identifier == "scripted-model"


async def test_a_server_that_stays_away_is_said_and_found_later() -> None:
    async with scripted_server(hello) as server:
        port, host = server.port, server.host
        connection = ModelConnection(Settings(host=host), lambda status: None)
        await connection.ready()
    connection.forget_model()
    with pytest.raises(LMStudioClientError, match="not reachable"):
        await connection.ready()
    async with scripted_server(hello, port):
        assert (await connection.ready()).info.identifier == "scripted-model"
        await connection.close()


async def test_an_lm_studio_on_a_usual_port_is_taken(local_ports: list[int]) -> None:
    async with scripted_server(hello) as server, connection_to(None) as connection:
        local_ports.append(server.port)
        assert (await connection.ready()).server == f"LM Studio at {server.host}"


@pytest.mark.parametrize("name", ["missing.gguf", "~/missing.gguf", "./missing.gguf"])
async def test_a_file_that_is_not_there(name: str, tmp_path: Path, local_ports: list[int]) -> None:
    model = str(tmp_path / name) if name == "missing.gguf" else name
    async with connection_to(None, model=model) as connection:
        with pytest.raises(EngineError, match=r"There is no file .*missing\.gguf"):
            await connection.ready()


@pytest.mark.usefixtures("no_process_left")
async def test_our_own_engine_takes_over_when_lm_studio_goes(own_model: Path, local_ports: list[int]) -> None:
    told: list[ConnectionStatus] = []
    async with connection_to(None, told) as connection:
        async with scripted_server(hello) as server:
            local_ports.append(server.port)
            await connection.ready()
        told.clear()
        connection.forget_model()
        ready = await connection.ready()
    assert (ready.server, ready.info.model_key, ready.is_packaged) == ("lmchat's engine", PACKAGED_MODEL, True)
    assert stages(told) == ["searching", "starting", "loading", "ready"]


@pytest.mark.usefixtures("no_process_left")
async def test_a_file_is_served_by_our_own_engine_even_beside_lm_studio(
    packaged_model: Path, local_ports: list[int], tmp_path: Path
) -> None:
    async with scripted_server(hello) as server, connection_to(None, model=str(packaged_model)) as connection:
        local_ports.append(server.port)
        ready = await connection.ready()
        assert ready.server == "lmchat's engine"
        assert ready.info.path.endswith(packaged_model.name)
    assert server.handshakes == []
