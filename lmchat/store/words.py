"""How text is compared when it is searched: without case and accents, word by word.

Words are what the full-text index holds. A match is always checked in the text itself, so the index may promise too
much, but never too little. Scripts that are written without spaces are cut into pairs of characters; names in code are
cut at their humps, so that `name` finds `getUserName`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from itertools import islice
from typing import Final

_UNSPACED_RANGES: Final = (
    "\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u3040-\u30ff\u3130-\u318f\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff"
)
"""Thai, Lao, Burmese, Khmer, Korean, Japanese and Chinese."""
_UNSPACED: Final = re.compile(f"[{_UNSPACED_RANGES}]+")
_WORD: Final = re.compile(r"[^\W_]+")
_SEGMENT: Final = re.compile(f"[{_UNSPACED_RANGES}]+|(?:(?![{_UNSPACED_RANGES}])[^\\W_])+")
_HUMP: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_MOST_HUMPS: Final = 6
_LONGEST: Final = 64
"""Characters of a word that are told apart; whatever is longer is no word."""
_MOST_PLACES: Final = 50
"""Places of one needle in one text that are looked for."""


class _Plain(dict[int, str]):
    """For `str.translate`: each character without its accents; combining accents become nothing."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        if unicodedata.combining(character):
            plain = ""
        else:
            base = [part for part in unicodedata.normalize("NFKD", character) if not unicodedata.combining(part)]
            # Only what stays one character: places in the plain text are to be found in the text again.
            plain = base[0] if len(base) == 1 and len(base[0].lower()) == 1 else character
        self[code] = plain
        return plain


_PLAIN: Final = _Plain()


class Folded:
    """A text made ready for comparison, and the way back from places in it to places in the text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self.cased = text if text.isascii() else text.translate(_PLAIN)
        """Without accents."""
        self.lower = _lower(self.cased)
        """Without accents and case; of the same length."""
        self._places: list[int] | None = None

    def place(self, index: int) -> int:
        """Where in the text the character is; the end of the text for the end."""
        if len(self.cased) == len(self._text):
            return index
        if self._places is None:
            self._places = [place for place, character in enumerate(self._text) if _PLAIN[ord(character)]]
            self._places.append(len(self._text))
        return self._places[index]

    def is_edge(self, index: int) -> bool:
        """Whether a word begins or ends here."""
        if index in (0, len(self.lower)):
            return True
        if not (_is_letter(self.lower[index - 1]) and _is_letter(self.lower[index])):
            return True
        return _HUMP.match(self.cased, index) is not None and bool(_parts(self._word_at(index)))

    def _word_at(self, index: int) -> str:
        """The word that goes on here, or as much of it as shows that it is too long to be one."""
        start = stop = index
        while start > 0 and index - start <= _LONGEST and _is_letter(self.lower[start - 1]):
            start -= 1
        while stop < len(self.lower) and stop - index <= _LONGEST and _is_letter(self.lower[stop]):
            stop += 1
        return self.cased[start:stop]


def _lower(cased: str) -> str:
    lower = cased.lower()
    if len(lower) != len(cased):
        lower = "".join(character.lower()[0] for character in cased)
    # A sigma at the end of a word is the same letter.
    return lower if cased.isascii() else lower.replace("ς", "σ")


def _is_letter(character: str) -> bool:
    """Whether it is part of a word that ends at spaces."""
    return _WORD.match(character) is not None and _UNSPACED.match(character) is None


def words_of(text: str) -> set[str]:
    """The words of a text for the index."""
    folded = Folded(text)
    spaced, cased = folded.lower, folded.cased
    found: set[str] = set()
    if not text.isascii() and _UNSPACED.search(spaced):
        for run in _UNSPACED.findall(spaced):
            found.update(run[index : index + 2] for index in range(len(run)))
        spaced, cased = _UNSPACED.sub(" ", spaced), _UNSPACED.sub(" ", cased)
    found.update(word[:_LONGEST] for word in _WORD.findall(spaced))
    if _HUMP.search(cased):
        for word in set(_WORD.findall(cased)):
            found.update(_humps(word))
    return found


def _humps(word: str) -> Iterator[str]:
    parts = _parts(word)
    for start in range(len(parts)):
        for stop in range(start + 1, len(parts) + 1):
            yield "".join(parts[start:stop])


def _parts(word: str) -> list[str]:
    """A word cut at its humps; nothing when it has none, or is no name but some code for bytes."""
    if word.islower() or len(word) > _LONGEST:
        return []
    parts = _HUMP.split(word)
    return _lower(" ".join(parts)).split(" ") if 1 < len(parts) <= _MOST_HUMPS else []


class Needle:
    """A word or a phrase to be found in texts, from the edge of one word to the edge of another."""

    def __init__(self, text: str, *, goes_on: bool) -> None:
        """Make ready what is looked for; `goes_on` lets its last word go on in any way."""
        self._needle = " ".join(Folded(text).lower.split())
        self._from_edge = _is_letter(self._needle[:1])
        self._to_edge = not goes_on and _is_letter(self._needle[-1:])
        inner = r"\s+".join(map(re.escape, self._needle.split(" ")))
        self._anywhere = re.compile(inner)
        before, after = r"(?<![^\W_])" if self._from_edge else "", r"(?![^\W_])" if self._to_edge else ""
        self._between_spaces = re.compile(before + inner + after)
        self.terms = tuple(self._terms(goes_on))
        """Words that the index has of each text with this in it: (word, whether only its beginning)."""

    def places(self, text: Folded) -> list[tuple[int, int]]:
        """Where it is, as indices of the folded text."""
        if not self._needle:
            return []
        found = [match.span() for match in islice(self._between_spaces.finditer(text.lower), _MOST_PLACES)]
        return found or list(self._places_in_words(text))

    def _places_in_words(self, text: Folded) -> Iterator[tuple[int, int]]:
        """Those that humps or unspaced scripts make."""
        index = count = 0
        while count < _MOST_PLACES and (match := self._anywhere.search(text.lower, index)) is not None:
            start, stop = match.span()
            index = start + 1
            if (not self._from_edge or text.is_edge(start)) and (not self._to_edge or text.is_edge(stop)):
                index = stop
                count += 1
                yield start, stop

    def _terms(self, goes_on: bool) -> Iterator[tuple[str, bool]]:
        for match in _SEGMENT.finditer(self._needle):
            segment = match[0]
            if _UNSPACED.match(segment):
                for index in range(max(1, len(segment) - 1)):
                    yield segment[index : index + 2], len(segment) == 1
            else:
                is_open = goes_on and match.end() == len(self._needle) and len(segment) < _LONGEST
                yield segment[:_LONGEST], is_open
