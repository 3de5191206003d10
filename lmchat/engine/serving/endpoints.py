"""What a namespace of the server offers: names of calls and channels, what each takes, and who handles it."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeAlias

import msgspec
from msgspec import UNSET

from lmchat.engine.serving.channel import ServerChannel
from lmchat.protocol.frames import Payload

Work: TypeAlias = Callable[[], Coroutine[Any, Any, Any]]


class Endpoint:
    """A handler, and the type of its parameter; None for an endpoint that takes none."""

    def __init__(self, parameter: Any, handler: Callable[..., Coroutine[Any, Any, Any]]) -> None:
        self._decoder = None if parameter is None else msgspec.json.Decoder(parameter)
        self._handler = handler

    def bind(self, parameter: Payload, *channel: ServerChannel) -> Work:
        """The work of a call, or that of a channel, which is given to the handler.

        A call's result is that of its work, None for void; a channel ends with its work. Raises msgspec.DecodeError.
        """
        return partial(self._handler, *self._arguments(parameter), *channel)

    def _arguments(self, parameter: Payload) -> tuple[Any, ...]:
        if self._decoder is None:
            return ()
        return (self._decoder.decode(b"null" if parameter is UNSET else parameter),)


@dataclass(frozen=True, slots=True)
class Endpoints:
    """All that one namespace answers."""

    calls: Mapping[str, Endpoint] = field(default_factory=dict)
    channels: Mapping[str, Endpoint] = field(default_factory=dict)
