"""Which port a server takes."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from lmchat.engine.serving import ports
from lmchat.protocol.auth import new_token
from lmchat.protocol.discovery import LOCAL_HOST
from lmchat.values.errors import EngineError


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server((LOCAL_HOST, 0)) as other:
        yield other.getsockname()[1]


def free_port() -> int:
    with socket.create_server((LOCAL_HOST, 0)) as other:
        port: int = other.getsockname()[1]
        return port


def test_the_first_usual_port_that_is_free(taken: int, monkeypatch: pytest.MonkeyPatch) -> None:
    free = free_port()
    monkeypatch.setattr(ports, "API_PORTS", (taken, free))
    with ports.listen(None) as listener:
        assert listener.getsockname() == (LOCAL_HOST, free)


def test_no_usual_port_is_free(taken: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "API_PORTS", (taken,))
    with pytest.raises(EngineError, match=f"{taken}.*all taken"):
        ports.listen(None)


def test_any_free_port() -> None:
    with ports.listen(0) as listener:
        assert listener.getsockname()[1] > 0


@pytest.mark.parametrize("port", [-1, 65536])
def test_no_port_at_all(port: int) -> None:
    with pytest.raises(EngineError, match="no port"):
        ports.listen(port)


def test_another_address_of_this_machine() -> None:
    with ports.listen(0, "127.0.0.1") as listener:
        assert listener.getsockname()[0] == LOCAL_HOST
    with ports.listen(0, "0.0.0.0") as listener:
        assert listener.getsockname()[0] == "0.0.0.0"


def test_an_address_of_another_machine(taken: int, monkeypatch: pytest.MonkeyPatch) -> None:
    # 192.0.2.0/24 is set aside for examples: no machine has it.
    monkeypatch.setattr(ports, "API_PORTS", (taken, free_port()))
    for port in (0, None):
        with pytest.raises(EngineError, match=r"192\.0\.2\.1 is no address of this machine"):
            ports.listen(port, "192.0.2.1")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_this_machine_needs_no_token(host: str) -> None:
    ports.require_token(host, None)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7", "my-machine", ""])
def test_other_machines_need_one(host: str) -> None:
    with pytest.raises(EngineError, match="Give --api-token too"):
        ports.require_token(host, None)
    ports.require_token(host, new_token())
