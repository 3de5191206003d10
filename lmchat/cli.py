"""The command line: arguments become settings, and one front end is imported and run."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from enum import IntEnum
from typing import Any, NoReturn, TypeVar

import click

from lmchat.app import paths
from lmchat.app.settings import Settings, load_settings, merge
from lmchat.values.errors import (
    EngineError,
    LMStudioClientError,
    LMStudioError,
    LMStudioModelNotFoundError,
    LMStudioValueError,
    SettingsError,
)
from lmchat.values.safe_text import safe_text


class ExitCode(IntEnum):
    """What a shell learns of a run."""

    COMPLETE = 0
    ERROR = 1
    USAGE = 2
    NO_MODEL = 3
    """No server or no model could be had."""
    CUT = 4
    """The answer met a limit before its end."""
    INTERRUPTED = 130


CommandT = TypeVar("CommandT", bound=Callable[..., Any])


def _options(command: CommandT) -> CommandT:
    """The options that every front end has."""
    for option in reversed(
        (
            click.option(
                "--host", metavar="HOST:PORT", help="The server to use; a ws:// or wss:// address will do too."
            ),
            click.option("-m", "--model", metavar="MODEL", help="A model key, or the path of a GGUF file."),
            click.option("-s", "--system", metavar="TEXT", help="How the model is to behave."),
            click.option("-c", "--continue", "latest", is_flag=True, help="Go on with the last conversation."),
            click.option("-r", "--resume", type=int, metavar="ID", help="Go on with this conversation."),
            click.option(
                "--set",
                "options",
                multiple=True,
                metavar="NAME=VALUE",
                help="A prediction option, such as temperature=0.6 or maxTokens=200.",
            ),
        )
    ):
        command = option(command)
    return command


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@_options
@click.version_option(package_name="lmchat")
@click.pass_context
def cli(
    context: click.Context,
    host: str | None,
    model: str | None,
    system: str | None,
    latest: bool,
    resume: int | None,
    options: tuple[str, ...],
) -> None:
    """Chat with language models on your own machine.

    LM Studio is used when it runs here, or when --host names it. Otherwise lmchat starts an engine of its own, with a
    tiny model that is fetched once.
    """
    if context.invoked_subcommand is not None:
        return
    _require_terminal()
    settings = _settings(host, model, system, options)
    from lmchat.app.session import Session
    from lmchat.tui.app import run

    session = Session(settings, paths.store_file())
    run(session, "latest" if latest else resume, paths.log_dir() / "crash.log")


@cli.command()
@click.argument("prompt", nargs=-1)
@_options
@click.option("--stats", is_flag=True, help="Print model, tokens, speed and stop reason to standard error.")
@click.option("--json", "as_json", is_flag=True, help="Print one event a line, as JSON.")
def ask(
    prompt: tuple[str, ...],
    host: str | None,
    model: str | None,
    system: str | None,
    latest: bool,
    resume: int | None,
    options: tuple[str, ...],
    stats: bool,
    as_json: bool,
) -> None:
    """Ask one question and print the answer.

    Text on standard input is added to the prompt.
    """
    question = _question(" ".join(prompt))
    settings = _settings(host, model, system, options)
    from lmchat.app.session import Session
    from lmchat.console.ask import CUT, AskOptions
    from lmchat.console.ask import ask as ask_once

    async def run() -> ExitCode:
        session = Session(settings, paths.store_file())
        try:
            answer = await ask_once(session, question, AskOptions(as_json, stats), "latest" if latest else resume)
        finally:
            await session.close()
        return ExitCode.CUT if answer.stats and answer.stats.stop_reason in CUT else ExitCode.COMPLETE

    sys.exit(asyncio.run(run()))


@cli.command()
@click.option("-m", "--model", metavar="FILE", help="A GGUF file to serve and load; else the models lmchat has.")
@click.option("-p", "--port", type=click.IntRange(0, 65535), help="The port; 0 takes any free one.")
@click.option("--context-length", type=click.IntRange(min=1), metavar="TOKENS", help="The context to load models with.")
def serve(model: str | None, port: int | None, context_length: int | None) -> None:
    """Run lmchat's engine for other programs.

    LM Studio's own clients find it by themselves. It listens on this machine only.
    """
    from lmchat.console.serve import serve as serve_engine

    serve_engine(model, port, context_length)


def main() -> NoReturn:
    """Run the command line. Every error ends here, in words and with an exit code."""
    try:
        cli.main(standalone_mode=False)
    except click.exceptions.Exit as done:
        sys.exit(done.exit_code)
    except click.ClickException as wrong:
        wrong.show()
        sys.exit(ExitCode.USAGE)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(ExitCode.INTERRUPTED)
    except BrokenPipeError:
        # Whoever read the answer has had enough; the interpreter must not complain as it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(ExitCode.COMPLETE)
    except LMStudioError as wrong:
        click.echo(f"lmchat: {safe_text(str(wrong))}", err=True)
        sys.exit(_exit_code(wrong))
    sys.exit(ExitCode.COMPLETE)


def _exit_code(wrong: LMStudioError) -> ExitCode:
    match wrong:
        case SettingsError() | LMStudioValueError():
            return ExitCode.USAGE
        case LMStudioModelNotFoundError() | EngineError() | LMStudioClientError():
            return ExitCode.NO_MODEL
    return ExitCode.ERROR


def _settings(host: str | None, model: str | None, system: str | None, options: tuple[str, ...]) -> Settings:
    settings = load_settings(paths.config_file())
    return merge(settings, host=host, model=model, system_prompt=system, options=options)


def _question(prompt: str) -> str:
    document = ""
    if sys.stdin is not None and not sys.stdin.isatty():
        document = sys.stdin.buffer.read().decode("utf-8", "replace").strip("\n")
    question = "\n\n".join(part for part in (prompt, document) if part.strip())
    if not question:
        raise click.UsageError("There is nothing to ask. Give a prompt, or text on standard input.")
    return question


def _require_terminal() -> None:
    if sys.stdin is None or not sys.stdin.isatty() or not sys.stdout.isatty():
        raise click.UsageError("The chat needs a terminal. In a pipe or a script, use `lmchat ask`.")
