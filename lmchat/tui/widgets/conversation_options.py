"""Conversations and places in them as the options of a list: grouped by day, what was looked for marked."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import Final

from textual.content import Content
from textual.widgets.option_list import Option

from lmchat.tui.bidi import isolate_text
from lmchat.values.history import ConversationSummary
from lmchat.values.safe_text import safe_line
from lmchat.values.search import SearchHit, Snippet

_QUIET: Final = "$foreground 55%"
_BEFORE_MARK: Final = 14
"""Characters of a snippet before the first thing marked, in a line too short for all of it."""


def by_day(
    summaries: Iterable[ConversationSummary], *, current: int | None, width: int, group: str = ""
) -> Iterator[Option]:
    """Options for conversations, with a heading before each group; the id of an option is the conversation's.

    Args:
        current: the conversation that is open now.
        width: cells for each line.
        group: the group that the conversation before the first one was in.
    """
    now = time.time()
    for summary in summaries:
        if (wanted := group_of(summary, now)) != group:
            group = wanted
            yield Option(Content.styled(group, f"bold {_QUIET}"), disabled=True)
        yield Option(_conversation(summary, current, width, now), id=str(summary.id))


def group_of(summary: ConversationSummary, now: float) -> str:
    """The heading under which a conversation stands in a list."""
    return "Pinned" if summary.pinned else day(summary.updated_at, now)


def hits(found: Iterable[SearchHit], *, width: int) -> Iterator[Option]:
    """Options for the places where something was found."""
    now = time.time()
    for hit in found:
        title = Content.assemble("  ", _line(hit.conversation.title, width - 2))
        where = Content.styled(f"  {when(hit.created_at, now)}", _QUIET)
        yield Option(Content("\n").join([title, _snippet(hit.snippet, width), where, Content("")]))


def day(moment: float, now: float) -> str:
    """The day of a moment as people say it; both in Unix seconds."""
    then, today = time.localtime(moment), time.localtime(now)
    if then[:3] == today[:3]:
        return "Today"
    if time.localtime(now - 86400)[:3] == then[:3]:
        return "Yesterday"
    if 0 <= now - moment < 6 * 86400:
        return time.strftime("%A", then)
    # strftime has no portable way to leave the zero out.
    return f"{then.tm_mday} {time.strftime('%B' if then.tm_year == today.tm_year else '%B %Y', then)}"


def when(moment: float, now: float) -> str:
    """A moment as people say it; both in Unix seconds."""
    then = time.localtime(moment)
    named = day(moment, now)
    return time.strftime(f"{named.lower() if named in ('Today', 'Yesterday') else '%Y-%m-%d'} %H:%M", then)


def _conversation(summary: ConversationSummary, current: int | None, width: int, now: float) -> Content:
    title = _line(summary.title, width - 2)
    mark = Content.styled("● ", "$primary") if summary.id == current else Content("  ")
    tags = [f"#{safe_line(tag)}" for tag in summary.tags]
    facts = [when(summary.updated_at, now), *tags, f"{summary.message_count:,} messages"]
    quiet = Content.styled(f"  {' · '.join(facts)}", _QUIET).truncate(width, ellipsis=True)
    return Content("\n").join([Content.assemble(mark, title), quiet, Content("")])


def _line(text: str, width: int) -> Content:
    return Content(isolate_text(safe_line(text)) or "Untitled").truncate(width, ellipsis=True)


def _snippet(snippet: Snippet, width: int) -> Content:
    """The piece of text round the first mark, in one line."""
    start = max(snippet.marks[0][0] - _BEFORE_MARK, 0) if snippet.marks else 0
    pieces = [Content("  … " if start else "  ")]
    at = start
    for first, last in snippet.marks:
        pieces.append(Content(safe_line(snippet.text[at:first])))
        pieces.append(Content.styled(safe_line(snippet.text[first:last]), "bold underline $warning"))
        at = last
    pieces.append(Content(safe_line(snippet.text[at:])))
    return Content("").join(pieces).truncate(width, ellipsis=True)
