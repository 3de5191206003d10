"""The engine in the foreground, for other programs: it says where it listens and what it loads."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from lmchat.app import other_programs, paths
from lmchat.app.settings import load_settings
from lmchat.console.narration import Narration
from lmchat.engine.engine import run_blocking
from lmchat.engine.events import EngineEvent, Fetching, Listening, Preloaded, PreloadFailed, Preloading
from lmchat.engine.models.packaged import FetchPhase
from lmchat.protocol.child_process import Alias, EngineOptions
from lmchat.protocol.discovery import API_PORTS, LOCAL_HOST
from lmchat.values.errors import EngineError
from lmchat.values.safe_text import safe_line

DEFAULT_CONTEXT = 4096
_EVERYWHERE = ("0.0.0.0", "::")
"""Addresses that stand for all of this machine."""


def serve(
    model: str | None,
    port: int | None,
    context_length: int | None,
    aliases: Sequence[str] = (),
    preload: str | None = None,
    token: str | None = None,
    host: str | None = None,
) -> None:
    """Run the engine until Ctrl+C.

    `aliases` have the form NAME=MODEL, and come over those in the settings; `preload` names the model to load at start;
    with a token only its holders are let in, and only then may `host` be an address that other machines reach.

    Raises:
        EngineError: it cannot start.
    """
    file = None if model is None else Path(model).expanduser()
    if file is not None and not file.is_file():
        raise EngineError(f"There is no file {model}. Give the path of a GGUF file.")
    settings = load_settings(paths.config_file())
    options = EngineOptions(
        models_folder=str(paths.models_dir()),
        logs_folder=str(paths.log_dir()),
        model_paths=() if file is None else (str(file),),
        port=port,
        host=host or LOCAL_HOST,
        context_length=context_length or DEFAULT_CONTEXT,
        preload=True,
        preload_model=preload,
        aliases={**settings.aliases, **dict(_alias(text) for text in aliases)},
        other_folders=tuple(map(str, other_programs.model_folders())),
        api_token=token,
        fetch=True,
    )
    narration = Narration()
    try:
        run_blocking(options, lambda event: _narrate(event, narration))
    finally:
        narration.hush()


def _alias(text: str) -> tuple[str, Alias]:
    name, equals, model = (part.strip() for part in text.partition("="))
    if not (name and equals and model):
        raise EngineError(f"{text!r} is no alias. Write NAME=MODEL.")
    return name, Alias(model)


def _narrate(event: EngineEvent, narration: Narration) -> None:
    match event:
        case Listening(host, port):
            # Data is standard output: a script can read the address from the first line.
            click.echo(f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}")
            sys.stdout.flush()
            first = port not in API_PORTS[1:]
            found = "Give clients this address."
            if host in _EVERYWHERE:
                found = f"Give clients this machine's address, the port {port}, and the token."
            elif host == LOCAL_HOST and port in API_PORTS:
                found = "LM Studio's clients find it by themselves."
            other = "" if first else " Another server has the port that they try first, so they find that one."
            click.echo(f"lmchat's engine listens here. {found}{other} Ctrl+C ends it.", err=True)
        case Fetching(progress):
            done, total = progress.done_bytes / 1e6, progress.total_bytes / 1e6
            words = "Unpacking" if progress.phase is FetchPhase.UNPACKING else "Fetching"
            narration.say(f"{words} the model SmolLM2 135M, once: {done:.0f} of {total:.0f} MB")
        case Preloading(key):
            narration.say(f"Loading {key} …")
        case Preloaded(info):
            narration.hush()
            name, context = safe_line(info.display_name), info.context_length
            click.echo(f"{name} is ready, with {context:,} tokens of context.", err=True)
        case PreloadFailed(message):
            narration.hush()
            click.echo(f"No model was loaded: {safe_line(message)}", err=True)
