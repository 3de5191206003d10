"""What models and servers send, as the bytes that reach a real terminal."""

from __future__ import annotations

import asyncio
import re
import sys
import unicodedata
from collections.abc import Iterator

import pytest

from lmchat.client.portal import Portal
from lmchat.protocol.errors import failure
from tests import scripted_server
from tests.scripted_server import STATS, Scene, ScriptedServer, fragment, success

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX pseudo-terminal")

if sys.platform != "win32":
    from tests.terminal import CTRL_B, CTRL_Q, ENTER, Terminal

ATTACKS = [
    "\x1b]52;c;ZXZpbA==\x07",
    "\x1b]0;evil title\x1b\\",
    "\x1b]8;;http://evil.example\x1b\\evil\x1b]8;;\x1b\\",
    "\x1bPevil\x1b\\",
    "\x1b_evil\x1b\\",
    "\x1b[31;5mevil",
    "\x9b2Jevil",
    "\x9d52;c;ZXZpbA==\x9c",
    "evil\u202egnp.exe",
    "evil\u2066\u200b\ufeff",
    "\U000e0065\U000e0076\U000e0069\U000e006c",
    "\x07\x08\x0e\x7f",
]
MARK = "the end of it"


async def attack(scene: Scene) -> None:
    text = "\n\n".join(
        [
            *ATTACKS,
            "```\n" + "\n".join(ATTACKS) + "\n```",
            f"[{ATTACKS[0]}]({ATTACKS[1]})",
            "| a | b |\n|---|---|\n" + "\n".join(f"| {bad} | x |" for bad in ATTACKS),
            MARK,
        ]
    )
    await scene.send(fragment("".join(ATTACKS), "reasoning"), fragment(text), success("\x1b]0;evil\x07", **STATS))
    await scene.close()


@pytest.fixture
def hostile(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedServer]:
    """A server whose model has a hostile name and says hostile things, on a thread of its own."""
    name = {"displayName": "".join(ATTACKS), "paramsString": ATTACKS[0]}
    monkeypatch.setattr(scripted_server, "INSTANCE", scripted_server.INSTANCE | name)
    portal = Portal()
    running = scripted_server.scripted_server(attack)
    server = portal.call(running.__aenter__())
    server.loaded = [scripted_server.INSTANCE]
    yield server
    portal.call(running.__aexit__(None, None, None))
    portal.close()


OWN_SEQUENCE = re.compile(r"\x1b\[[?<>=]?[0-9;]*[$]?[A-Za-z]|\x1b\]22;[a-z-]+\x07")
"""What the program writes itself: cursor, colours, modes, the pointer's shape. No clipboard, title or link."""


def assert_clean(output: bytes) -> None:
    """Every escape sequence in the output is one of the program's own, and nothing in it hides."""
    rest = OWN_SEQUENCE.sub("", output.decode())
    assert "\x1b[31;5m" not in output.decode()
    acting = {c for c in rest if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"}} - {"\r", "\n"}
    assert acting == set()


def test_an_answer_its_reasoning_and_its_models_name(hostile: ScriptedServer) -> None:
    with Terminal("--host", hostile.host) as terminal:
        terminal.wait_for("Ask something")
        terminal.wait_for("␛]52;c;ZXZpbA==␇")
        terminal.type("hi" + ENTER)
        terminal.wait_for(MARK)
        terminal.type("\x14")
        terminal.wait_for("␛]0;evil␇")
        terminal.type(CTRL_B)
        terminal.wait_for("today")
        terminal.type(CTRL_Q)
        terminal.wait_for_end()
    assert_clean(bytes(terminal.output))


def test_an_error_of_the_server(hostile: ScriptedServer) -> None:
    async def fail(scene: Scene) -> None:
        await asyncio.sleep(0)
        await scene.fail(failure("".join(ATTACKS), cause=ATTACKS[0], suggestion=MARK))

    hostile.script = fail
    with Terminal("--host", hostile.host) as terminal:
        terminal.wait_for("Ask something")
        terminal.wait_for("␛]52;c;ZXZpbA==␇")
        terminal.type("hi" + ENTER)
        terminal.wait_for(MARK)
        terminal.type(CTRL_Q)
        terminal.wait_for_end()
    assert_clean(bytes(terminal.output))
