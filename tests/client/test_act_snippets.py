"""Programs with tools as people write them, against a server whose model calls the tools by a script."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

from tests.client.test_act import Script, call, history, results, rounds, settings
from tests.scripted_server import Scene, ScriptedServer, scripted_server

SNIPPETS = Path(__file__).parents[1] / "snippets"
ROOT = Path(__file__).parents[2]
HERE = """
import functools, runpy, sys, lmchat
program, host = sys.argv[1:]
lmchat.configure_default_client(host)
lmchat.AsyncClient = functools.partial(lmchat.AsyncClient, host)
runpy.run_path(program, run_name="__main__")
"""
"""Says where the server is, which the programs leave to be found."""


async def run(name: str, script: Script, folder: Path, typed: str = "") -> tuple[str, ScriptedServer]:
    """Run a program to its end; gives what it printed, and the server that it spoke to."""
    async with scripted_server(script) as server:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", HERE, str(SNIPPETS / f"{name}.py"), server.host),
            cwd=folder,
            env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        printed, complaints = await asyncio.wait_for(process.communicate(typed.encode()), 60)
    assert process.returncode == 0, complaints.decode()
    return printed.decode().replace("\r\n", "\n"), server


def offered(server: ScriptedServer) -> list[dict[str, Any]]:
    return [tool["function"] for tool in settings(server.scenes[0])["llm.prediction.tools"]["tools"]]


async def test_one_tool(tmp_path: Path) -> None:
    printed, server = await run("act_quick", rounds(call("multiply", {"a": 12345, "b": 54321})), tmp_path)
    assert results(server.scenes[1]) == [("1", "670592745.0")]
    assert printed.count("AssistantResponse") == 2
    assert "All done" in printed


async def test_many_tools(tmp_path: Path) -> None:
    script = rounds(call("add", {"a": 12345, "b": 45668}), call("is_prime", {"n": 58013}))
    printed, server = await run("act_many_tools", script, tmp_path)
    assert [results(scene) for scene in server.scenes[1:]] == [[("1", "58013")], [("1", "true")]]
    assert printed.splitlines() == ["Round 0: toolCalls", "Round 1: toolCalls", "Round 2: eosFound", "Rounds: 3"]


async def test_a_conversation_whose_model_makes_files(tmp_path: Path) -> None:
    script = rounds(call("create_file", {"name": "é.txt", "content": "Bread ☕"}))
    printed, server = await run("act_chat_loop", script, tmp_path, "Write a file.\nAnd?\n\n")
    assert (tmp_path / "é.txt").read_text(encoding="utf-8") == "Bread ☕"
    assert printed.count("Bot: ") == 2
    assert "Bot: Hm.All done\n" in printed
    assert [message["role"] for message in history(server.scenes[2])] == [
        *("system", "user", "assistant", "tool", "assistant"),
        "user",
    ]


async def test_the_ways_to_define_a_tool(tmp_path: Path) -> None:
    packets = [
        *call("add", {"a": 1, "b": 2}, "1"),
        *call("multiply", {"a": 4}, "2"),
        *call("greet", {"name": "Ada"}, "3"),
    ]
    printed, server = await run("act_definitions", rounds(packets), tmp_path)
    assert [tool["name"] for tool in offered(server)] == ["add", "multiply", "greet"]
    assert all(tool["description"] for tool in offered(server))
    assert sorted(results(server.scenes[1])) == [("1", "3"), ("2", "8"), ("3", '"Hello, Ada!"')]
    assert "All done" in printed


async def test_who_is_told_of_errors(tmp_path: Path) -> None:
    packets = call("divide", {"numerator": 1, "denominator": 0})

    async def script(scene: Scene) -> None:
        await (rounds() if len(history(scene)) > 1 else rounds(packets))(scene)

    printed, _ = await run("act_errors", script, tmp_path)
    told, raised, cause = printed.splitlines()
    assert "Unhandled Python exception: ZeroDivisionError" in told
    assert raised.startswith("The program was told: Unhandled Python exception: ZeroDivisionError")
    assert cause == "Because of: ZeroDivisionError"


async def test_tools_of_asynchronous_programs(tmp_path: Path) -> None:
    packets = call("weather", {"city": "Oslo"}, "1") + call("celsius", {"fahrenheit": 77}, "2")
    printed, server = await run("act_asynchronous", rounds(packets), tmp_path)
    assert sorted(results(server.scenes[1])) == [("1", '"Sunny in Oslo"'), ("2", "25.0")]
    assert printed.endswith("Rounds: 2\n")
