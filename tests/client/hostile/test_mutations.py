"""Ten thousand messages that are almost right: whatever comes, a call ends, by a result or by one of our errors.

The messages of honest conversations are changed in one place or in several, and come over a real socket.
"""

from __future__ import annotations

import asyncio
import copy
import json
import random
from collections.abc import Iterator
from typing import Any

from hypothesis import HealthCheck, given, settings, strategies as st

import lmchat as lms
from tests.client.hostile.raw_server import Act, RawServer, Step, raw_server

CONVERSATIONS = 400
"""Each has some 40 messages from the server, so that all together have over 10,000."""
ODD: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 2**31, 2**63, 2**70, 1e308, -0.5, "", "x", "none", "\u0000\u001b[2J", "\ud800"),
    *([], [None], [[]], {}, {"type": "success"}, {"fields": [{"key": "llm.load.contextLength", "value": "x"}]}),
)


def odd(dice: random.Random) -> Any:
    """A value that is rarely expected."""
    return copy.deepcopy(dice.choice(ODD))


def mutated(text: str, dice: random.Random) -> Step:
    """A message with something changed in it."""
    match dice.randrange(12):
        case 0:
            return text[: dice.randrange(len(text))]
        case 1:
            raw = bytearray(text.encode())
            raw[dice.randrange(len(raw))] = dice.randrange(256)
            return bytes(raw)
        case 2:
            return text + dice.choice(("}", " ", "null", text))
        case 3:
            return json.dumps(odd(dice))
    value = json.loads(text)
    for _ in range(dice.choice((1, 1, 1, 2, 5))):
        change(value, dice)
    return json.dumps(value)


def change(value: Any, dice: random.Random) -> None:
    """Change a value of JSON somewhere inside."""
    places = list(walk(value))
    if not places:
        return
    holder, key = dice.choice(places)
    match dice.randrange(5):
        case 0:
            del holder[key]
        case 1 if isinstance(holder, dict):
            holder[f"{key}x"] = holder.pop(key)
        case 2:
            holder[key] = [holder[key]]
        case _:
            holder[key] = odd(dice)


def walk(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in a value of JSON: what holds it, and under which key."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in list(items):
        yield value, key
        yield from walk(item)


class Mutator:
    """Changes what a server sends, and counts it."""

    def __init__(self) -> None:
        self.dice = random.Random()
        self.changed = 0

    def __call__(self, steps: list[Step], request: dict[str, Any]) -> list[Step]:
        sent: list[Step] = []
        for step in steps:
            assert isinstance(step, str)
            match self.dice.randrange(10):
                case 0:
                    sent += [step, step]
                case 1:
                    pass
                case 2:
                    sent.append(step)
                case _:
                    sent.append(mutated(step, self.dice))
        self.changed += len(steps)
        if self.dice.random() < 0.2:
            self.dice.shuffle(sent)
        # What the mutations have kept from the client must not make it wait: its server ends the socket.
        return [*sent, Act.CLOSE]


async def converse(client: lms.AsyncClient, model: lms.AsyncLLM) -> None:
    """One of everything, whatever comes of the rest."""

    async def tried(call: Any) -> Any:
        try:
            return await call
        except lms.LMStudioError as wrong:
            assert "\x1b" not in repr(wrong)
            return None

    await tried(client.llm.list_loaded())
    await tried(client.list_downloaded_models())
    await tried(client.llm.model("scripted-model"))
    await tried(model.tokenize("a"))
    await tried(model.get_info())
    await tried(model.get_load_config())
    for _ in range(3):
        await tried(model.respond("hi"))


async def run(server: RawServer, mutator: Mutator, seed: int) -> None:
    mutator.dice = random.Random(seed)
    async with lms.AsyncClient(server.host) as client:
        model = await client.llm.model()
        server.change = mutator
        await converse(client, model)
        server.change = None
        assert (await model.respond("hi")).content == "Hm.Hello there you"


def test_no_message_breaks_a_client() -> None:
    mutator = Mutator()
    with asyncio.Runner() as runner:
        servers = raw_server()
        server = runner.run(servers.__aenter__())

        @settings(max_examples=CONVERSATIONS, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        @given(st.integers(0, 2**64))
        def converse_with(seed: int) -> None:
            runner.run(asyncio.wait_for(run(server, mutator, seed), 60))

        converse_with()
        tasks = runner.run(_tasks())
        runner.run(servers.__aexit__(None, None, None))
    assert mutator.changed > 10_000
    assert tasks == []


async def _tasks() -> list[str]:
    return [task.get_name() for task in asyncio.all_tasks() if task.get_name().startswith("lmchat")]
