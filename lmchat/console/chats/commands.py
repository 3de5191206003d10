"""The commands of `lmchat chats`: what they take, and what their help says. Each imports what it needs when it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from lmchat.console.arguments import TEXT
from lmchat.console.exit_codes import ExitCode

_NUMBERS: Final = click.argument("numbers", metavar="[ID]...", nargs=-1, type=int)
_YES: Final = click.option("--yes", "-y", is_flag=True, help="Do not ask.")
_JSON: Final = click.option("--json", "as_json", is_flag=True, help="Print JSON, one object a line.")
_FILE: Final = click.Path(path_type=Path)


@click.group(
    invoke_without_command=True,
    epilog="""
    Examples:

    \b
      lmchat chats                               list the newest
      lmchat chats search quantum before:2026
      lmchat chats show 12 | less
      lmchat chats export --all -o everything.json
    """,
)
@click.pass_context
def chats(context: click.Context) -> None:
    """List, search, show, export, import, delete and back up conversations.

    Without a command it lists them. On a terminal text is made safe and fits; a pipe gets it as it was written.
    """
    if context.invoked_subcommand is None:
        context.invoke(list_)


@chats.command("list")
@click.option("--archived", is_flag=True, help="List those in the archive.")
@click.option("--deleted", is_flag=True, help="List those that can be brought back.")
@click.option("--tag", metavar="TAG", type=TEXT, help="Only those with this tag.")
@click.option("-n", "--limit", metavar="N", type=click.IntRange(1), help="At most so many; on a terminal 30, else all.")
@_JSON
def list_(archived: bool, deleted: bool, tag: str | None, limit: int | None, as_json: bool) -> None:
    """List conversations, pinned ones first, then the newest.

    In a pipe a line is ID, time, messages, title and tags, with tabs between them.
    """
    if archived and deleted:
        raise click.UsageError("--archived and --deleted are two lists. Give one of them.")
    from lmchat.console.chats.listing import list_conversations

    list_conversations(archived=archived, deleted=deleted, tag=tag, limit=limit, as_json=as_json)


@chats.command(
    short_help="Search the messages and titles of all conversations.",
    epilog="""
    Examples:

    \b
      lmchat chats search sourdough
      lmchat chats search '"wild yeast" role:user after:2026-03'
      lmchat chats search model:qwen tag:work is:archived
    """,
)
@click.argument("query", metavar="QUERY...", nargs=-1, required=True, type=TEXT)
@click.option(
    "-n", "--limit", metavar="N", type=click.IntRange(1), default=50, show_default=True, help="At most so many."
)
@_JSON
def search(query: tuple[str, ...], limit: int, as_json: bool) -> None:
    """Search the messages and titles of all conversations, the best first.

    All words must occur in one message, in any case and with or without accents; the last may be the beginning of a
    longer one. "Several words" in double quotes stand together (the shell needs single quotes around those).

    \b
    model:NAME         written by a model whose name has this in it
    tag:TAG            in a conversation with this tag
    role:user          by the user; also assistant, system, tool
    before: after:     a day, month or year: 2026-03-31, 2026-03, 2026,
                       today, yesterday
    is:archived        also is:pinned, is:deleted

    In a pipe a line is ID, time, title and the piece of text, with tabs between them.
    """
    wanted = " ".join(query)
    if not wanted.strip():
        raise click.UsageError("There is nothing to look for. Give a word.")
    from lmchat.console.chats.listing import search_conversations

    search_conversations(wanted, limit=limit, as_json=as_json)


@chats.command()
@click.argument("number", metavar="ID", type=int)
@click.option("--branch", is_flag=True, help="Only the versions that are shown, also in a pipe.")
@click.option("--tree", is_flag=True, help="Every message in short, with its ID and that of the one before it.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, as `export` writes it.")
def show(number: int, branch: bool, tree: bool, as_json: bool) -> None:
    """Show a conversation.

    A terminal gets what is to be read; a pipe gets Markdown, as `export` writes it.
    """
    if branch and tree:
        raise click.UsageError("--branch is a part and --tree is all. Give one of them.")
    from lmchat.console.chats.reading import Extent, show_conversation

    show_conversation(number, Extent.TREE if tree else Extent.BRANCH if branch else Extent.WHOLE, as_json=as_json)


@chats.command(
    short_help="Write conversations to files.",
    epilog="""
    Examples:

    \b
      lmchat chats export 12 > chat.md
      lmchat chats export 12 -o chat.html
      lmchat chats export --all -o everything.json
      lmchat chats export --all --format html -o folder
    """,
)
@_NUMBERS
@click.option("--all", "everything", is_flag=True, help="All conversations, but for deleted ones.")
@click.option(
    "--format",
    type=click.Choice(["markdown", "json", "html"]),
    help="Else the suffix of the file says it, else it is Markdown.",
)
@click.option("-o", "--output", metavar="FILE|FOLDER", type=_FILE, help="Else standard output.")
@click.option("--force", is_flag=True, help="Replace files that are there.")
def export(
    numbers: tuple[int, ...], everything: bool, format: str | None, output: Path | None, force: bool
) -> ExitCode:
    """Write conversations to files that are whole or not there, and yours only.

    Markdown and JSON hold everything, and `import` reads them back; HTML is for reading. In a folder each
    conversation has a file of its own.
    """
    if bool(numbers) == everything:
        raise click.UsageError("Name conversations by their IDs, or all of them with --all.")
    from lmchat.console.chats.exporting import export_conversations, place_for

    place = place_for(output, format, several=everything or len(set(numbers)) > 1)
    return export_conversations(numbers, place, everything=everything, replace=force)


@chats.command(
    "import",
    short_help="Take in conversations from files of several programs.",
    epilog="""
    Examples:

    \b
      lmchat chats import everything.json chat.md
      lmchat chats import --dry-run conversations.json
      lmchat chats import --lm-studio
    """,
)
@click.argument("files", metavar="[FILE]...", nargs=-1, type=_FILE)
@click.option("--lm-studio", is_flag=True, help="All conversations of LM Studio on this machine.")
@click.option("--again", is_flag=True, help="Also what is here already, which makes copies of it.")
@click.option("--dry-run", is_flag=True, help="Only say what would come in.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object for each file.")
def import_(files: tuple[Path, ...], lm_studio: bool, again: bool, dry_run: bool, as_json: bool) -> ExitCode:
    """Take in conversations from files, which are only read.

    lmchat's JSON and Markdown, LM Studio's *.conversation.json, ChatGPT's conversations.json, and the logs.db of llm
    are told apart by what is in them. A conversation that is here already with all its messages is left out.
    """
    if not files and not lm_studio:
        raise click.UsageError("Name the files to import, or --lm-studio.")
    from lmchat.console.chats.importing import import_files
    from lmchat.console.chats.lm_studio import conversation_files

    paths = [*files, *(conversation_files() if lm_studio else ())]
    return import_files(paths, again=again, dry=dry_run, as_json=as_json)


@chats.command(
    epilog="""
    Examples:

    \b
      lmchat chats delete 12 13
      lmchat chats delete --undo 12
      lmchat chats delete --purge --yes      empty the bin
    """,
)
@_NUMBERS
@click.option("--undo", is_flag=True, help="Bring deleted ones back.")
@click.option("--purge", is_flag=True, help="Remove them for good; without an ID, all that was deleted.")
@_YES
def delete(numbers: tuple[int, ...], undo: bool, purge: bool, yes: bool) -> ExitCode:
    """Delete conversations so that they can be brought back.

    It asks first; where there is no terminal to ask on, it wants --yes. `lmchat chats list --deleted` lists what can
    be brought back.
    """
    if undo and purge:
        raise click.UsageError("--undo brings back and --purge removes for good. Give one of them.")
    if not numbers and not purge:
        raise click.UsageError("Name conversations by their IDs.")
    from lmchat.console.chats import deleting

    if undo:
        deleting.undo(numbers)
        return ExitCode.COMPLETE
    return deleting.purge(numbers, yes=yes) if purge else deleting.delete(numbers, yes=yes)


@chats.command(short_help="Copy all conversations to a new file, and check it.")
@click.argument("file", required=False, type=_FILE)
def backup(file: Path | None) -> None:
    """Copy all conversations to a new file, also while lmchat is in use, and check it.

    Without a name it goes to backups/ in the data folder. Its path is printed.
    """
    from lmchat.console.chats.copies import back_up

    back_up(file)


@chats.command()
@click.argument("file", type=_FILE)
@click.option("--missing", is_flag=True, help="Only add what is not here any more; lmchat may be in use.")
def restore(file: Path, missing: bool) -> None:
    """Go back to a backup, or to any store that was kept aside.

    It takes the place of what is here, which is kept aside beside it. Every other lmchat must be closed for that.
    """
    from lmchat.console.chats import copies

    if missing:
        copies.add_missing(file)
    else:
        copies.restore(file)


@chats.command()
def path() -> None:
    """Print where the conversations are."""
    from lmchat.console.chats.copies import print_path

    print_path()
