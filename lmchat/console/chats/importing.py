"""Conversations taken in from files of all kinds, and what is said of each file."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click
import msgspec

from lmchat.app.library import Library
from lmchat.console.exit_codes import ExitCode
from lmchat.console.library import Wait, opened_library
from lmchat.console.narration import Narration
from lmchat.console.output import Output
from lmchat.console.streams import say
from lmchat.exchange import Format, read
from lmchat.values.errors import LMStudioError, StoreError
from lmchat.values.history import ConversationDocument, ConversationSummary
from lmchat.values.safe_text import safe_line, safe_text

_MOST_NOTES: Final = 5


class Taken(msgspec.Struct, frozen=True):
    """A conversation that came in."""

    id: int | None
    """None when it only would have."""
    title: str
    messages: int


class Report(msgspec.Struct):
    """What became of a file."""

    file: str
    format: Format | None = None
    conversations: list[Taken] = []
    already: list[int] = []
    """Conversations that were here, with all that the file has of them."""
    notes: list[str] = []
    """What was left out or changed."""
    error: str | None = None


def import_files(paths: Sequence[Path], *, again: bool, dry: bool, as_json: bool) -> ExitCode:
    """Take in what files hold, and report on each; one that cannot be read does not stop the others.

    Raises:
        StoreError: the store cannot be opened.
        click.Abort: it was interrupted.
    """
    failed = False
    with Output() as output, opened_library() as (library, wait):
        importer = _Importer(library, wait, again=again, dry=dry)
        for path in paths:
            try:
                report = importer.take_in(path)
            except KeyboardInterrupt:
                say("Stopped. What has come in until now is kept.")
                raise click.Abort from None
            failed = failed or report.error is not None
            if as_json:
                output.json(report)
            else:
                _tell(report, dry)
    return ExitCode.ERROR if failed else ExitCode.COMPLETE


class _Importer:
    def __init__(self, library: Library, wait: Wait, *, again: bool, dry: bool) -> None:
        self._library = library
        self._wait = wait
        self._again = again
        self._dry = dry
        self._here: defaultdict[float, list[ConversationSummary]] = defaultdict(list)
        """The conversations by the moment at which they began, which files keep."""
        for summary in [] if again else wait(library.everything()):
            self._here[summary.created_at].append(summary)

    def take_in(self, path: Path) -> Report:
        report = Report(str(path))
        try:
            imported = read(path)
        except LMStudioError as wrong:
            report.error = str(wrong)
            return report
        report.format = imported.format
        report.notes += imported.notes
        if empty := sum(not document.messages for document in imported.documents):
            report.notes.append(f"Left out: conversations without messages ({empty}).")
        self._take_all([document for document in imported.documents if document.messages], report)
        return report

    def _take_all(self, documents: Sequence[ConversationDocument], report: Report) -> None:
        narration = Narration()
        refused: list[StoreError] = []
        try:
            for number, document in enumerate(documents, 1):
                if len(documents) > 1:
                    narration.say(f"{report.file}: {number:,} of {len(documents):,} conversations")
                try:
                    self._take(document, report)
                except StoreError as wrong:
                    refused.append(wrong)
        finally:
            narration.hush()
        if refused:
            report.error = f"{len(refused):,} conversations could not be taken in. {refused[0]}"

    def _take(self, document: ConversationDocument, report: Report) -> None:
        if (same := self._copy_of(document)) is not None:
            report.already.append(same.id)
            return
        if self._dry:
            report.conversations.append(Taken(None, document.title, len(document.messages)))
            return
        summary = self._wait(self._library.take_in(document))
        if not self._again:
            self._here[summary.created_at].append(summary)
        report.conversations.append(Taken(summary.id, summary.title, summary.message_count))

    def _copy_of(self, document: ConversationDocument) -> ConversationSummary | None:
        for summary in self._here.get(document.created_at, ()):
            if self._wait(self._library.holds(summary, document)):
                return summary
        return None


def _tell(report: Report, dry: bool) -> None:
    name = safe_line(report.file)
    if report.format is not None:
        count, messages = len(report.conversations), sum(each.messages for each in report.conversations)
        done = "would be imported" if dry else "imported"
        said = f"{name}: {_counted(count, 'conversation')}, {_counted(messages, 'message')} {done}"
        if count == 1 and report.conversations[0].id is not None:
            said += f" as {report.conversations[0].id}"
        if report.already:
            said += f"; {len(report.already):,} here already"
        say(f"{said}.")
    for note in report.notes[:_MOST_NOTES]:
        say(f"  {safe_line(note)}")
    if (more := len(report.notes) - _MOST_NOTES) > 0:
        say(f"  … and {more:,} more notes; --json has all.")
    if report.error is not None:
        error = safe_text(report.error)
        say(f"lmchat: {error}" if name in error else f"lmchat: {name}: {error}")


def _counted(count: int, word: str) -> str:
    return f"{count:,} {word if count == 1 else f'{word}s'}"
