"""Finding: what is matched, in which order, with what is left out, and with an index that is missing or broken."""

from __future__ import annotations

import itertools
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from lmchat.store import candidates, index
from lmchat.store.store import Store
from lmchat.values.chat import TextData, ToolCallRequest, ToolCallRequestData, ToolCallResultData
from lmchat.values.history import MessageRecord, Part, Provenance, ReasoningData
from lmchat.values.model import LlmInstanceInfo
from lmchat.values.prediction import LlmPredictionStats
from lmchat.values.search import SearchHit, parse_query

DONE = LlmPredictionStats(stop_reason="eosFound")


@pytest.fixture(autouse=True)
def ticking(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that shows another time whenever it is asked."""
    monkeypatch.setattr("time.time", itertools.count(1_700_000_000.0, 0.25).__next__)


def origin(model: str) -> Provenance:
    info = LlmInstanceInfo(
        model_key=model,
        format="gguf",
        display_name=model,
        path=model,
        size_bytes=1,
        max_context_length=1,
        identifier=model,
        instance_reference=model,
        context_length=1,
    )
    return Provenance(server="here", model=info)


def talk(store: Store, title: str, *texts: str | tuple[Part, ...], model: str = "tiny") -> tuple[int, list[int]]:
    """Questions and answers in turn; the conversation's number and theirs."""
    number = store.create_conversation(title).id
    ids: list[int] = []
    for count, text in enumerate(texts):
        parts = (TextData(text),) if isinstance(text, str) else text
        parent = ids[-1] if ids else None
        if count % 2 == 0:
            ids.append(store.add_message(number, parent_id=parent, role="user", parts=parts).id)
        else:
            ids.append(store.begin_answer(number, parent_id=parent, provenance=origin(model)))
            store.finish_answer(ids[-1], parts=parts, stats=DONE, provenance=origin(model))
    return number, ids


def find(store: Store, typed: str, limit: int = 100) -> list[SearchHit]:
    return store.search(parse_query(typed), limit=limit)


def found(store: Store, typed: str) -> list[tuple[int, int | None]]:
    return sorted(((hit.conversation.id, hit.message_id) for hit in find(store, typed)), key=str)


@pytest.mark.parametrize(
    ("text", "typed"),
    [
        ("The quick brown fox", "QUICK fo"),
        ("The quick brown fox", '"brown fox"'),
        ("The quick\n  brown fox", '"quick brown" fox '),
        ("Un café crème", "cafe creme "),
        ("Un cafe creme", "café crè"),
        ("Ünï u\u0301nicode", '"uni unicode"'),
        ("self.getUserName()", "username "),
        ("self.getUserName()", "name "),
        ("self.getUserName()", "getuser "),
        ("self.getUserName()", "getUserN"),
        ("parseHTTPResponse", "http "),
        ("parseHTTPResponse", "response "),
        ("max_page_count = 5", "max_page"),
        ("max_page_count = 5", "count "),
        ("use foo::bar here", "foo::bar "),
        ("modern C++ code", "c++ "),
        ("what a 😀 day", "😀"),
        ("日本語の文章です", "本語"),
        ("日本語の文章です", "章"),
        ("日本語の文章です", "です "),
        ("使用Python编程", "python "),
        ("한국어 문장을 씁니다", "문장"),
        ("ภาษาไทยไม่มีช่องว่าง", "ไทย"),
        ("Ὀδυσσεύς", "οδυσσευσ "),
        ("broken \udcff half", "half "),
        ("broken \udcff half", "\udcff"),
        ("nul\x00led", "led "),
        ("a" * 300, "a" * 300),
        ('say "hi" AND (NOT) * ^ {x}', "not"),
    ],
)
def test_what_is_found(store: Store, text: str, typed: str) -> None:
    number, (message,) = talk(store, "Title", text)
    talk(store, "Other", "something else entirely")
    assert found(store, typed) == [(number, message)]
    (hit,) = find(store, typed)
    assert hit.snippet.marks
    assert all(0 <= start < stop <= len(hit.snippet.text) for start, stop in hit.snippet.marks)
    # The same without an index.
    with store._database.writing() as db:
        index.discard(db)
        db.execute("DELETE FROM unindexed")
    assert hit in find(store, typed)


@pytest.mark.parametrize(
    ("text", "typed"),
    [
        ("The quick brown fox", "quic "),
        ("The quick brown fox", "quick dog"),
        ("The quick brown fox", '"fox brown"'),
        ("The quick brown fox", "rown"),
        ("foobar", "bar"),
        ("日本の語", "日本語"),
        ("modern C code", "c++ "),
        ("getUser Name", "username "),
    ],
)
def test_what_is_not_found(store: Store, text: str, typed: str) -> None:
    talk(store, "Title", text)
    assert found(store, typed) == []


def test_everything_that_can_be_unfolded_is_searched(store: Store) -> None:
    request = ToolCallRequestData(ToolCallRequest(name="weather", arguments={"city": "Grünau"}))
    parts: tuple[Part, ...] = (ReasoningData(text="pondering"), TextData("spoken"), request)
    number, ids = talk(store, "Heading", "asked", parts)
    result = store.add_message(number, parent_id=ids[-1], role="tool", parts=(ToolCallResultData(content="sunny"),)).id
    for typed, message in [
        ("pondering", ids[1]),
        ("spoken", ids[1]),
        ("weather", ids[1]),
        ("grunau", ids[1]),
        ("sunny", result),
        ("heading", None),
    ]:
        assert found(store, typed) == [(number, message)]


def test_an_answer_is_found_while_it_is_written_and_after(store: Store, path: Path) -> None:
    number, (asked,) = talk(store, "", "why")
    answer = store.begin_answer(number, parent_id=asked, provenance=origin("tiny"))
    store.append_to_answer(answer, [TextData("half a tho"), TextData("ught")])
    other = Store.open(path)
    assert found(other, "thought") == [(number, answer)]
    store.finish_answer(answer, parts=(TextData("whole"),), stats=DONE, provenance=origin("tiny"), error="It broke.")
    assert found(other, "thought") == []
    assert found(other, "whole") == found(other, "broke") == [(number, answer)]
    other.close()


def test_titles_are_found_by_their_present_words_only(store: Store) -> None:
    number, _ = talk(store, "Old heading")
    assert found(store, "head") == [(number, None)]
    store.rename_conversation(number, "New name")
    assert found(store, "head") == []
    store.rename_conversation(number, "Old heading")
    assert found(store, "name") == []
    assert found(store, "old head") == [(number, None)]


@pytest.mark.parametrize("few", [0, 3_000])
def test_filters(store: Store, monkeypatch: pytest.MonkeyPatch, few: int) -> None:
    monkeypatch.setattr(candidates, "_FEW", few)
    one, first = talk(store, "One", "apple pie", "apple tart", model="qwen2.5-7b")
    two, second = talk(store, "Two", "apple cake", "apple juice", model="llama-3")
    store.set_tags(one, ["Work", "two words"])
    store.pin(two)
    everything: list[tuple[int, int | None]] = [*((one, each) for each in first), *((two, each) for each in second)]
    cases: dict[str, list[tuple[int, int | None]]] = {
        "apple": everything,
        "apple role:user": [(one, first[0]), (two, second[0])],
        "apple role:user role:assistant": everything,
        "apple model:QWEN": [(one, first[1])],
        "apple model:2.5-7": [(one, first[1])],
        "apple model:gpt": [],
        "apple tag:work": [(one, each) for each in first],
        'apple tag:"two words" tag:work': [(one, each) for each in first],
        "apple tag:none": [],
        "apple is:pinned": [(two, each) for each in second],
        "apple is:pinned tag:work": [],
        "apple before:2023": [],
        "apple after:2023": everything,
        "apple after:2023 before:2024": everything,
        "apple after:2200": [],
        "tag:work": [(one, None)],
        "is:pinned": [(two, None)],
        "model:llama": [(two, second[1])],
        "role:user tag:work": [(one, first[0])],
        "": [(one, None), (two, None)],
    }
    for typed, expected in cases.items():
        assert found(store, typed) == sorted(expected, key=str), typed
    store.archive(one)
    assert found(store, "apple is:archived") == [(one, each) for each in first]
    assert found(store, "is:archived") == [(one, None)]
    assert found(store, "apple") == everything


def test_times_are_exact(store: Store) -> None:
    number, ids = talk(store, "", *(["apple"] * 6))
    times = [record.created_at for record in store.branch(number)]
    for place, at in enumerate(times):
        query = parse_query("apple ")
        before = type(query)(words=("apple",), before=at)
        after = type(query)(words=("apple",), after=at)
        assert sorted(hit.message_id or 0 for hit in store.search(before)) == ids[:place]
        assert sorted(hit.message_id or 0 for hit in store.search(after)) == ids[place:]


def test_what_is_deleted_is_found_only_when_it_is_asked_for(store: Store) -> None:
    one, first = talk(store, "One", "apple", "apple")
    two, second = talk(store, "Two", "apple")
    store.delete_message(first[1])
    store.delete_conversation(two)
    assert found(store, "apple") == [(one, first[0])]
    assert found(store, "apple is:deleted") == [(one, first[1]), (two, second[0])]
    assert found(store, "is:deleted") == [(two, None)]
    assert {hit.conversation.deleted for hit in find(store, "two is:deleted")} == {True}
    store.purge(days=0)
    assert found(store, "apple is:deleted") == []
    assert found(store, "apple") == [(one, first[0])]


def test_what_is_purged_leaves_the_index(store: Store) -> None:
    _number, ids = talk(store, "One", "apple", "quincunx")
    assert found(store, "quincunx")
    store.delete_message(ids[1])
    store.purge(days=0)
    with store._database.reading() as db:
        assert not db.execute("SELECT rowid FROM message_index WHERE message_index MATCH 'quincunx'").fetchall()
        assert len(db.execute("SELECT rowid FROM message_index WHERE message_index MATCH 'apple'").fetchall()) == 1


def test_a_conversation_that_is_purged_leaves_the_index(store: Store) -> None:
    number, _ = talk(store, "Quincunx", "apple")
    assert found(store, "quincunx")
    store.delete_conversation(number)
    store.purge(days=0)
    with store._database.reading() as db:
        for word in ("quincunx", "apple"):
            query = "SELECT rowid FROM message_index WHERE message_index MATCH ?"
            assert not db.execute(query, (word,)).fetchall()


def test_the_best_come_first_and_of_equals_the_newest(store: Store) -> None:
    filler = " ".join(["word"] * 500)
    _, (long,) = talk(store, "", f"apple {filler}")
    _, (short,) = talk(store, "", "apple pie")
    _, (often,) = talk(store, "", "apple apple apple")
    _, (newer,) = talk(store, "", "apple pie")
    title, _ = talk(store, "Apple", filler)
    assert [hit.message_id for hit in find(store, "apple")] == [None, often, newer, short, long]
    assert find(store, "apple")[0].conversation.id == title
    ranks = [hit.rank for hit in find(store, "apple")]
    assert ranks == sorted(ranks, reverse=True)


def test_pages_together_are_everything_once(store: Store) -> None:
    _number, ids = talk(store, "apple", *(["apple"] * 700))
    query = parse_query("apple")
    pages = [store.search(query, limit=150, offset=offset) for offset in range(0, 1050, 150)]
    hits = [hit.message_id for page in pages for hit in page]
    assert len(hits) == len(set(hits)) == 701
    assert set(hits) == {None, *ids}


def test_a_snippet_shows_the_place(store: Store) -> None:
    talk(store, "", "lorem ipsum " * 100 + "the needle is here " + "dolor sit " * 100)
    (hit,) = find(store, "needle he")
    text = hit.snippet.text
    assert [text[start:stop] for start, stop in hit.snippet.marks] == ["needle", "he"]
    assert text[0] == text[-1] == "…"
    assert len(text) < 250


def test_a_snippet_of_accents_and_overlaps(store: Store) -> None:
    talk(store, "", "u\u0308ber u\u0308bermorgen")
    (hit,) = find(store, "über ub")
    assert [hit.snippet.text[start:stop] for start, stop in hit.snippet.marks] == ["u\u0308ber", "u\u0308b"]


def test_a_message_that_cannot_be_read_hides_no_other(store: Store) -> None:
    number, ids = talk(store, "", "apple", "apple", "apple")
    with store._database.writing() as db:
        db.execute("""UPDATE messages SET parts = '[{"type":"hologram"}]' WHERE id = ?""", (ids[1],))
    assert found(store, "apple") == [(number, ids[0]), (number, ids[2])]


# The index


def test_an_index_that_is_gone_is_built_again(store: Store, path: Path) -> None:
    _number, _ids = talk(store, "", *(["apple"] * 20))
    assert len(found(store, "apple")) == 20
    store.rebuild_index()
    assert len(found(store, "apple")) == 20
    with store._database.reading() as db:
        assert index.is_usable(db)
        assert index.has_all(db)


def test_old_messages_get_into_the_index_step_by_step(store: Store) -> None:
    talk(store, "", *(["apple"] * 1_100))
    assert [store.index_more() for _ in range(3)] == [True, False, False]
    with store._database.reading() as db:
        assert len(db.execute("SELECT rowid FROM message_index WHERE message_index MATCH 'apple'").fetchall()) == 1_100


@pytest.mark.parametrize("part", ["data", "idx", "config"])
@pytest.mark.parametrize("damage", ["UPDATE message_index_{} SET {} = x'00ff00ff00ff'", "DROP TABLE message_index_{}"])
def test_a_broken_index_loses_nothing_and_is_built_again(store: Store, path: Path, part: str, damage: str) -> None:
    _number, _ids = talk(store, "", *(["apple"] * 20))
    assert len(found(store, "apple")) == 20
    store.close()
    column = {"data": "block", "idx": "pgno", "config": "v"}[part]
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute(damage.format(part, column))
    again = Store.open(path)
    assert again.notice is None
    assert len(found(again, "apple")) == 20
    assert len(found(again, "apple")) == 20
    talk(again, "", "apple")
    assert len(found(again, "apple")) == 21
    with again._database.reading() as db:
        assert index.is_usable(db)
        assert index.has_all(db)
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    again.close()


def test_without_fts5_everything_is_read(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "_CREATE", index._CREATE.replace("fts5", "fts5000"))
    number, ids = talk(store, "A title", "apple pie", "apple tart", model="qwen")
    assert not store.index_more()
    assert found(store, "app") == [(number, each) for each in ids]
    assert found(store, "apple model:qwen") == [(number, ids[1])]
    assert found(store, "titl") == [(number, None)]
    store.delete_conversation(number)
    assert store.purge(days=0) == 1


def test_a_search_needs_no_room_on_the_disk(store: Store) -> None:
    _number, _ids = talk(store, "", *(["apple"] * 3))
    with store._database.reading() as db:
        db.execute(f"PRAGMA max_page_count = {db.execute('PRAGMA page_count').fetchone()[0]}")
    assert len(found(store, "apple")) == 3
    with store._database.reading() as db:
        db.execute("PRAGMA query_only = ON")
    assert len(found(store, "apple")) == 3


def test_many_titles_hide_no_message_and_no_title(store: Store) -> None:
    numbers = [store.create_conversation(f"Apple {count:03}").id for count in range(350)]
    number, (message,) = talk(store, "", "apple")
    hits = [(hit.conversation.id, hit.message_id) for hit in find(store, "apple", limit=1_000)]
    assert sorted(hits[:200]) == [(each, None) for each in numbers[150:]]
    assert (number, message) in hits[:300]
    assert sorted(hits, key=str) == sorted([(number, message), *((each, None) for each in numbers)], key=str)


def test_a_page_that_was_pasted_is_looked_for(store: Store) -> None:
    page = " ".join(f"word{number}" for number in range(2_000))
    number, (message,) = talk(store, "", page)
    talk(store, "", page.replace("word1999", "another"))
    assert found(store, page) == [(number, message)]
    assert found(store, f'"{page}"') == [(number, message)]


def test_an_imported_message_is_found(store: Store) -> None:
    number, _ = talk(store, "", "apple")
    document = store.export_conversation(number)
    assert isinstance(document.messages[0], MessageRecord)
    again = store.import_conversation(document)
    forked = store.fork(again.id, store.outline(again.id)[0].id)
    assert {hit.conversation.id for hit in find(store, "apple")} == {number, again.id, forked.id}
