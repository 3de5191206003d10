"""Conversations and what was found in them: a table for a terminal, fields between tabs or JSON for a program."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from lmchat.console.chats.fitting import fitted, fitted_pieces, padded
from lmchat.console.chats.moments import full_time, table_time
from lmchat.console.library import opened_library
from lmchat.console.output import Output, Piece
from lmchat.console.streams import say
from lmchat.markdown.cells import cells
from lmchat.values.history import ConversationSummary
from lmchat.values.safe_text import safe_line
from lmchat.values.search import SearchHit

ON_A_SCREEN: Final = 30
"""Conversations that a terminal gets unless it is told otherwise."""
_UNTITLED: Final = "Untitled"
_SEPARATORS: Final = re.compile(r"[\t\r\n]")
_BEFORE_MARK: Final = 24
"""Characters of a snippet before the first thing that was looked for."""


def list_conversations(*, archived: bool, deleted: bool, tag: str | None, limit: int | None, as_json: bool) -> None:
    """Print conversations, newest first.

    Raises:
        StoreError: they cannot be read.
    """
    with Output() as output, opened_library() as (library, wait):
        wanted = ON_A_SCREEN + 1 if limit is None and output.terminal and not as_json else limit
        if deleted:
            found = wait(library.deleted(tag=tag, limit=wanted))
        else:
            found = wait(library.listed(archived=archived, tag=tag, limit=wanted))
        shown = found if limit is not None or wanted is None else found[:ON_A_SCREEN]
        _print(output, shown, as_json)
        if len(shown) < len(found):
            say(f"These are the newest {len(shown)}; --limit 1000 lists more, `lmchat chats search` finds any.")
    if not found and not as_json:
        say("There are no such conversations." if archived or deleted or tag else "There are no conversations yet.")


def search_conversations(query: str, *, limit: int, as_json: bool) -> None:
    """Print where a query occurs, the best first.

    Raises:
        StoreError: the conversations cannot be read.
    """
    with Output() as output, opened_library() as (library, wait):
        hits = wait(library.search(query, limit=limit))
        for hit in hits:
            if as_json:
                output.json(hit)
            elif output.terminal:
                _draw_hit(output, hit)
            else:
                title, text = hit.conversation.title, hit.snippet.text
                _print_fields(output, hit.conversation.id, full_time(hit.created_at), title, text)
    if not hits and not as_json:
        say("Nothing was found.")


def _print(output: Output, summaries: Sequence[ConversationSummary], as_json: bool) -> None:
    if output.terminal and summaries and not as_json:
        _draw_table(output, summaries)
        return
    for each in summaries:
        if as_json:
            output.json(each)
        else:
            time, tags = full_time(each.updated_at), ",".join(each.tags)
            _print_fields(output, each.id, time, each.message_count, each.title, tags)


def _print_fields(output: Output, *fields: object) -> None:
    """Fields between tabs; what would be taken for the end of one is a space."""
    output.line("\t".join(_SEPARATORS.sub(" ", str(field)) for field in fields))


def _draw_table(output: Output, summaries: Sequence[ConversationSummary]) -> None:
    numbers = max(len("ID"), *(len(str(each.id)) for each in summaries))
    counts = max(len("Messages"), *(len(f"{each.message_count:,}") for each in summaries))
    room = output.width - numbers - 16 - counts - 6
    all_marks = [fitted(_marks(each), room // 3) for each in summaries]
    widest = max(cells(marks) for marks in all_marks)
    titles = max(room - widest - 2, 1) if widest else max(room, 1)
    output.pieces([(f"{'ID':>{numbers}}  {'Last message':<16}  {'Messages':>{counts}}  Title", True)])
    for each, marks in zip(summaries, all_marks, strict=True):
        title = padded(each.title or _UNTITLED, titles)
        begin = f"{each.id:>{numbers}}  {table_time(each.updated_at)}  {each.message_count:>{counts},}"
        output.line(f"{begin}  {title}  {marks}".rstrip())


def _marks(summary: ConversationSummary) -> str:
    marks = ["pinned"] if summary.pinned else []
    return " ".join([*marks, *(f"#{safe_line(tag)}" for tag in summary.tags)])


def _draw_hit(output: Output, hit: SearchHit) -> None:
    begin = f"{hit.conversation.id:>5}  {table_time(hit.created_at)}  "
    output.line(begin + fitted(hit.conversation.title or _UNTITLED, output.width - len(begin)))
    output.pieces([("       ", False), *fitted_pieces(_marked(hit), output.width - 7)])


def _marked(hit: SearchHit) -> list[Piece]:
    """The snippet from a little before the first thing that was looked for."""
    text, marks = hit.snippet.text, hit.snippet.marks
    at = max(marks[0][0] - _BEFORE_MARK, 0) if marks else 0
    pieces: list[Piece] = [("… ", False)] if at else []
    for first, last in marks:
        pieces += [(text[at:first], False), (text[first:last], True)]
        at = last
    return [*pieces, (text[at:], False)]
