"""The command line: arguments become settings, and one front end is imported and run."""

from __future__ import annotations

import asyncio
import sys
import traceback
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeVar

import click
from click.core import ParameterSource

from lmchat.app import paths
from lmchat.app.settings import Settings, load_settings, merge
from lmchat.console import streams
from lmchat.console.arguments import TEXT
from lmchat.console.chats.commands import chats
from lmchat.console.exit_codes import ExitCode
from lmchat.values.errors import (
    EngineError,
    LMStudioClientError,
    LMStudioError,
    LMStudioPredictionError,
    LMStudioServerError,
    LMStudioTimeoutError,
    LMStudioValueError,
    SettingsError,
)
from lmchat.values.safe_text import safe_text

if TYPE_CHECKING:
    from lmchat.app.session import Resume, Session


CommandT = TypeVar("CommandT", bound=Callable[..., Any])


def _inherited(context: click.Context, option: click.Parameter, value: Any) -> Any:
    """What stands before a command holds for the command too, unless it is given again after it."""
    assert option.name is not None
    before = context.parent.params.get(option.name) if context.parent else None
    if option.multiple:
        return (*(before or ()), *value)
    return before if context.get_parameter_source(option.name) is ParameterSource.DEFAULT and before else value


_option: Final = partial(click.option, callback=_inherited)


def _options(command: CommandT) -> CommandT:
    """The options that every front end has."""
    for option in reversed(
        (
            _option(
                "--host",
                type=TEXT,
                metavar="HOST:PORT",
                help="The server to use; a ws:// or wss:// address will do too.",
            ),
            _option("-m", "--model", type=TEXT, metavar="MODEL", help="A model key, or the path of a GGUF file."),
            _option("-s", "--system", type=TEXT, metavar="TEXT", help="How the model is to behave."),
            _option("-c", "--continue", "latest", is_flag=True, help="Go on with the last conversation."),
            _option("-r", "--resume", type=int, metavar="ID", help="Go on with this conversation."),
            _option("--private", is_flag=True, help="Keep nothing of what is said; a server may, by itself."),
            _option(
                "--set",
                "options",
                type=TEXT,
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
    private: bool,
    options: tuple[str, ...],
) -> int | None:
    """Chat with language models on your own machine.

    LM Studio is used when it runs here, or when --host names it. Otherwise lmchat starts an engine of its own, with a
    tiny model that is fetched once.
    """
    if context.invoked_subcommand is not None:
        _refuse_foreign_options(context, context.invoked_subcommand)
        return None
    _require_terminal()
    settings, conversation = _settings(host, model, system, options), _resume(latest, resume, system, private)
    from lmchat.tui.app import run

    return run(_session(settings, private), conversation, paths.log_dir() / "crash.log")


@cli.command()
@click.argument("prompt", nargs=-1, type=TEXT)
@_options
@click.option("--stats", is_flag=True, help="Print model, tokens, speed and stop reason to standard error.")
@click.option("--json", "as_json", is_flag=True, help="Print one event a line, as JSON.")
@click.option(
    "-f",
    "--file",
    "files",
    type=TEXT,
    multiple=True,
    metavar="FILE",
    help="Add a text file to the question.",
)
@click.option("--schema", "schema_file", type=TEXT, metavar="FILE", help="Have the answer fit the JSON schema in FILE.")
@click.option("-x", "--code", is_flag=True, help="Print only what stands in the answer's code blocks, at its end.")
@click.option("--reasoning", is_flag=True, help="Print what the model thinks to standard error, as it comes.")
def ask(
    prompt: tuple[str, ...],
    host: str | None,
    model: str | None,
    system: str | None,
    latest: bool,
    resume: int | None,
    private: bool,
    options: tuple[str, ...],
    stats: bool,
    as_json: bool,
    files: tuple[str, ...],
    schema_file: str | None,
    code: bool,
    reasoning: bool,
) -> ExitCode:
    """Ask one question and print the answer.

    The answer goes to standard output, everything else to standard error. Text on standard input is added to the
    prompt, and so are files.

    \b
    Examples:
      lmchat ask "What is the meaning of life?"
      git diff | lmchat ask "Write a commit message for this" -s "You are terse."
      lmchat ask -f report.txt -f figures.csv "What changed since last year?"
      lmchat ask -x "A shell loop over all PNG files" > loop.sh
      lmchat ask --schema person.json "Invent a person" | jq .name
      lmchat ask -c "And in French?" --stats

    --json prints `started` (with the version of this form), `prompt_progress`, `fragment` and `finished`, one object a
    line. The exit code is 0 for a complete answer, 1 for an error, 2 for wrong usage, 3 without a server or a model, 4
    when the answer met a limit, 130 when it was interrupted.
    """
    if as_json and code:
        raise click.UsageError("--json and --code are two forms of the same answer. Give one of them.")
    from lmchat.console.question import question, schema

    settings, conversation = _settings(host, model, system, options), _resume(latest, resume, system, private)
    if schema_file is not None:
        settings = settings.with_structure(schema(schema_file))
    asked = question(" ".join(prompt), files)
    from lmchat.console.ask import CUT, AskOptions, ask as ask_once

    async def run() -> ExitCode:
        session = _session(settings, private)
        try:
            answer = await ask_once(session, asked, AskOptions(as_json, stats, code, reasoning), conversation)
        except BrokenPipeError:
            # Whoever reads the answer has had enough of it.
            return ExitCode.COMPLETE
        finally:
            await session.close()
        return ExitCode.CUT if answer.stats and answer.stats.stop_reason in CUT else ExitCode.COMPLETE

    try:
        return asyncio.run(run())
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED


@cli.command()
@_option("-m", "--model", type=TEXT, metavar="FILE", help="A GGUF file to serve and load; else the models lmchat has.")
@click.option("-p", "--port", type=click.IntRange(0, 65535), help="The port; 0 takes any free one.")
@click.option("--context-length", type=click.IntRange(min=1), metavar="TOKENS", help="The context to load models with.")
@click.option(
    "--alias", "aliases", multiple=True, type=TEXT, metavar="NAME=MODEL", help="Offer a model under one more name."
)
@click.option("--preload", type=TEXT, metavar="NAME", help="The model to load at start: a key, a file or an alias.")
@click.option(
    "--host",
    "address",
    type=TEXT,
    metavar="ADDRESS",
    help="The address to listen on instead of this machine's own; needs an API token.",
)
@click.option(
    "--api-token",
    type=TEXT,
    metavar="TOKEN",
    envvar=("LM_API_TOKEN", "LMSTUDIO_API_TOKEN"),
    help="Let in only clients that hold this token; else the one in LM_API_TOKEN.",
)
def serve(
    model: str | None,
    port: int | None,
    context_length: int | None,
    aliases: tuple[str, ...],
    preload: str | None,
    address: str | None,
    api_token: str | None,
) -> None:
    """Run lmchat's engine for other programs.

    LM Studio's own clients find it by themselves. It listens on this machine only, unless --host
    is given together with a token.
    """
    from lmchat.console.serve import serve as serve_engine

    serve_engine(model, port, context_length, aliases, preload, api_token, address)


@cli.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print what makes a shell complete lmchat's commands and options.

    \b
    bash, in ~/.bashrc:                     eval "$(lmchat completion bash)"
    zsh, in ~/.zshrc:                       eval "$(lmchat completion zsh)"
    fish, in ~/.config/fish/config.fish:    lmchat completion fish | source
    """
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(cli, {}, "lmchat", "_LMCHAT_COMPLETE").source())


cli.add_command(chats)


def main() -> NoReturn:
    """Run the command line. Every error ends here, in words and with an exit code."""
    streams.complete()
    code = _run(sys.argv[1:])
    streams.settle()
    sys.exit(code)


def _run(arguments: list[str]) -> int:
    try:
        return cli.main(arguments, prog_name="lmchat", standalone_mode=False) or ExitCode.COMPLETE
    except click.ClickException as wrong:
        wrong.show()
        return ExitCode.USAGE
    except (click.Abort, KeyboardInterrupt):
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        # Whoever reads the data has had enough of it.
        return ExitCode.COMPLETE
    except LMStudioError as wrong:
        streams.say(f"lmchat: {safe_text(str(wrong))}")
        return _exit_code(wrong)
    except Exception as fault:
        streams.say(f"lmchat: {_report(fault, private='--private' in arguments)}")
        return ExitCode.ERROR


def _exit_code(wrong: LMStudioError) -> ExitCode:
    match wrong:
        case SettingsError() | LMStudioValueError():
            return ExitCode.USAGE
        case LMStudioPredictionError():
            return ExitCode.ERROR
        case LMStudioServerError() | LMStudioClientError() | LMStudioTimeoutError() | EngineError():
            return ExitCode.NO_MODEL
    return ExitCode.ERROR


def _report(fault: Exception, *, private: bool) -> str:
    """Keep the trace of a fault of ours; gives what its user should know."""
    said = f"A fault of lmchat's own ({type(fault).__name__}) ended it{'.' if private else '; what was said is kept.'}"
    # The words of an exception may be those of a conversation; the places in the program never are.
    lines = traceback.format_tb(fault.__traceback__) if private else traceback.format_exception(fault)
    try:
        trace = paths.log_dir() / "crash.log"
        trace.write_text("".join(lines), encoding="utf-8", errors="replace")
    except (OSError, SettingsError):
        return f"{said} Please report how it came about."
    return f"{said} Please report it with {trace}."


def _settings(host: str | None, model: str | None, system: str | None, options: tuple[str, ...]) -> Settings:
    settings = load_settings(paths.config_file())
    return merge(settings, host=host, model=model, system_prompt=system, options=options)


def _resume(latest: bool, resume: int | None, system: str | None, private: bool) -> Resume:
    if private and (latest or resume is not None):
        raise click.UsageError("--private is for a new conversation; this one is kept. Leave one of the two out.")
    if latest and resume is not None:
        raise click.UsageError("-c and -r name two conversations. Give one of them.")
    if system is not None and (latest or resume is not None):
        raise click.UsageError("-s is for new conversations; this one has begun. Leave one of the two out.")
    return "latest" if latest else resume


def _session(settings: Settings, private: bool) -> Session:
    from lmchat.app.log import log_to
    from lmchat.app.session import Session

    # A server's complaint may quote what was said.
    log_to(None if private else paths.log_dir() / "lmchat.log")
    return Session(settings, None if private else paths.store_file())


def _require_terminal() -> None:
    if not sys.stdin.isatty() or not sys.stdout.isatty():
        raise click.UsageError("The chat needs a terminal. In a pipe or a script, use `lmchat ask`.")


def _refuse_foreign_options(context: click.Context, command: str) -> None:
    """An option that stands before a command that has no use for it must not be lost in silence."""
    parameters = cli.commands[command].params
    known = {parameter.name for parameter in parameters}
    spellings = {spelling for parameter in parameters for spelling in parameter.opts}
    for option in context.command.params:
        given = option.name and context.get_parameter_source(option.name) is not ParameterSource.DEFAULT
        if given and option.name not in known:
            spelling = option.opts[-1]
            if spelling in spellings:  # the same word means something else there
                raise click.UsageError(f"Write {spelling} after the word {command}: there it has its own meaning.")
            raise click.UsageError(f"`lmchat {command}` has no option {spelling}. Leave it out.")
