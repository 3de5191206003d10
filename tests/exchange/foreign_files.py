"""Files of other programs, written after the shapes that readers of the real ones describe."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

STATS = {
    "stopReason": "eosFound",
    "tokensPerSecond": 41.5,
    "numGpuLayers": -1,
    "timeToFirstTokenSec": 0.25,
    "totalTimeSec": 2.5,
    "promptTokensCount": 30,
    "predictedTokensCount": 12,
    "totalTokensCount": 42,
}


def said(text: str, **more: Any) -> dict[str, Any]:
    """A piece of text as LM Studio keeps it."""
    return {"type": "text", "text": text, **more}


def user(text: str) -> dict[str, Any]:
    """A version of what a person said."""
    return {
        "type": "singleStep",
        "role": "user",
        "content": [said(text)],
        "preprocessed": {"role": "user", "content": [said(f"Context.\n\n{text}")]},
    }


def block(*content: dict[str, Any], at: int = 1_733_000_010_000, **more: Any) -> dict[str, Any]:
    """A step of an answer."""
    return {
        "type": "contentBlock",
        "stepIdentifier": f"{at}-0.4711",
        "content": list(content),
        "defaultShouldIncludeInContext": True,
        "shouldIncludeInContext": True,
        **more,
    }


def generation(model: str, **more: Any) -> dict[str, Any]:
    """What LM Studio keeps of how a block came to be."""
    return {
        "indexedModelIdentifier": f"publisher/{model}/{model}.gguf",
        "identifier": model,
        "loadModelConfig": {"fields": [{"key": "llm.load.contextLength", "value": 8192}]},
        "predictionConfig": {
            "fields": [
                {"key": "llm.prediction.temperature", "value": 0.6},
                {"key": "llm.prediction.topPSampling", "value": {"checked": True, "value": 0.9}},
                {"key": "llm.prediction.systemPrompt", "value": "Be kind."},
            ]
        },
        "stats": STATS,
        **more,
    }


def answer(*steps: dict[str, Any], sender: str = "qwen3-8b") -> dict[str, Any]:
    """A version of what a model said."""
    return {"type": "multiStep", "role": "assistant", "senderInfo": {"senderName": sender}, "steps": list(steps)}


def versions(*each: dict[str, Any], selected: int = 0) -> dict[str, Any]:
    """A message with its versions."""
    return {"versions": list(each), "currentlySelected": selected}


# LM Studio 0.3.22 and later: thoughts in blocks of their own, structural pieces for their tags, debug and status steps.
LMSTUDIO: dict[str, Any] = {
    "name": "Trip",
    "pinned": True,
    "createdAt": 1_733_000_000_000,
    "preset": "",
    "tokenCount": 42,
    "userLastMessagedAt": 1_733_000_020_000,
    "assistantLastMessagedAt": 1_733_000_030_000,
    "systemPrompt": "",
    "messages": [
        versions(user("Where to?"), user("Where to go?"), selected=1),
        versions(
            answer(block(said("To the sea."), genInfo=generation("qwen3-4b"))),
            answer(
                {"type": "status", "stepIdentifier": "x-1", "statusState": {"status": "done", "text": "Loaded"}},
                block(
                    said("<think>", isStructural=True, tokensCount=1),
                    said("Mountains", tokensCount=3),
                    said(" or sea?", tokensCount=4),
                    said("</think>", isStructural=True, tokensCount=1),
                    style={"type": "thinking", "ended": True, "title": "Thought for 1 minute 2.5 seconds"},
                ),
                block(
                    said("To the ", fromDraftModel=True, tokensCount=2),
                    said("mountains."),
                    genInfo=generation("qwen3-8b"),
                ),
                {"type": "debugInfoBlock", "stepIdentifier": "x-2", "debugInfo": "Conversation naming technique"},
                {"type": "citationBlock", "stepIdentifier": "x-3", "citedText": "…", "source": {}},
            ),
            selected=1,
        ),
        versions(user("Which?")),
        versions(answer(block(said("The Alps."), at=1_733_000_030_000, genInfo=generation("qwen3-8b")))),
    ],
    "usePerChatPredictionConfig": True,
    "perChatPredictionConfig": {"fields": [{"key": "llm.prediction.systemPrompt", "value": "Be kind."}]},
    "lastUsedModel": {"identifier": "qwen3-8b", "indexedModelIdentifier": "publisher/qwen3-8b/qwen3-8b.gguf"},
    "clientInput": "",
    "clientInputFiles": [],
    "notes": [],
    "plugins": ["mcp/files"],
}

# LM Studio 0.3.17 and later with a tool: request and result share a callId; an image; the user's file.
LMSTUDIO_TOOLS: dict[str, Any] = {
    "name": "Files",
    "createdAt": 1_733_100_000_000,
    "systemPrompt": "Old prompt",
    "usePerChatPredictionConfig": False,
    "messages": [
        versions(
            {
                "type": "singleStep",
                "role": "user",
                "content": [
                    {"type": "file", "fileIdentifier": "1733.png", "fileType": "image", "sizeBytes": 77},
                    said("Read a.txt"),
                ],
            }
        ),
        versions(
            answer(
                block(
                    said("Let me look."),
                    {
                        "type": "toolCallRequest",
                        "callId": 7,
                        "toolCallRequestId": "call-7",
                        "pluginIdentifier": "mcp/files",
                        "name": "read",
                        "parameters": {"path": "a.txt"},
                    },
                    genInfo=generation("qwen3-8b", stats={**STATS, "stopReason": "toolCalls"}),
                ),
                {"type": "toolStatus", "stepIdentifier": "x", "callId": 7, "statusState": {"status": {"type": "done"}}},
                block({"type": "toolCallResult", "callId": 7, "content": '[{"type":"text","text":"hello"}]'}),
                block(said("It says hello."), {"type": "hologram"}, genInfo=generation("qwen3-8b")),
                {"type": "dance"},
            )
        ),
    ],
    "lastUsedModel": {"identifier": "qwen3-8b"},
}

# LM Studio 0.3.0 to 0.3.8: thoughts were text between tags, and stats had fewer fields.
LMSTUDIO_EARLY: dict[str, Any] = {
    "name": "Early",
    "createdAt": 1_725_000_000_000,
    "messages": [
        versions(user("Why?")),
        versions(
            answer(
                block(
                    said("<think>\nBecause.\n</think>\n\nSo."),
                    genInfo={
                        "identifier": "deepseek-r1",
                        "stats": {"tokensPerSecond": "fast", "stopReason": "eosFound"},
                    },
                ),
                sender="",
            )
        ),
    ],
    "lastUsedModel": {"identifier": "deepseek-r1"},
}

# Converted from the chats of LM Studio 0.2: messages without versions, content as a string.
LMSTUDIO_BARE: dict[str, Any] = {
    "clientInput": "",
    "messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}],
}


def node(name: str, parent: str | None, children: list[str], message: dict[str, Any] | None) -> dict[str, Any]:
    """A node of ChatGPT's mapping."""
    return {"id": name, "parent": parent, "children": children, "message": message and {"id": name, **message}}


def spoken(role: str, text: str = "", *, at: float | None = None, **more: Any) -> dict[str, Any]:
    """A message of ChatGPT's."""
    return {
        "author": {"role": role, "name": None, "metadata": {}},
        "create_time": at,
        "update_time": None,
        "content": {"content_type": "text", "parts": [text]},
        "status": "finished_successfully",
        "end_turn": True,
        "weight": 1.0,
        "metadata": {},
        "recipient": "all",
        **more,
    }


def conversation(*nodes: dict[str, Any], current: str, **more: Any) -> dict[str, Any]:
    """A conversation of ChatGPT's export."""
    return {
        "title": "Talk",
        "create_time": 1_700_000_000.5,
        "update_time": 1_700_000_100.5,
        "mapping": {each["id"]: each for each in nodes},
        "moderation_results": [],
        "current_node": current,
        "plugin_ids": None,
        "conversation_id": "c",
        **more,
    }


HIDDEN = {"is_visually_hidden_from_conversation": True}

# The export of 2023 and 2024: a root without a message, an empty system message, custom instructions, a regenerated
# answer and an edited question.
CHATGPT = conversation(
    node("root", None, ["sys"], None),
    node("sys", "root", ["ctx"], spoken("system", weight=0.0)),
    node(
        "ctx",
        "sys",
        ["q", "q2"],
        spoken("user", metadata=HIDDEN, content={"content_type": "user_editable_context", "user_profile": "I am me"}),
    ),
    node("q", "ctx", ["a1", "a2"], spoken("user", "Why?", at=1_700_000_010.0)),
    node(
        "a1",
        "q",
        [],
        spoken("assistant", "Because.", at=1_700_000_011.0, metadata={"model_slug": "gpt-4"}),
    ),
    node(
        "a2",
        "q",
        [],
        spoken(
            "assistant",
            "Therefore.",
            at=1_700_000_012.0,
            metadata={"model_slug": "gpt-4", "finish_details": {"type": "max_tokens"}},
        ),
    ),
    node("q2", "ctx", [], spoken("user", "Why not?", at=1_700_000_013.0)),
    current="a2",
    is_archived=True,
)

# The export of 2025: thoughts and their recap, a call of the code interpreter, its output, an image that was shown.
CHATGPT_TOOLS = conversation(
    node("r", None, ["q"], None),
    node(
        "q",
        "r",
        ["hide"],
        spoken(
            "user",
            at=1_765_000_000.0,
            content={
                "content_type": "multimodal_text",
                "parts": [
                    {
                        "content_type": "image_asset_pointer",
                        "asset_pointer": "file-service://file-1",
                        "width": 640,
                        "height": 480,
                        "size_bytes": 9,
                    },
                    {"content_type": "audio_transcription", "text": "spoken words", "direction": "in"},
                    {"content_type": "real_time_user_audio_video_asset_pointer", "audio_asset_pointer": {}},
                    "Plot it",
                    None,
                    {"content_type": "smell"},
                ],
            },
        ),
    ),
    node("hide", "q", ["t"], spoken("system", metadata=HIDDEN)),
    node(
        "t",
        "hide",
        ["recap"],
        spoken(
            "assistant",
            content={
                "content_type": "thoughts",
                "thoughts": [{"summary": "Plan", "content": "Use code.", "chunks": [], "finished": True}, {}],
            },
        ),
    ),
    node(
        "recap",
        "t",
        ["call"],
        spoken(
            "assistant",
            content={"content_type": "reasoning_recap", "content": "Thought for 8s"},
            metadata={"finished_duration_sec": 8},
        ),
    ),
    node(
        "call",
        "recap",
        ["out"],
        spoken(
            "assistant",
            content={"content_type": "code", "language": "unknown", "text": "plot()"},
            recipient="python",
            metadata={"model_slug": "gpt-5-thinking"},
        ),
    ),
    node(
        "out",
        "call",
        ["final"],
        spoken(
            "tool",
            author={"role": "tool", "name": "python", "metadata": {}},
            content={"content_type": "execution_output", "text": "<Figure>"},
            metadata={"parent_id": "call"},
        ),
    ),
    node(
        "final",
        "out",
        [],
        spoken("assistant", "Here.", at=1_765_000_009.0, metadata={"model_slug": "gpt-5-thinking"}),
    ),
    current="final",
    title="Plot",
    is_starred=True,
)


def as_json(value: object) -> bytes:
    """A value as the content of a file."""
    return json.dumps(value).encode()


# llm 0.1 and 0.2, after its migration m008: one table.
LLM_OLDEST = """
CREATE TABLE [logs] ([id] INTEGER PRIMARY KEY, [model] TEXT, [prompt] TEXT, [system] TEXT, [prompt_json] TEXT,
    [options_json] TEXT, [response] TEXT, [response_json] TEXT, [reply_to_id] INTEGER REFERENCES [logs]([id]),
    [chat_id] INTEGER, [duration_ms] INTEGER, [datetime_utc] TEXT);
INSERT INTO logs (id, model, prompt, system, response, chat_id, datetime_utc) VALUES
    (1, 'gpt-3.5-turbo', 'Hi', NULL, 'Hello', NULL, '2023-06-01 10:00:00.000000'),
    (2, 'gpt-3.5-turbo', 'More', NULL, 'Again', 1, '2023-06-01 10:01:00.000000'),
    (3, 'gpt-4', 'Other', 'Be brief', 'Yes', NULL, '2023-06-02 10:00:00.000000');
"""

# llm 0.26 to 0.31, after its migration m022, with full-text search, fragments, an attachment and a tool.
LLM_RESPONSES = """
CREATE TABLE [conversations] ([id] TEXT PRIMARY KEY, [name] TEXT, [model] TEXT);
CREATE TABLE "responses" ([id] TEXT PRIMARY KEY, [model] TEXT, [prompt] TEXT, [system] TEXT, [prompt_json] TEXT,
    [options_json] TEXT, [response] TEXT, [response_json] TEXT, [conversation_id] TEXT REFERENCES [conversations]([id]),
    [duration_ms] INTEGER, [datetime_utc] TEXT, [input_tokens] INTEGER, [output_tokens] INTEGER, [token_details] TEXT,
    [schema_id] TEXT, [resolved_model] TEXT, [reasoning] TEXT);
CREATE VIRTUAL TABLE [responses_fts] USING FTS5 ([prompt], [response], content=[responses]);
CREATE TABLE [attachments] ([id] TEXT PRIMARY KEY, [type] TEXT, [path] TEXT, [url] TEXT, [content] BLOB);
CREATE TABLE [prompt_attachments] ([response_id] TEXT, [attachment_id] TEXT, [order] INTEGER,
    PRIMARY KEY ([response_id], [attachment_id]));
CREATE TABLE [fragments] ([id] INTEGER PRIMARY KEY, [hash] TEXT, [content] TEXT, [datetime_utc] TEXT, [source] TEXT);
CREATE TABLE "prompt_fragments" ([response_id] TEXT, [fragment_id] INTEGER, [order] INTEGER,
    PRIMARY KEY ([response_id], [fragment_id], [order]));
CREATE TABLE "system_fragments" ([response_id] TEXT, [fragment_id] INTEGER, [order] INTEGER,
    PRIMARY KEY ([response_id], [fragment_id], [order]));
CREATE TABLE [tool_calls] ([id] INTEGER PRIMARY KEY, [response_id] TEXT, [tool_id] INTEGER, [name] TEXT,
    [arguments] TEXT, [tool_call_id] TEXT);
CREATE TABLE "tool_results" ([id] INTEGER PRIMARY KEY, [response_id] TEXT, [tool_id] INTEGER, [name] TEXT,
    [output] TEXT, [tool_call_id] TEXT, [instance_id] INTEGER, [exception] TEXT);
INSERT INTO conversations VALUES ('c1', 'Asking', 'qwen3');
INSERT INTO responses (id, model, prompt, system, options_json, response, conversation_id, duration_ms, datetime_utc,
    input_tokens, output_tokens, resolved_model, reasoning) VALUES
    ('r1', 'qwen3', 'What time?', 'Be brief', '{"temperature": 0.2, "seed": "x"}', '', 'c1', 1500,
        '2025-05-01T10:00:00.000000+00:00', 10, 3, NULL, 'A tool knows.'),
    ('r2', 'qwen3', '', 'Be brief', NULL, 'Ten.', 'c1', 500,
        '2025-05-01T10:00:02.000000+00:00', 20, 2, 'qwen3:8b', NULL),
    ('r3', 'qwen3', 'Thanks', NULL, NULL, 'Sure', 'c1', 400,
        '2025-05-01T10:01:00.000000+00:00', NULL, NULL, NULL, NULL);
INSERT INTO fragments (id, content) VALUES (1, 'A long file'), (2, 'A rule');
INSERT INTO prompt_fragments VALUES ('r1', 1, 0);
INSERT INTO system_fragments VALUES ('r1', 2, 0), ('r2', 2, 0);
INSERT INTO attachments VALUES ('h', 'image/png', '/tmp/a.png', NULL, NULL);
INSERT INTO prompt_attachments VALUES ('r3', 'h', 0);
INSERT INTO tool_calls VALUES (1, 'r1', 1, 'clock', '{"zone": "UTC"}', 'tc1');
INSERT INTO tool_results (id, response_id, tool_id, name, output, tool_call_id) VALUES
    (1, 'r2', 1, 'clock', '10:00', 'tc1');
"""

# llm 0.32, after its migration m027: threads that share a tree of messages; the older tables stay, here with a copy.
LLM_THREADS = """
CREATE TABLE "messages" ("hash" TEXT PRIMARY KEY, "parent_hash" TEXT, "role" TEXT, "provider_metadata" TEXT);
CREATE TABLE "parts" ("id" INTEGER PRIMARY KEY, "message_hash" TEXT, "position" INTEGER, "type" TEXT, "tool_name" TEXT,
    "text" TEXT, "payload" TEXT);
CREATE TABLE "threads" ("id" TEXT PRIMARY KEY, "name" TEXT, "tip_message_hash" TEXT, "forked_from" TEXT,
    "datetime_utc" TEXT);
CREATE TABLE "turns" ("id" TEXT PRIMARY KEY, "thread_id" TEXT, "parent_message_hash" TEXT, "tip_message_hash" TEXT,
    "model" TEXT, "resolved_model" TEXT, "options_json" TEXT, "schema_id" TEXT, "input_tokens" INTEGER,
    "output_tokens" INTEGER, "token_details" TEXT, "duration_ms" INTEGER, "datetime_utc" TEXT, "response_json" TEXT);
CREATE VIEW message_tree AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x FROM n;
INSERT INTO messages VALUES ('s', NULL, 'system', NULL), ('u', 's', 'user', NULL), ('a', 'u', 'assistant', NULL),
    ('t', 'a', 'tool', NULL), ('b', 't', 'assistant', NULL), ('v', 'b', 'user', NULL), ('w', 'v', 'assistant', NULL),
    ('x', 'b', 'user', NULL), ('y', 'x', 'assistant', NULL);
INSERT INTO parts (message_hash, position, type, text, payload) VALUES
    ('s', 0, 'text', 'Be brief', NULL),
    ('u', 0, 'text', NULL, '{"text_ref": [{"literal": "Read "}, {"fragment": 1}]}'),
    ('u', 1, 'attachment', NULL, '{"attachment": {"id": "h"}}'),
    ('a', 1, 'tool_call', NULL, '{"name": "clock", "arguments": {"zone": "UTC"}, "tool_call_id": "k"}'),
    ('a', 0, 'reasoning', 'A tool knows.', NULL),
    ('t', 0, 'tool_result', NULL, '{"name": "clock", "output": "10:00", "tool_call_id": "k"}'),
    ('b', 0, 'text', 'Ten.', NULL),
    ('v', 0, 'text', 'And now?', NULL), ('w', 0, 'text', 'Eleven.', NULL),
    ('x', 0, 'text', 'And then?', NULL), ('y', 0, 'text', 'Twelve.', NULL), ('y', 1, 'hologram', 'x', NULL);
INSERT INTO threads VALUES ('c1', 'Time', 'y', NULL, '2026-08-01 10:00:00+00:00');
INSERT INTO turns (id, thread_id, tip_message_hash, model, options_json, input_tokens, output_tokens, duration_ms,
    datetime_utc) VALUES
    ('1', 'c1', 'a', 'qwen3', '{"temperature": 0.5}', 9, 3, 100, '2026-08-01T10:00:00+00:00'),
    ('2', 'c1', 'b', 'qwen3', NULL, 12, 1, 100, '2026-08-01T10:00:01+00:00'),
    ('3', 'c1', 'w', 'qwen3', NULL, 14, 1, 100, '2026-08-01T10:00:02+00:00'),
    ('4', 'c1', 'y', 'qwen3', NULL, 14, 1, 100, '2026-08-01T10:00:03+00:00');
"""


def database(path: Path, *scripts: str) -> Path:
    """A database made by these statements."""
    connection = sqlite3.connect(path)
    for script in scripts:
        connection.executescript(script)
    connection.commit()
    connection.close()
    return path
