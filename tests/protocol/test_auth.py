from __future__ import annotations

import json

import pytest

from lmchat.protocol import auth
from lmchat.protocol.auth import Credentials, Gatekeeper, new_token
from lmchat.values.errors import LMStudioValueError

TOKEN = "sk-lm-abcdefgh:ABCDEFGHIJKLMNOPQRST"


def test_a_token_never_travels_whole() -> None:
    packet = json.loads(auth.request(Credentials.from_token(TOKEN)))
    assert packet == {"authVersion": 1, "clientIdentifier": "abcdefgh", "clientPasskey": "ABCDEFGHIJKLMNOPQRST"}


def test_a_wrong_token_is_refused_and_not_repeated() -> None:
    with pytest.raises(LMStudioValueError) as caught:
        Credentials.from_token("sk-lm-SECRET")
    assert "SECRET" not in str(caught.value)


def test_credentials_do_not_show_in_a_repr() -> None:
    assert "ABCDEFGH" not in repr(Credentials.from_token(TOKEN))


def test_new_tokens_are_tokens_and_differ() -> None:
    assert Credentials.from_token(new_token()) != Credentials.from_token(new_token())


def test_what_the_client_asks_the_server_reads() -> None:
    guest = Credentials.guest()
    assert auth.read_request(auth.request(guest)) == guest


@pytest.mark.parametrize(
    "message", ["", "{}", "[]", '{"authVersion":1}', b"\xff", '{"clientIdentifier":1,"clientPasskey":2}']
)
def test_anything_else_is_no_handshake(message: str | bytes) -> None:
    assert auth.read_request(message) is None


def test_the_answers_have_the_protocols_form() -> None:
    assert json.loads(auth.reply()) == {"success": True}
    assert json.loads(auth.reply("no")) == {"success": False, "error": "no"}
    assert auth.read_reply(auth.reply()).success
    assert auth.read_reply(auth.reply("no")).error == "no"


@pytest.mark.parametrize("message", ["", "<html>", '{"ok":1}', "[]"])
def test_an_answer_that_is_none_is_a_refusal(message: str) -> None:
    assert not auth.read_reply(message).success


def test_with_a_token_only_its_holder_enters() -> None:
    gate = Gatekeeper(Credentials.from_token(TOKEN))
    assert gate.enter(Credentials.guest()) is not None
    assert gate.enter(Credentials("abcdefgh", "wrong")) is not None
    assert gate.enter(Credentials.from_token(TOKEN)) is None


def test_the_first_passkey_of_an_identifier_holds_while_it_has_a_socket() -> None:
    gate, one, other = Gatekeeper(), Credentials("id", "one"), Credentials("id", "other")
    assert gate.enter(one) is None
    assert gate.enter(one) is None
    gate.leave(one)
    assert gate.enter(other) is not None
    gate.leave(one)
    assert gate.enter(other) is None
