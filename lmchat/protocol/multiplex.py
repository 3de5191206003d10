"""Calls and channels over one socket, as two state machines without I/O.

`ClientProtocol` and `ServerProtocol` are the two ends. Methods that speak return the text message to send; `receive`
takes a message that came and returns what it means. Nothing is buffered, nothing waits.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from msgspec import UNSET, Raw

from lmchat.protocol import frames
from lmchat.protocol.errors import SerializedError
from lmchat.protocol.frames import Payload


@dataclass(frozen=True, slots=True)
class CallReturned:
    """A call's result; `UNSET` for void."""

    call_id: int
    result: Payload


@dataclass(frozen=True, slots=True)
class CallFailed:
    """A call's error."""

    call_id: int
    error: SerializedError


@dataclass(frozen=True, slots=True)
class ChannelMessage:
    """A packet on a channel."""

    channel_id: int
    message: Raw


@dataclass(frozen=True, slots=True)
class ChannelClosed:
    """A channel's normal end."""

    channel_id: int


@dataclass(frozen=True, slots=True)
class ChannelFailed:
    """A channel's end by an error."""

    channel_id: int
    error: SerializedError


@dataclass(frozen=True, slots=True)
class Warned:
    """The other end complains, or has sent something that is not of the protocol. To be logged, never answered."""

    text: str


ClientEvent: TypeAlias = CallReturned | CallFailed | ChannelMessage | ChannelClosed | ChannelFailed | Warned


class ClientProtocol:
    """The client's end of one socket."""

    def __init__(self) -> None:
        self._call_ids = itertools.count(1)
        self._channel_ids = itertools.count(1)

    def call(self, endpoint: str, parameter: Any = UNSET) -> tuple[int, str]:
        """Call an endpoint; gives the call's id and the message to send."""
        call_id = next(self._call_ids)
        frame = frames.RpcCall(endpoint=endpoint, call_id=call_id, parameter=_payload(parameter))
        return call_id, frames.encode(frame)

    def open_channel(self, endpoint: str, parameter: Any = UNSET) -> tuple[int, str]:
        """Open a channel; gives its id and the message to send."""
        channel_id = next(self._channel_ids)
        frame = frames.ChannelCreate(endpoint=endpoint, channel_id=channel_id, creation_parameter=_payload(parameter))
        return channel_id, frames.encode(frame)

    def send(self, channel_id: int, message: Any) -> str:
        """Send a packet on a channel; gives the message to send."""
        return frames.encode(frames.ChannelSend(channel_id=channel_id, message=frames.encode_payload(message)))

    def receive(self, message: str | bytes) -> ClientEvent | None:
        """What a message from the server means; None for one that means nothing to a client."""
        try:
            frame = frames.decode_from_server(message)
        except frames.MalformedFrame as wrong:
            return Warned(f"the server sent something that is not of the protocol: {wrong}")
        match frame:
            case frames.ChannelSend(channel_id=channel_id, message=packet):
                return ChannelMessage(channel_id, packet)
            case frames.RpcResult(call_id=call_id, result=result):
                return CallReturned(call_id, result)
            case frames.RpcError(call_id=call_id, error=error):
                return CallFailed(call_id, error)
            case frames.ChannelClose(channel_id=channel_id):
                return ChannelClosed(channel_id)
            case frames.ChannelError(channel_id=channel_id, error=error):
                return ChannelFailed(channel_id, error)
            case frames.CommunicationWarning(warning=warning):
                return Warned(warning)
        return None


@dataclass(frozen=True, slots=True)
class CallRequested:
    """A client calls an endpoint."""

    call_id: int
    endpoint: str
    parameter: Payload


@dataclass(frozen=True, slots=True)
class ChannelOpened:
    """A client opens a channel."""

    channel_id: int
    endpoint: str
    parameter: Payload


@dataclass(frozen=True, slots=True)
class Answer:
    """A message that the protocol itself owes the client."""

    text: str


ServerEvent: TypeAlias = CallRequested | ChannelOpened | ChannelMessage | Warned | Answer

MAX_WARNINGS: Final = 5
"""Misuse is answered with warnings, and no connection gets more than these."""


class ServerProtocol:
    """The server's end of one socket."""

    def __init__(self) -> None:
        self._channels: set[int] = set()
        self._warnings_left = MAX_WARNINGS

    def receive(self, message: str | bytes) -> ServerEvent | None:
        """What a message from the client means; None where the protocol asks for silence."""
        try:
            frame = frames.decode_from_client(message)
        except frames.MalformedFrame as wrong:
            return self.warn(f"This is no message of the protocol: {wrong}", "unknown")
        match frame:
            case frames.RpcCall(endpoint=endpoint, call_id=call_id, parameter=parameter):
                return CallRequested(call_id, endpoint, parameter)
            case frames.ChannelCreate(channel_id=channel_id) if channel_id in self._channels:
                return self.warn(f"Channel {channel_id} is open already.", "channelAlreadyOpen")
            case frames.ChannelCreate(endpoint=endpoint, channel_id=channel_id, creation_parameter=parameter):
                self._channels.add(channel_id)
                return ChannelOpened(channel_id, endpoint, parameter)
            case frames.ChannelSend(channel_id=channel_id, message=packet):
                # A packet for a channel that has just ended is a race that nobody lost: no warning.
                return ChannelMessage(channel_id, packet) if channel_id in self._channels else None
            case frames.SignalSubscribe(endpoint=endpoint):
                return self.warn(f"There is no signal endpoint {endpoint}.", "signalEndpointUnknown")
            case frames.WritableSignalSubscribe(endpoint=endpoint):
                return self.warn(f"There is no signal endpoint {endpoint}.", "writableSignalEndpointUnknown")
            case frames.CommunicationWarning(warning=warning):
                return Warned(warning)
            case frames.KeepAlive():
                return Answer(frames.encode(frames.KeepAliveAck()))
        return None

    def warn(self, text: str, kind: str) -> Answer | None:
        """A warning to the client, or None when it has had enough of them."""
        if self._warnings_left == 0:
            return None
        self._warnings_left -= 1
        return Answer(frames.encode(frames.CommunicationWarning(warning=text, kind=kind)))

    def refuse_channel(self, channel_id: int, text: str, kind: str) -> Answer | None:
        """Forget a channel that cannot be opened, and warn: the protocol wants no error for it."""
        self._channels.discard(channel_id)
        return self.warn(text, kind)

    def return_result(self, call_id: int, result: Any = UNSET) -> str:
        """The answer to a call; leave the result out for void."""
        return frames.encode(frames.RpcResult(call_id=call_id, result=_payload(result)))

    def fail_call(self, call_id: int, error: SerializedError) -> str:
        """The answer to a call that failed."""
        return frames.encode(frames.RpcError(call_id=call_id, error=error))

    def send(self, channel_id: int, message: Any) -> str:
        """A packet on a channel."""
        return frames.encode(frames.ChannelSend(channel_id=channel_id, message=frames.encode_payload(message)))

    def close_channel(self, channel_id: int) -> str:
        """A channel's normal end."""
        self._channels.discard(channel_id)
        return frames.encode(frames.ChannelClose(channel_id=channel_id))

    def fail_channel(self, channel_id: int, error: SerializedError) -> str:
        """A channel's end by an error."""
        self._channels.discard(channel_id)
        return frames.encode(frames.ChannelError(channel_id=channel_id, error=error))


def _payload(value: Any) -> Payload:
    return UNSET if value is UNSET else frames.encode_payload(value)
