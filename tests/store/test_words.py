"""Words: what the index has is always enough to find what is in the text."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, strategies as st

from lmchat.store.words import Folded, Needle, words_of

ANY = st.text(st.characters(exclude_categories=())) | st.text("aB cÉ\u0301_-1語本ไท가ςΣ\udcff.", max_size=30)


@given(ANY)
def test_places_in_a_folded_text_lead_back_to_the_text(text: str) -> None:
    folded = Folded(text)
    assert len(folded.lower) == len(folded.cased)
    places = [folded.place(index) for index in range(len(folded.lower) + 1)]
    assert places == sorted(set(places))
    assert places[-1] == len(text)


@given(ANY, st.data())
def test_whatever_is_found_in_a_text_is_promised_by_its_words(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    piece = text[start : data.draw(st.integers(start, len(text)))]
    words = words_of(text)
    for goes_on in (False, True):
        needle = Needle(piece, goes_on=goes_on)
        if needle.places(Folded(text)):
            for term, begins in needle.terms:
                assert any(word.startswith(term) if begins else word == term for word in words), (term, words)


@given(ANY)
def test_a_word_of_the_index_means_nothing_to_it(text: str) -> None:
    # No separator and no syntax of FTS5, which are ASCII; nothing that cannot be UTF-8, none of the private characters
    # that mark what is no word.
    for word in words_of(text):
        assert 0 < len(word) <= 64
        assert all(letter.isalnum() or letter > "\x7f" for letter in word)
        assert all(unicodedata.category(letter) not in ("Co", "Cs") for letter in word)


@given(st.text("ab c", min_size=1).filter(lambda text: text.strip() == text))
def test_a_text_is_found_in_itself(text: str) -> None:
    assert Needle(text, goes_on=False).places(Folded(f"x {text} y")) != []


@pytest.mark.parametrize("text", ["a" * 200_000, "aB" * 100_000, "語" * 100_000, "x " * 100_000, "é" * 100_000])
def test_long_texts_have_few_words(text: str) -> None:
    assert len(words_of(text)) < 100
    needle = Needle(text[:3], goes_on=True)
    assert len(needle.places(Folded(text))) <= 50
