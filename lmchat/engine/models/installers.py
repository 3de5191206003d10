"""pip or uv as the way to a wheel: they know the user's package index, proxy, certificates and credentials; we do not.

Neither tells its progress in a form that all versions share, so both are made to put their temporary files where they
can be watched growing.
"""

from __future__ import annotations

import asyncio
import importlib.util
import os
import shutil
import subprocess
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncGenerator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from lmchat.protocol import child_process
from lmchat.values.errors import EngineError

_LOOK_SECONDS: Final = 0.1
_LOG_TAIL_BYTES: Final = 32 * 1024
_REASON_CHARACTERS: Final = 300
_SHARED_OPTIONS: Final = ("--no-deps", "--only-binary", ":all:", "--require-hashes")


class WheelPin(msgspec.Struct, frozen=True, kw_only=True):
    """One wheel of a project, and no other."""

    project: str
    version: str
    sha256: str
    size_bytes: int


class Installer(msgspec.Struct, frozen=True, kw_only=True):
    """A program that downloads a wheel into a folder."""

    name: str
    command: tuple[str, ...]
    destination_option: str
    scratch_variables: tuple[str, ...]
    """Environment variables that say where it keeps what it has not finished."""
    environment: dict[str, str] = {}
    unpacks: bool = False
    """It leaves the wheel's content in the folder instead of the wheel."""


class InstallerError(EngineError):
    """An installer ran, and did not bring the wheel."""


class IndexUnreachableError(InstallerError):
    """No index in reach has the wheel."""


class WrongHashError(InstallerError):
    """What the index has is not what was pinned."""


class DiskFullError(InstallerError):
    """There is no room for the wheel."""


def installers_here() -> list[Installer]:
    """Those that this environment has, the one to be tried first at the front; uv's environments have no pip."""
    found = []
    if importlib.util.find_spec("pip"):
        found.append(_pip((sys.executable, "-P", "-m", "pip")))
    if uv := shutil.which("uv"):
        found.append(_uv((uv,)))
    elif importlib.util.find_spec("uv"):
        found.append(_uv((sys.executable, "-P", "-m", "uv")))
    return found


def _pip(program: tuple[str, ...]) -> Installer:
    return Installer(
        name="pip",
        command=(*program, "download", *_SHARED_OPTIONS, "--no-cache-dir", "--no-input", "--retries", "2"),
        destination_option="--dest",
        scratch_variables=("TMPDIR", "TEMP", "TMP"),
        environment={"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_PROGRESS_BAR": "off"},
    )


def _uv(program: tuple[str, ...]) -> Installer:
    return Installer(
        name="uv",
        command=(*program, "pip", "install", *_SHARED_OPTIONS, "--no-progress", "--python", sys.executable),
        destination_option="--target",
        scratch_variables=("UV_CACHE_DIR",),
        environment={"UV_HTTP_RETRIES": "2"},
        unpacks=True,
    )


async def download(installer: Installer, pin: WheelPin, folder: Path) -> AsyncGenerator[int]:
    """Bring the wheel (or its content) into `folder / "out"`, and say now and then how many bytes of it are there.

    Everything is written below `folder`, which must exist and be empty. Raises InstallerError. Closing the iterator
    ends the installer.
    """
    process = await _start(installer, pin, folder)
    try:
        while await _still_runs(process):
            yield _largest_file(folder / "scratch", folder / "out")
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        raise _failure(installer, pin, folder / "log")


async def _start(installer: Installer, pin: WheelPin, folder: Path) -> Process:
    scratch, requirements = folder / "scratch", folder / "requirements.txt"
    scratch.mkdir()
    requirements.write_text(f"{pin.project}=={pin.version} --hash=sha256:{pin.sha256}\n", encoding="utf-8")
    places = dict.fromkeys(installer.scratch_variables, str(scratch))
    with (folder / "log").open("wb") as log:
        return await asyncio.create_subprocess_exec(
            *installer.command,
            installer.destination_option,
            str(folder / "out"),
            "-r",
            str(requirements),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, "NO_COLOR": "1", **installer.environment, **places},
            **child_process.own_group(),
        )


async def _still_runs(process: Process) -> bool:
    try:
        await asyncio.wait_for(process.wait(), _LOOK_SECONDS)
    except TimeoutError:
        return True
    return False


def _largest_file(*folders: Path) -> int:
    return max((size for folder in folders for size in _sizes(folder)), default=0)


def _sizes(folder: Path) -> Iterator[int]:
    for directory, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):  # renamed or gone since it was listed
                yield (Path(directory) / name).stat().st_size


def _failure(installer: Installer, pin: WheelPin, log: Path) -> InstallerError:
    said = log.read_bytes()[-_LOG_TAIL_BYTES:].decode(errors="replace")
    lowered = said.lower()
    if "do not match the hashes" in lowered or "hash mismatch" in lowered:
        return WrongHashError(f"{installer.name} found a {pin.project} {pin.version} with a wrong checksum")
    if "no space left on device" in lowered or "not enough space on the disk" in lowered:
        return DiskFullError(f"{installer.name} found the disk full")
    return IndexUnreachableError(f"{installer.name} found no index that has it: {_last_complaint(said)}")


def _last_complaint(said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    complaints = [line for line in lines if line.lower().startswith(("error:", "cause:"))] or lines
    text = complaints[-1].partition(":")[2].strip() or complaints[-1] if complaints else "it said nothing"
    return "".join(character for character in text if character.isprintable())[:_REASON_CHARACTERS]
