"""Migrations: from nothing, from the oldest shape, refused for what is not ours."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from lmchat.store import schema
from lmchat.store.store import Store
from lmchat.values.chat import (
    FileHandle,
    TextData,
    ToolCallRequest,
    ToolCallRequestData,
    ToolCallResultData,
)
from lmchat.values.config import LlmLoadModelConfig, LlmPredictionConfig
from lmchat.values.errors import StoreError
from lmchat.values.history import MessageRecord, Provenance, ReasoningData
from lmchat.values.model import LlmInstanceInfo, Quantization
from lmchat.values.prediction import LlmPredictionStats
from lmchat.values.search import parse_query

# What the first released version wrote. It is never changed: whatever comes later has to read it.
OLDEST = """
PRAGMA application_id = 1819108200;
CREATE TABLE conversations (
    id INTEGER PRIMARY KEY AUTOINCREMENT, title TEXT NOT NULL, created_at REAL NOT NULL, updated_at REAL NOT NULL,
    leaf_id INTEGER, FOREIGN KEY (id, leaf_id) REFERENCES messages (conversation_id, id)
);
CREATE INDEX conversations_by_activity ON conversations (updated_at);
CREATE TABLE messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    conversation_id INTEGER NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    parent_id INTEGER, role TEXT NOT NULL, parts TEXT NOT NULL, created_at REAL NOT NULL, stats TEXT, provenance TEXT,
    error TEXT, owner TEXT, UNIQUE (conversation_id, id),
    FOREIGN KEY (conversation_id, parent_id) REFERENCES messages (conversation_id, id)
);
CREATE INDEX messages_by_parent ON messages (conversation_id, parent_id);
CREATE INDEX messages_being_written ON messages (owner) WHERE owner IS NOT NULL;
CREATE TABLE journal (
    message_id INTEGER NOT NULL REFERENCES messages (id) ON DELETE CASCADE, seq INTEGER NOT NULL, kind TEXT NOT NULL,
    text TEXT NOT NULL, PRIMARY KEY (message_id, seq)
) WITHOUT ROWID;
CREATE TABLE prompt_history (id INTEGER PRIMARY KEY AUTOINCREMENT, text TEXT NOT NULL, at REAL NOT NULL);

INSERT INTO conversations VALUES (1, 'Old times', 1700000000.5, 1700000003.5, NULL);
INSERT INTO messages VALUES
    (1, 1, NULL, 'user', '[{"type":"text","text":"Hello"},{"type":"file","name":"a.png","identifier":"f1",
        "sizeBytes":12,"fileType":"image"}]', 1700000001.5, NULL, NULL, NULL, NULL),
    (2, 1, 1, 'assistant', '[{"type":"reasoning","text":"Hm.","tokens":2,"seconds":0.5},{"type":"text","text":"Hi"},
        {"type":"toolCallRequest","toolCallRequest":{"type":"function","name":"add","id":"c1","arguments":{"a":1}}}]',
        1700000002.5,
        '{"stopReason":"eosFound","tokensPerSecond":20.5,"predictedTokensCount":7}',
        '{"server":"local","model":{"type":"llm","modelKey":"tiny","format":"gguf","displayName":"Tiny","path":"p/t.gguf",
          "sizeBytes":100,"maxContextLength":2048,"deviceIdentifier":null,"quantization":{"name":"Q4","bits":4},
          "identifier":"tiny","instanceReference":"r1","contextLength":1024,"ttlMs":null,"lastUsedTime":null,
          "vision":false,"trainedForToolUse":true},
          "load_config":{"contextLength":1024},"prediction_config":{"temperature":0.5,"topPSampling":false},
          "measured_by":"client"}', NULL, NULL),
    (3, 1, 2, 'tool', '[{"type":"toolCallResult","content":"2","toolCallId":"c1","name":"add"}]', 1700000003.0,
        NULL, NULL, NULL, NULL),
    (4, 1, 3, 'assistant', '[]', 1700000003.5, NULL, '{"server":"local"}', NULL, 'somebody');
INSERT INTO journal VALUES (4, 1, 'text', 'It is '), (4, 2, 'text', 'two');
UPDATE conversations SET leaf_id = 4;
INSERT INTO prompt_history VALUES (1, 'Hello', 1700000001.5);
PRAGMA user_version = 1;
"""

# What the second version added, with a message of its time.
SECOND = (
    OLDEST
    + """
ALTER TABLE messages ADD COLUMN size INTEGER NOT NULL DEFAULT 0;
ALTER TABLE messages ADD COLUMN tokens INTEGER NOT NULL DEFAULT 0;
CREATE INDEX messages_outline ON messages (conversation_id, id, parent_id, role, size, tokens);
UPDATE messages SET size = 5;
INSERT INTO conversations VALUES (7, 'Newer', 1700000005.5, 1700000006.5, NULL);
INSERT INTO messages (id, conversation_id, role, parts, created_at, size)
    VALUES (9, 7, 'user', '[{"type":"text","text":"Grüße"}]', 1700000006.5, 5);
UPDATE conversations SET leaf_id = 9 WHERE id = 7;
PRAGMA user_version = 2;
"""
)

OLDEST_MESSAGES = [
    MessageRecord(
        id=1,
        parent_id=None,
        role="user",
        parts=(TextData("Hello"), FileHandle(name="a.png", identifier="f1", size_bytes=12, file_type="image")),
        created_at=1700000001.5,
    ),
    MessageRecord(
        id=2,
        parent_id=1,
        role="assistant",
        parts=(
            ReasoningData(text="Hm.", tokens=2, seconds=0.5),
            TextData("Hi"),
            ToolCallRequestData(ToolCallRequest(name="add", id="c1", arguments={"a": 1})),
        ),
        created_at=1700000002.5,
        stats=LlmPredictionStats(stop_reason="eosFound", tokens_per_second=20.5, predicted_tokens_count=7),
        provenance=Provenance(
            server="local",
            model=LlmInstanceInfo(
                model_key="tiny",
                format="gguf",
                display_name="Tiny",
                path="p/t.gguf",
                size_bytes=100,
                max_context_length=2048,
                quantization=Quantization("Q4", 4),
                identifier="tiny",
                instance_reference="r1",
                context_length=1024,
                trained_for_tool_use=True,
            ),
            load_config=LlmLoadModelConfig(context_length=1024),
            prediction_config=LlmPredictionConfig(temperature=0.5, top_p_sampling=False),
            measured_by="client",
        ),
    ),
    MessageRecord(
        id=3,
        parent_id=2,
        role="tool",
        parts=(ToolCallResultData(content="2", tool_call_id="c1", name="add"),),
        created_at=1700000003.0,
    ),
    MessageRecord(
        id=4,
        parent_id=3,
        role="assistant",
        parts=(TextData("It is two"),),
        created_at=1700000003.5,
        provenance=Provenance(server="local"),
    ),
]


def shape(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """Tables with their columns and keys, indices with their columns, and the version."""
    with closing(sqlite3.connect(path)) as db:
        found: dict[str, list[tuple[object, ...]]] = {"version": db.execute("PRAGMA user_version").fetchall()}
        for kind, name in db.execute("SELECT type, name FROM sqlite_master ORDER BY name").fetchall():
            pragmas = ("table_info", "foreign_key_list") if kind == "table" else ("index_info",)
            found[name] = [row for pragma in pragmas for row in db.execute(f"PRAGMA {pragma}({name})")]
        return found


def write(path: Path, script: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as db:
        db.executescript(script)


@pytest.mark.parametrize("script", [OLDEST, SECOND])
def test_a_new_file_and_an_old_one_come_to_the_same_shape(path: Path, tmp_path: Path, script: str) -> None:
    old = tmp_path / "old" / "chats.db"
    write(old, script)
    for file in (path, old):
        Store.open(file).close()
    assert shape(path) == shape(old)
    assert shape(path)["version"] == [(len(schema.MIGRATIONS),)]


def test_what_the_oldest_version_wrote_is_read(path: Path) -> None:
    write(path, OLDEST)
    store = Store.open(path)
    try:
        assert store.notice is None
        assert [found.title for found in store.conversations()] == ["Old times"]
        assert store.branch(1) == OLDEST_MESSAGES
        assert store.prompts() == ["Hello"]
        assert store.recover() == [4]
        assert store.branch(1)[3].parts == (TextData("It is two"),)
    finally:
        store.close()


def test_what_old_versions_wrote_is_listed_found_and_changed_like_anything(path: Path) -> None:
    write(path, SECOND)
    store = Store.open(path)
    try:
        newer, old = store.conversations()
        assert (newer.id, newer.title, newer.model, newer.message_count) == (7, "Newer", None, 1)
        assert (old.id, old.model, old.message_count, old.title_by) == (1, "tiny", 4, "words")
        assert (old.pinned, old.archived, old.deleted, old.tags, old.forked_from) == (False, False, False, (), None)
        for typed, number, message in [
            ("gruss", None, None),
            ("GRÜSSE", None, None),
            ("grüße", 7, 9),
            ("old times", 1, None),
            ("hm model:tiny", 1, 2),
            ("hm model:small", None, None),
            ("two", 1, 4),
        ]:
            hits = [(hit.conversation.id, hit.message_id) for hit in store.search(parse_query(typed))]
            assert hits == ([] if number is None else [(number, message)]), typed
        assert store.changes().conversations == ()
        assert store.recover() == [4]
        assert [hit.message_id for hit in store.search(parse_query("two"))] == [4]
        assert store.changes().conversations == (1,)
        assert store.delete_message(2) == 1
        assert store.undelete_message(2) == 4
        assert [node.stop_reason for node in store.tree(1)] == [None, "eosFound", None, "interrupted"]
        assert store.add_message(7, parent_id=9, role="user", parts=()).id == 10
    finally:
        store.close()


def test_what_the_oldest_version_wrote_has_outlines(path: Path) -> None:
    write(path, OLDEST)
    write(
        path,
        """
        UPDATE messages SET error = 'It broke.' WHERE id = 2;
        UPDATE messages SET stats = '{"stopReason":"stopStringFound","stopString":"\\"predictedTokensCount\\":3"}'
            WHERE id = 3;
        """,
    )
    store = Store.open(path)
    try:
        outlines = store.outline(1)
        assert [(outline.id, outline.role) for outline in outlines] == [
            (1, "user"),
            (2, "assistant"),
            (3, "tool"),
            (4, "assistant"),
        ]
        assert [outline.tokens for outline in outlines] == [0, 7, 0, 0]
        # About as large as they are: what was written in those days is measured with its quotes and names.
        for outline, record in zip(outlines[:3], store.branch(1)[:3], strict=True):
            assert record.outline.size <= outline.size <= record.outline.size + 400
    finally:
        store.close()


@pytest.mark.parametrize("size", [0, 1, 1000])
@pytest.mark.parametrize("tokens", [0, 1, 12_345])
def test_the_outline_of_an_old_answer_follows_its_text_and_stats(path: Path, size: int, tokens: int) -> None:
    write(path, OLDEST)
    parts = json.dumps([{"type": "text", "text": "語" * size}], ensure_ascii=False)
    stats = f'{{"stopReason":"eosFound","predictedTokensCount":{tokens},"totalTokensCount":99}}'
    write(path, f"UPDATE messages SET parts = '{parts}', stats = '{stats}' WHERE id = 2")
    store = Store.open(path)
    try:
        outline = store.outline(1)[1]
        assert (outline.tokens, outline.size) == (tokens, len(parts))
    finally:
        store.close()


def test_each_migration_runs_once(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Store.open(path).close()
    later = (*schema.MIGRATIONS, ("CREATE TABLE later (at REAL)", "INSERT INTO later VALUES (1)"))
    monkeypatch.setattr(schema, "MIGRATIONS", later)
    for _ in range(2):
        Store.open(path).close()
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT at FROM later").fetchall() == [(1,)]


def test_a_migration_that_fails_leaves_nothing_behind(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Store.open(path).close()
    before = shape(path)
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, ("CREATE TABLE later (at REAL)", "NONSENSE")))
    with pytest.raises(StoreError):
        Store.open(path)
    assert shape(path) == before


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (OLDEST + "PRAGMA user_version = 900;", "newer lmchat"),
        ("CREATE TABLE bookmarks (url TEXT);", "another program"),
        ("PRAGMA user_version = 3;", "another program"),
    ],
)
def test_a_file_that_is_not_ours_to_change_stays_as_it_is(path: Path, script: str, words: str) -> None:
    write(path, script)
    before = path.read_bytes()
    with pytest.raises(StoreError, match=words):
        Store.open(path)
    assert path.read_bytes() == before
    assert not list(path.parent.glob("*corrupt*"))
