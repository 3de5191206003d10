"""Conversations written to files, or to standard output."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click

from lmchat.app.files import file_name, make_folder, write_file
from lmchat.app.library import Library
from lmchat.console.exit_codes import ExitCode
from lmchat.console.library import Wait, opened_library
from lmchat.console.output import Output
from lmchat.console.streams import say
from lmchat.exchange import Format, write
from lmchat.values.errors import LMStudioValueError
from lmchat.values.history import ConversationSummary
from lmchat.values.safe_text import safe_line, safe_text

_SUFFIXES: Final = {Format.MARKDOWN: ".md", Format.JSON: ".json", Format.HTML: ".html"}
_FORMATS: Final = {
    ".md": Format.MARKDOWN,
    ".markdown": Format.MARKDOWN,
    ".json": Format.JSON,
    ".html": Format.HTML,
    ".htm": Format.HTML,
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where conversations are written to, and how."""

    format: Format
    path: Path | None
    """None is standard output."""
    is_folder: bool
    """Whether each conversation gets a file of its own in it."""


def place_for(path: Path | None, format: str | None, *, several: bool) -> Place:
    """Where and how to write, from what was said of it.

    Raises:
        click.UsageError: several conversations cannot be written there.
    """
    if path == Path("-"):
        path = None
    chosen = Format(format) if format else _FORMATS.get(path.suffix.lower() if path else "", Format.MARKDOWN)
    if path is None:
        if several and chosen is not Format.JSON:
            raise click.UsageError(
                "Several conversations need a folder (-o FOLDER), or one file of JSON (-o FILE.json)."
            )
        return Place(chosen, None, False)
    if path.is_dir():
        return Place(chosen, path, True)
    named = path.suffix.lower() in _FORMATS
    if several and chosen is Format.MARKDOWN and named:
        raise click.UsageError(f"A Markdown file holds one conversation. Name a folder in place of {path}.")
    return Place(chosen, path, several and not named and chosen is not Format.JSON)


def export_conversations(numbers: Sequence[int], place: Place, *, everything: bool, replace: bool) -> ExitCode:
    """Write conversations, each file whole or not at all; what is there already is left, unless it may be replaced.

    Raises:
        LMStudioError: a conversation is not there, or a file cannot be written.
    """
    with opened_library() as (library, wait):
        if everything:
            chosen = wait(library.everything())
        else:
            chosen = [wait(library.conversation(number)) for number in dict.fromkeys(numbers)]
        if place.path is None:
            with Output() as output:
                output.data(_content(library, wait, chosen, place.format))
            return ExitCode.COMPLETE
        if place.is_folder:
            return _fill(place.path, place.format, library, wait, chosen, replace)
        content = _content(library, wait, chosen, place.format)
    try:
        write_file(place.path, content, replace=replace)
    except FileExistsError:
        say(f"lmchat: {safe_text(str(place.path))} is there already. --force replaces it.")
        return ExitCode.ERROR
    say(f"Written: {safe_text(str(place.path))}")
    return ExitCode.COMPLETE


def _fill(
    folder: Path,
    format: Format,
    library: Library,
    wait: Wait,
    chosen: Sequence[ConversationSummary],
    replace: bool,
) -> ExitCode:
    make_folder(folder)
    written = there = failed = 0
    for each in chosen:
        try:
            content = _content(library, wait, [each], format)
            write_file(folder / file_name(each, _SUFFIXES[format]), content, replace=replace)
            written += 1
        except FileExistsError:
            there += 1
        except LMStudioValueError as wrong:
            failed += 1
            say(f"lmchat: {each.id}, {safe_line(each.title)}: {safe_text(str(wrong))}")
    say(f"Written: {written:,} files in {safe_text(str(folder))}")
    if there:
        say(f"lmchat: {there:,} are there already, and were left as they are. --force replaces them.")
    return ExitCode.ERROR if there or failed else ExitCode.COMPLETE


def _content(library: Library, wait: Wait, chosen: Sequence[ConversationSummary], format: Format) -> bytes:
    return write([wait(library.document(each.id)) for each in chosen], format)
