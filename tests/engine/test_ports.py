"""Which port a server takes."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from lmchat.engine.serving import ports
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
