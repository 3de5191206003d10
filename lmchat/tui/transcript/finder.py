"""Find in a conversation: the pattern of what is looked for, where it occurs, and which occurrence is the current one.

How often it occurs in a message that has not been drawn is told from outside, out of its source. As soon as the
message is drawn, what is there to be seen counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from lmchat.tui.transcript.entry import Entry, Unread
from lmchat.tui.transcript.place import Place, blocks

_MARKUP: Final = r"[*_~`\\]*"
_SPACE: Final = r"[\s*_~`\\>|]+"


class Hit(NamedTuple):
    """One occurrence."""

    place: Place
    stop: int
    """The offset after its last character."""


def pattern(query: str) -> re.Pattern[str]:
    """What matches the query in rendered text and in its source, small letters or capital.

    Markup may stand between its characters, and any white space between its words.
    """
    words = [_MARKUP.join(re.escape(character) for character in word) for word in query.split()]
    return re.compile(_SPACE.join(words), re.IGNORECASE)


class Finder:
    """One search, from its first letter on."""

    def __init__(self, query: str) -> None:
        self.query: Final = query
        self.pattern: Final = pattern(query)
        self.current: Hit | None = None
        self.searching = True
        """Whether there are messages of which nothing has been told yet."""
        self._counts: dict[int, int] = {}
        self._hits: dict[int, tuple[Entry, int, list[Hit]]] = {}

    def told(self, counts: Iterable[tuple[int, int]]) -> None:
        """How often it occurs in some entries, as (entry, occurrences)."""
        for entry, count in counts:
            if entry not in self._hits:
                self._counts[entry] = count

    def hits(self, entry: Entry, index: int, width: int) -> list[Hit]:
        """Its occurrences in an entry, folded sections included."""
        if isinstance(entry, Unread):
            return []
        known = self._hits.get(index)
        if known is not None and known[0] is entry and known[1] == entry.revision:
            return known[2]
        found = [
            Hit(Place(index, number, block.number, match.start()), match.end())
            for number, section in enumerate(entry.sections)
            if section.searched
            for block in blocks(section.all_lines(width))
            for match in self.pattern.finditer(block.text)
        ]
        self._hits[index] = (entry, entry.revision, found)
        self._counts[index] = len(found)
        return found

    def forget(self) -> None:
        """The lines have another width: what is drawn is looked through again."""
        self._hits = {}

    @property
    def count(self) -> int:
        """Occurrences in all that is known."""
        return sum(self._counts.values())

    @property
    def number(self) -> int:
        """Which of them is the current one, from 1; 0 if there is none."""
        if self.current is None:
            return 0
        index = self.current.place.entry
        before = sum(count for entry, count in self._counts.items() if entry < index)
        hits = self._hits[index][2] if index in self._hits else []
        return before + (hits.index(self.current) + 1 if self.current in hits else 0)

    def next_entry(self, index: int, down: bool) -> int | None:
        """The next entry in which it may occur, from this one on; past the end, from the other end."""
        known = sorted(entry for entry, count in self._counts.items() if count)
        if not known:
            return None
        if down:
            return next((entry for entry in known if entry > index), known[0])
        return next((entry for entry in reversed(known) if entry < index), known[-1])
