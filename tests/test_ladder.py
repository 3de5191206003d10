"""The import ladder: a module imports from rungs below its own, never sideways, never up."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import lmchat

ROOT = Path(lmchat.__file__).parent
RUNGS = {
    "values": 0,
    "protocol": 1,
    "markdown": 1,
    "client": 2,
    "store": 2,
    "engine": 2,
    "exchange": 2,
    "app": 3,
    "tui": 4,
    "console": 4,
    "cli": 5,
    "__main__": 6,
}
# The package's own face hands names on from the client and values rungs; nothing inside imports from it.
FACE = "__init__"
# A program that serves in the foreground has the engine in its own process; everything else reaches it by socket.
MAY_IMPORT_ENGINE = {"engine", "console"}

MODULES = sorted(path for path in ROOT.rglob("*.py") if path.relative_to(ROOT).parts[0] != "__init__.py")


def rung_of(path: Path) -> str:
    first = path.relative_to(ROOT).parts[0]
    return first.removesuffix(".py")


def imported_rungs(path: Path) -> set[str]:
    names: list[str] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return {name.split(".")[1] for name in names if name.startswith("lmchat.")}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_module_imports_only_from_below(path: Path) -> None:
    mine = rung_of(path)
    for other in imported_rungs(path) - {mine}:
        assert other in RUNGS, f"{other} is on no rung"
        assert RUNGS[other] < RUNGS[mine], f"{mine} imports {other}"
        if other == "engine":
            assert mine in MAY_IMPORT_ENGINE


def test_every_folder_is_on_a_rung() -> None:
    assert {rung_of(path) for path in MODULES} == set(RUNGS)


@pytest.mark.parametrize(
    ("program", "forbidden"),
    [
        ("import lmchat; lmchat.Chat", {"textual", "rich", "websockets", "sqlite3", "starlette", "asyncio"}),
        ("import lmchat; lmchat.llm", {"textual", "rich", "sqlite3", "starlette", "httpx"}),
        ("import lmchat.cli", {"textual", "rich", "websockets", "sqlite3", "starlette", "httpx"}),
        ("import lmchat.markdown", {"textual", "rich", "pygments.lexers", "wcwidth"}),
    ],
)
def test_nothing_is_loaded_before_it_is_needed(program: str, forbidden: set[str]) -> None:
    code = f"import sys; {program}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert forbidden.isdisjoint(loaded)
