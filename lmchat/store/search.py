"""Searching all conversations: the index proposes messages, newest first; each is read, checked and ranked."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from lmchat.store import index
from lmchat.store.candidates import MOST_READ, conditions, messages, titles
from lmchat.store.failure import is_damage
from lmchat.store.matching import Candidate, Match, Matcher
from lmchat.store.repository import Repository
from lmchat.store.summaries import summaries, summaries_of
from lmchat.values.errors import StoreError
from lmchat.values.history import ConversationSummary
from lmchat.values.search import SearchHit, SearchQuery, Snippet

_BLOCK: Final = 300
"""Matches among which the best come first."""
_TITLES: Final = 200
"""Titles that come before all messages; further ones come after them."""


class Search(Repository):
    """Finding messages and titles."""

    def search(self, query: SearchQuery, *, limit: int = 50, offset: int = 0) -> list[SearchHit]:
        """Where everything that a query asks for occurs: in one message, or in one title.

        What was written last is found first: the newest 300 matches come best first, titles before messages, then the
        300 before them, and so on; of equals the newer comes first. So the order is exact for up to 300 matches, and
        beyond, the first page has the best of the newest. A search ends after 10,000 proposals in a row that do not
        hold, as with a phrase of two words that are everywhere but never together. Words are found whole, the last one
        also by its beginning; parts of words only at humps (`name` in `getUserName`) and in scripts without spaces.
        Text that no index helps with, such as `++`, is looked for in the newest 10,000 messages, and so is everything
        while there is no index. A query without words finds conversations, each at its newest fitting message.
        """
        self._catch_up()
        with self._database.reading() as db:
            try:
                return _search(db, query, limit, offset, use_index=index.is_usable(db))
            except sqlite3.DatabaseError as error:
                if not is_damage(error):
                    raise
        # The index is worth nothing then, and the messages are read instead; if they are damaged, too, that is told.
        with self._database.reading() as db:
            found = _search(db, query, limit, offset, use_index=False)
        self._discard()
        return found

    def index_more(self) -> bool:
        """Bring the index a step forward, some tenths of a second of work; whether there is more to do.

        Only needed when many messages come at once, or come from a time without the index. A search does as much by
        itself, and finds the newest 10,000 of the messages that the index lacks.
        """
        with self._database.writing() as db:
            return index.advance(db) > 0 and not index.has_all(db)

    def rebuild_index(self) -> None:
        """Throw the index away; it is built again by `index_more` and by searches."""
        with self._database.writing() as db:
            index.discard(db)

    def _discard(self) -> None:
        """Throw a broken index away; where nothing can be written, it is tried again the next time."""
        with suppress(StoreError):
            self.rebuild_index()

    def _catch_up(self) -> None:
        """What cannot be indexed, because the disk is full or another program writes, is found by reading."""
        try:
            with self._database.reading() as db:
                if index.is_usable(db) and index.has_all(db):
                    return
            self.index_more()
        except StoreError as error:
            if isinstance(error.__cause__, sqlite3.Error) and is_damage(error.__cause__):
                self._discard()


def _search(db: sqlite3.Connection, query: SearchQuery, limit: int, offset: int, *, use_index: bool) -> list[SearchHit]:
    if not query.has_words and not query.is_about_messages:
        return _conversations(db, query, limit, offset)
    matcher = Matcher(query)
    proposals: Iterator[Candidate] = messages(db, matcher, use_index=use_index)
    if query.has_words and not (query.models or query.roles):
        named = titles(db, matcher, use_index=use_index)
        proposals = itertools.chain(itertools.islice(named, _TITLES), proposals, named)
    found = list(itertools.islice(_best_first(_matches(proposals, matcher)), offset, offset + limit))
    conversations = summaries_of(db, {match.candidate.conversation_id for match in found})
    return [_hit(match, matcher, conversations[match.candidate.conversation_id]) for match in found]


def _matches(proposals: Iterator[Candidate], matcher: Matcher) -> Iterator[Match]:
    seen: set[int] = set()
    failures = 0
    for candidate in proposals:
        match = None
        if matcher.has_words or candidate.conversation_id not in seen:
            match = matcher.match(candidate)
        if match is None:
            failures += 1
            if failures >= MOST_READ:
                return
            continue
        failures = 0
        seen.add(candidate.conversation_id)
        yield match


def _best_first(matches: Iterator[Match]) -> Iterator[Match]:
    while block := list(itertools.islice(matches, _BLOCK)):
        yield from sorted(block, key=lambda match: (match.rank, match.candidate.created_at), reverse=True)


def _conversations(db: sqlite3.Connection, query: SearchQuery, limit: int, offset: int) -> list[SearchHit]:
    which, values = conditions(db, query)
    found = summaries(db, f"WHERE {which} ORDER BY updated_at DESC, id DESC LIMIT ? OFFSET ?", (*values, limit, offset))
    return [
        SearchHit(conversation=each, message_id=None, snippet=Snippet(each.title), rank=0.0, created_at=each.updated_at)
        for each in found
    ]


def _hit(match: Match, matcher: Matcher, conversation: ConversationSummary) -> SearchHit:
    return SearchHit(
        conversation=conversation,
        message_id=match.candidate.message_id,
        snippet=matcher.snippet(match),
        rank=match.rank,
        created_at=match.candidate.created_at,
    )
