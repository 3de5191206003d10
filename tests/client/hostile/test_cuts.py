"""A socket that is cut between any two messages of a conversation, and before and in the middle of the handshake."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

import lmchat as lms
from tests.client.hostile.raw_server import PACKETS, Act, RawServer, Step, raw_server


def cut(endpoint: str, after: int, how: Act) -> Callable[[list[Step], dict[str, Any]], list[Step]]:
    def change(steps: list[Step], request: dict[str, Any]) -> list[Step]:
        return [*steps[:after], how] if request["endpoint"] == endpoint else steps

    return change


PLACES = [
    *(("predict", after) for after in range(len(PACKETS["predict"]) + 1)),
    *(("getOrLoad", after) for after in range(len(PACKETS["getOrLoad"]) + 1)),
    *((endpoint, 0) for endpoint in ("listLoaded", "getModelInfo", "tokenize")),
]
COMPLETE = {("predict", len(PACKETS["predict"])), ("getOrLoad", len(PACKETS["getOrLoad"]))}
"""Where all that matters has been said before the cut."""


async def talk(host: str, server: RawServer, change: Any, *, fails: bool) -> None:
    async with lms.AsyncClient(host) as client:

        async def conversation() -> str:
            model = await client.llm.model("scripted-model")
            await model.tokenize("a")
            await model.get_info()
            await client.llm.list_loaded()
            return (await model.respond("hi")).content

        server.change = change
        if fails:
            with pytest.raises(lms.LMStudioWebsocketError, match="was lost"):
                await conversation()
        else:
            assert await conversation() == "Hm.Hello there you"
        server.change = None
        assert await conversation() == "Hm.Hello there you"


def talk_sync(host: str, server: RawServer, change: Any, *, fails: bool) -> None:
    with lms.Client(host) as client:

        def conversation() -> str:
            model = client.llm.model("scripted-model")
            model.tokenize("a")
            model.get_info()
            client.llm.list_loaded()
            return model.respond("hi").content

        server.change = change
        if fails:
            with pytest.raises(lms.LMStudioWebsocketError, match="was lost"):
                conversation()
        else:
            assert conversation() == "Hm.Hello there you"
        server.change = None
        assert conversation() == "Hm.Hello there you"


@pytest.mark.parametrize("how", list(Act))
@pytest.mark.parametrize("place", PLACES, ids=lambda place: f"{place[0]}-{place[1]}")
async def test_a_cut_is_an_error_and_the_next_call_connects_again(place: tuple[str, int], how: Act) -> None:
    async with raw_server() as server, asyncio.timeout(60):
        await talk(server.host, server, cut(*place, how), fails=place not in COMPLETE)
        await asyncio.to_thread(talk_sync, server.host, server, cut(*place, how), fails=place not in COMPLETE)


@pytest.mark.parametrize(
    "steps", [(Act.CUT,), (Act.CLOSE,), (b"\xff", Act.CUT), ("{", Act.CUT), ('{"success":false}',)]
)
async def test_a_handshake_that_goes_wrong_is_an_error_and_the_next_one_may_go_well(steps: tuple[Step, ...]) -> None:
    async with raw_server() as server, asyncio.timeout(60), lms.AsyncClient(server.host) as client:
        server.handshake, right = steps, server.handshake
        with pytest.raises(lms.LMStudioError, match=r"hung up during the handshake|Authentication failed"):
            await client.llm.list_loaded()
        server.handshake = right
        assert len(await client.llm.list_loaded()) == 1


async def test_calls_that_come_right_after_a_cut_connect_again() -> None:
    async with raw_server() as server, asyncio.timeout(60), lms.AsyncClient(server.host) as client:
        model = await client.llm.model("scripted-model")
        for _ in range(20):
            server.change = cut("predict", 4, Act.CUT)
            seen = [model.respond("hi") for _ in range(3)]
            outcomes = await asyncio.gather(*seen, return_exceptions=True)
            assert all(isinstance(outcome, lms.LMStudioWebsocketError) for outcome in outcomes)
            server.change = None
            assert (await model.respond("hi")).content == "Hm.Hello there you"
        assert server.open <= 3
