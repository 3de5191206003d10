"""How lmchat starts processes of its own, and what an engine process and its starter say to each other.

The starter writes one line of JSON, `EngineOptions`, to the engine's standard input and keeps that pipe open: the
engine lives as long as it. The engine answers with one line on its standard output: `EngineReady` or `EngineFailed`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any, TypeAlias

import msgspec

import lmchat


class EngineOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What an engine is to be."""

    models_dir: str
    """Where downloaded models are kept, and looked for."""
    log_dir: str
    model_paths: tuple[str, ...] = ()
    """GGUF files elsewhere."""
    port: int | None = None
    """None: the first free one of LM Studio's usual ports; 0: any free one."""
    api_token: str | None = None
    """The token that clients must have; None: anyone on this machine may enter."""
    context_length: int | None = None
    """Tokens; None: the engine's default, or what the model was made for if that is less."""
    threads: int | None = None
    """None: all processors but one."""


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


def environment() -> dict[str, str]:
    """The environment in which a new process finds this very lmchat, installed or not."""
    ours = str(Path(lmchat.__file__).parents[1])
    inherited = os.environ.get("PYTHONPATH")
    return {**os.environ, "PYTHONPATH": os.pathsep.join([ours, inherited] if inherited else [ours])}


def own_group() -> dict[str, Any]:
    """Arguments that put a process out of reach of a Ctrl+C in the terminal, which is for the front end."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
    return {"start_new_session": True}
