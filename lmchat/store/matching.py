"""Whether a text is what a query asks for, how well it fits, and the piece of it that shows this."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Final

from lmchat.store.facets import model_key
from lmchat.store.words import Folded, Needle
from lmchat.values.search import SearchQuery, Snippet

_BEFORE: Final = 40
_LENGTH: Final = 200
"""Characters of a snippet."""
_TYPICAL: Final = 600.0
"""Characters of a text of which the same number of matches counts neither more nor less."""
_MOST_TERMS: Final = 50
"""Words that the index is asked for; whoever pastes a page is found by fewer."""
_TITLE_BONUS: Final = 10.0


@dataclass(frozen=True, slots=True)
class Candidate:
    """A message, or a title, that may be what is looked for."""

    message_id: int | None
    """None when it is the title of the conversation."""
    conversation_id: int
    created_at: float
    provenance: str | None
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Match:
    """A candidate in which everything occurs."""

    candidate: Candidate
    rank: float
    text: str
    """The one of its texts that shows best why."""


class Matcher:
    """A query, made ready to be held against many texts."""

    def __init__(self, query: SearchQuery) -> None:
        self.query: Final = query
        self._needles = [Needle(word, goes_on=False) for word in dict.fromkeys(query.words)]
        if query.beginning:
            self._needles.append(Needle(query.beginning, goes_on=True))
        self._models = [Folded(model).lower for model in query.models]
        self.has_words: Final = query.has_words
        terms = dict.fromkeys(term for needle in self._needles for term in needle.terms)
        self.terms: Final = [(term,) for term in islice(terms, _MOST_TERMS)]
        """Words that the index has of each match, as `index.expression` takes them."""

    def fits_model(self, name: str) -> bool:
        """Whether the query is content with a model of that name."""
        folded = Folded(name).lower
        return all(model in folded for model in self._models)

    def match(self, candidate: Candidate) -> Match | None:
        """How well a candidate fits; None when it does not."""
        if self._models:
            key = model_key(candidate.provenance)
            if key is None or not self.fits_model(key):
                return None
        if not self._needles:
            return Match(candidate, 0.0, candidate.texts[0] if candidate.texts else "")
        texts = [Folded(text) for text in candidate.texts]
        counts = [[len(needle.places(text)) for text in texts] for needle in self._needles]
        if not all(map(any, counts)):
            return None
        length = sum(map(len, candidate.texts)) / _TYPICAL
        rank = sum(_weight(sum(count), length) for count in counts)
        if candidate.message_id is None:
            rank += _TITLE_BONUS
        by_text = [sum(min(count[index], 1) for count in counts) for index in range(len(texts))]
        return Match(candidate, round(rank, 3), candidate.texts[by_text.index(max(by_text))])

    def snippet(self, match: Match) -> Snippet:
        """The piece of the text round the first place, with all places in it."""
        folded = Folded(match.text)
        found = sorted(span for needle in self._needles for span in needle.places(folded))
        places = [(folded.place(start), folded.place(stop)) for start, stop in _merged(found)]
        begin = _beginning(match.text, places[0][0]) if places else 0
        end = begin + _LENGTH
        before, after = "…" if begin else "", "…" if end < len(match.text) else ""
        shift = len(before) - begin
        marks = tuple((start + shift, min(stop, end) + shift) for start, stop in places if start < end)
        return Snippet(before + match.text[begin:end] + after, marks)


def _merged(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans in order, those that overlap as one."""
    merged: list[tuple[int, int]] = []
    for start, stop in spans:
        if merged and start < merged[-1][1]:
            start, last = merged.pop()
            stop = max(stop, last)
        merged.append((start, stop))
    return merged


def _weight(count: int, length: float) -> float:
    """What so many places are worth: each further one less, and all of them less in a long text (as in BM25)."""
    return count * 2.2 / (count + 1.2 * (0.25 + 0.75 * length))


def _beginning(text: str, place: int) -> int:
    """Where a snippet begins: at a word shortly before the place."""
    if place <= _BEFORE:
        return 0
    space = text.find(" ", place - _BEFORE, place)
    return place - _BEFORE if space < 0 else space + 1
