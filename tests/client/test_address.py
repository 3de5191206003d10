from __future__ import annotations

import pytest

from lmchat.client.address import ServerAddress
from lmchat.values.errors import LMStudioValueError


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("localhost:1234", "ws://localhost:1234/llm"),
        ("127.0.0.1:41343", "ws://127.0.0.1:41343/llm"),
        ("[::1]:1234", "ws://[::1]:1234/llm"),
        ("http://host:1234/", "ws://host:1234/llm"),
        ("wss://example.org/lm/", "wss://example.org:443/lm/llm"),
        ("https://example.org", "wss://example.org:443/llm"),
    ],
)
def test_addresses_become_urls(text: str, url: str) -> None:
    address = ServerAddress.parse(text)
    assert address.websocket_url("llm") == url
    assert ServerAddress.parse(str(address)) == address


@pytest.mark.parametrize(
    "text", ["", "localhost", "host:port", "host:99999", "ftp://h:1", "ws://u:p@h:1", "a b:1", "ws://h:1/?x"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(LMStudioValueError, match="no address"):
        ServerAddress.parse(text)


@pytest.mark.parametrize(
    ("text", "loopback"), [("localhost:1", True), ("127.0.0.9:1", True), ("[::1]:1", True), ("h:1", False)]
)
def test_loopback_is_known(text: str, loopback: bool) -> None:
    assert ServerAddress.parse(text).is_loopback is loopback
