"""The two ends of the protocol, spoken to each other without a socket."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given, strategies as st
from msgspec import UNSET

from lmchat.protocol.errors import failure
from lmchat.protocol.multiplex import (
    MAX_WARNINGS,
    Answer,
    CallFailed,
    CallRequested,
    CallReturned,
    ChannelClosed,
    ChannelFailed,
    ChannelMessage,
    ChannelOpened,
    ClientProtocol,
    ServerProtocol,
    Warned,
)


def test_a_call_and_its_result() -> None:
    client, server = ClientProtocol(), ServerProtocol()
    call_id, message = client.call("tokenize", {"inputString": "hi"})
    assert json.loads(message) == {
        "type": "rpcCall",
        "endpoint": "tokenize",
        "callId": 1,
        "parameter": {"inputString": "hi"},
    }
    asked = server.receive(message)
    assert isinstance(asked, CallRequested)
    assert (asked.call_id, asked.endpoint) == (call_id, "tokenize")
    answered = client.receive(server.return_result(asked.call_id, {"tokens": [1]}))
    assert isinstance(answered, CallReturned)
    assert not isinstance(answered.result, msgspec.UnsetType)
    assert json.loads(bytes(answered.result)) == {"tokens": [1]}


def test_void_is_an_absent_key_in_both_directions() -> None:
    client, server = ClientProtocol(), ServerProtocol()
    call_id, message = client.call("version")
    assert "parameter" not in json.loads(message)
    reply = server.return_result(call_id)
    assert json.loads(reply) == {"type": "rpcResult", "callId": call_id}
    assert client.receive(reply) == CallReturned(call_id, UNSET)


def test_null_is_not_void() -> None:
    answered = ClientProtocol().receive('{"type":"rpcResult","callId":1,"result":null}')
    assert isinstance(answered, CallReturned)
    assert answered.result is not UNSET


def test_a_failed_call() -> None:
    client, server = ClientProtocol(), ServerProtocol()
    failed = client.receive(server.fail_call(7, failure("no", cause="why")))
    assert failed == CallFailed(7, failure("no", cause="why"))


def test_a_channel_from_its_opening_to_its_end() -> None:
    client, server = ClientProtocol(), ServerProtocol()
    channel_id, message = client.open_channel("predict", {"a": 1})
    opened = server.receive(message)
    assert isinstance(opened, ChannelOpened)
    packet = client.receive(server.send(channel_id, {"type": "x"}))
    assert isinstance(packet, ChannelMessage)
    assert json.loads(bytes(packet.message)) == {"type": "x"}
    cancel = server.receive(client.send(channel_id, {"type": "cancel"}))
    assert isinstance(cancel, ChannelMessage)
    assert client.receive(server.close_channel(channel_id)) == ChannelClosed(channel_id)


def test_a_channel_that_fails() -> None:
    client, server = ClientProtocol(), ServerProtocol()
    channel_id, message = client.open_channel("predict")
    server.receive(message)
    assert client.receive(server.fail_channel(channel_id, failure("x"))) == ChannelFailed(channel_id, failure("x"))


def test_a_word_to_a_channel_that_has_just_ended_is_no_misuse() -> None:
    client, server = ClientProtocol(), ServerProtocol()
    channel_id, message = client.open_channel("predict")
    server.receive(message)
    server.close_channel(channel_id)
    assert server.receive(client.send(channel_id, {"type": "cancel"})) is None


def test_ids_are_never_used_twice() -> None:
    client = ClientProtocol()
    assert [client.call("a")[0] for _ in range(3)] == [1, 2, 3]
    assert [client.open_channel("a")[0] for _ in range(3)] == [1, 2, 3]


def test_a_channel_id_in_use_is_warned_of() -> None:
    server = ServerProtocol()
    create = '{"type":"channelCreate","endpoint":"predict","channelId":1}'
    assert isinstance(server.receive(create), ChannelOpened)
    assert _warning(server.receive(create))["kind"] == "channelAlreadyOpen"


def test_misuse_is_warned_of_five_times_and_then_ignored() -> None:
    server = ServerProtocol()
    answers = [server.receive("nonsense") for _ in range(MAX_WARNINGS + 3)]
    assert [_warning(answer)["type"] for answer in answers[:MAX_WARNINGS]] == ["communicationWarning"] * MAX_WARNINGS
    assert answers[MAX_WARNINGS:] == [None] * 3


def test_a_channel_that_cannot_be_opened_is_forgotten() -> None:
    server = ServerProtocol()
    create = '{"type":"channelCreate","endpoint":"nope","channelId":1}'
    server.receive(create)
    refused = server.refuse_channel(1, "There is no endpoint nope.", "channelEndpointUnknown")
    assert "nope" in _warning(refused)["warning"]
    assert isinstance(server.receive(create), ChannelOpened)


@pytest.mark.parametrize("kind", ["signalSubscribe", "writableSignalSubscribe"])
def test_there_are_no_signals(kind: str) -> None:
    answer = ServerProtocol().receive(json.dumps({"type": kind, "endpoint": "e", "subscribeId": 0}))
    assert "signal" in _warning(answer)["warning"]


def test_keep_alive_is_answered_and_only_then() -> None:
    answer = ServerProtocol().receive('{"type":"keepAlive"}')
    assert isinstance(answer, Answer)
    assert json.loads(answer.text) == {"type": "keepAliveAck"}


def test_warnings_are_heard_and_not_answered() -> None:
    warning = '{"type":"communicationWarning","warning":"w"}'
    assert ClientProtocol().receive(warning) == Warned("w")
    assert ServerProtocol().receive(warning) == Warned("w")


def test_half_a_surrogate_pair_becomes_a_replacement_character() -> None:
    event = ClientProtocol().receive(r'{"type":"channelSend","channelId":1,"message":{"content":"a\ud83d"}}')
    assert isinstance(event, ChannelMessage)
    assert json.loads(bytes(event.message)) == {"content": "a\ufffd"}
    _, sent = ClientProtocol().call("tokenize", {"inputString": "a\ud83d"})
    assert json.loads(sent)["parameter"] == {"inputString": "a\ufffd"}


@given(st.text() | st.binary() | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(json.dumps))
def test_whatever_comes_is_an_event_and_never_an_error(message: str | bytes) -> None:
    ClientProtocol().receive(message)
    ServerProtocol().receive(message)


def _warning(answer: object) -> dict[str, str]:
    assert isinstance(answer, Answer)
    warning: dict[str, str] = json.loads(answer.text)
    return warning
