"""The reasoning splitter: the same pieces however the text was cut."""

from __future__ import annotations

from itertools import groupby

import pytest
from hypothesis import given, strategies as st

from lmchat.engine.prediction.reasoning import Piece, ReasoningSplitter

TEXT = "As<think>tant <b> m</think>sage < 2 <think>again</think>"
EXPECTED = [
    ("none", "As"),
    ("reasoningStartTag", "<think>"),
    ("reasoning", "tant <b> m"),
    ("reasoningEndTag", "</think>"),
    ("none", "sage < 2 "),
    ("reasoningStartTag", "<think>"),
    ("reasoning", "again"),
    ("reasoningEndTag", "</think>"),
]


def split(texts: list[str], *, inside: bool = False, start: str = "<think>", end: str = "</think>") -> list[Piece]:
    splitter = ReasoningSplitter(start, end, inside=inside)
    pieces = [piece for text in texts for piece in splitter.feed(text, 1)]
    return pieces + list(splitter.flush())


def joined(pieces: list[Piece]) -> list[tuple[str, str]]:
    return [(kind, "".join(piece.text for piece in run)) for kind, run in groupby(pieces, key=lambda piece: piece.kind)]


@pytest.mark.parametrize("at", range(len(TEXT) + 1))
def test_a_cut_anywhere_changes_nothing(at: int) -> None:
    assert joined(split([TEXT[:at], TEXT[at:]])) == EXPECTED


def test_one_character_at_a_time_changes_nothing() -> None:
    pieces = split(list(TEXT))
    assert joined(pieces) == EXPECTED
    assert sum(piece.tokens for piece in pieces) == len(TEXT)


def test_text_that_cannot_be_a_tag_is_not_held_back() -> None:
    splitter = ReasoningSplitter("<think>", "</think>")
    assert list(splitter.feed("a<thi", 2)) == [Piece("none", "a", 2)]
    assert list(splitter.feed("s", 1)) == [Piece("none", "<this", 1)]


def test_what_was_held_back_comes_at_the_end() -> None:
    assert split(["1 <", "th"]) == [Piece("none", "1 ", 1), Piece("none", "<th", 1)]


def test_a_prompt_can_have_opened_the_reasoning() -> None:
    assert joined(split(["hm</think>yes"], inside=True)) == [
        ("reasoning", "hm"),
        ("reasoningEndTag", "</think>"),
        ("none", "yes"),
    ]


def test_tags_may_be_any_strings() -> None:
    pieces = split(["Assis", "tant message 2"], start="sis", end="es")
    assert joined(pieces) == [
        ("none", "As"),
        ("reasoningStartTag", "sis"),
        ("reasoning", "tant m"),
        ("reasoningEndTag", "es"),
        ("none", "sage 2"),
    ]


@given(st.lists(st.sampled_from(["<", "think", ">", "</", "a", "<think>", "</think>", "<<", "thin"])))
def test_nothing_is_lost_and_nothing_is_empty(texts: list[str]) -> None:
    pieces = split(texts)
    assert "".join(piece.text for piece in pieces) == "".join(texts)
    assert sum(piece.tokens for piece in pieces) == len(texts)
    assert all(piece.text for piece in pieces)
    assert joined(pieces) == joined(split(["".join(texts)]))
