"""A query is read from whatever is typed."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given, strategies as st

from lmchat.values.search import SearchQuery, parse_query


def at(year: int, month: int = 1, day: int = 1) -> float:
    return datetime(year, month, day).timestamp()


@pytest.mark.parametrize(
    ("typed", "query"),
    [
        ("", SearchQuery()),
        ("   ", SearchQuery()),
        ("hello", SearchQuery(beginning="hello")),
        ("hello ", SearchQuery(words=("hello",))),
        ("hello wor", SearchQuery(words=("hello",), beginning="wor")),
        ('"hello wor" ld', SearchQuery(words=("hello wor",), beginning="ld")),
        ('"hello wor"', SearchQuery(words=("hello wor",))),
        ('"hello wor', SearchQuery(beginning="hello wor")),
        ('"', SearchQuery()),
        ('""', SearchQuery()),
        ("a::b", SearchQuery(beginning="a::b")),
        ("colour:red x ", SearchQuery(words=("colour:red", "x"))),
        ("http://x.org/?q ", SearchQuery(words=("http://x.org/?q",))),
        ("model:qwen tag:work ", SearchQuery(models=("qwen",), tags=("work",))),
        ('tag:"two words" x', SearchQuery(tags=("two words",), beginning="x")),
        ('tag:"two wo', SearchQuery(tags=("two wo",))),
        ("MODEL:Qwen", SearchQuery(models=("Qwen",))),
        ("role:User role:tool role:user", SearchQuery(roles=("user", "tool"))),
        ("role:nobody ", SearchQuery(words=("role:nobody",))),
        ("is:pinned is:archived is:deleted", SearchQuery(pinned=True, archived=True, deleted=True)),
        ("is:blue ", SearchQuery(words=("is:blue",))),
        ("tag: model: is: x ", SearchQuery(words=("x",))),
        ("before:2024", SearchQuery(before=at(2024))),
        ("before:2024-03 before:2024-02-29", SearchQuery(before=at(2024, 2, 29))),
        ("after:2023 after:2024-2-1", SearchQuery(after=at(2024, 2, 1))),
        ("before:2024-02-31 ", SearchQuery(words=("before:2024-02-31",))),
        ("before:0000 ", SearchQuery(words=("before:0000",))),
        ('say"this that"now ', SearchQuery(words=("say", "this that", "now"))),
    ],
)
def test_what_is_typed(typed: str, query: SearchQuery) -> None:
    assert parse_query(typed) == query


def test_days_that_have_names() -> None:
    today, yesterday = parse_query("after:today").after, parse_query("after:Yesterday").after
    assert today is not None
    assert yesterday is not None
    assert datetime.fromtimestamp(today).time() == datetime.fromtimestamp(yesterday).time() == datetime.min.time()
    assert yesterday < today <= datetime.now().timestamp()


@given(st.text(st.characters(exclude_categories=())) | st.text('ab "::-2026\n\ttagmodelbefore'))
def test_any_text_is_a_query(typed: str) -> None:
    query = parse_query(typed)
    assert all(word == word.strip() and word for word in query.words)
    assert query.has_words == bool(query.words or query.beginning)


@given(st.lists(st.text("abc", min_size=1), max_size=4))
def test_words_are_themselves(words: list[str]) -> None:
    assert parse_query(" ".join(words) + " ").words == tuple(words)
