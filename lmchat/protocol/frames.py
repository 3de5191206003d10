"""The frames of LM Studio's protocol: what one websocket message can be, in either direction.

Payloads stay raw JSON here; whoever asked knows their type.
"""

from __future__ import annotations

import json
from typing import Any, TypeAlias, TypeVar

import msgspec
from msgspec import UNSET, Raw, UnsetType

from lmchat.protocol.errors import UNREADABLE, SerializedError

Payload: TypeAlias = Raw | UnsetType
"""Raw JSON, or `UNSET` where the key is absent, which is how the protocol writes void."""


class _Frame(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", rename="camel", omit_defaults=True):
    pass


class RpcCall(_Frame, frozen=True, kw_only=True, tag="rpcCall"):
    endpoint: str
    call_id: int
    parameter: Payload = UNSET


class RpcResult(_Frame, frozen=True, kw_only=True, tag="rpcResult"):
    call_id: int
    result: Payload = UNSET


class RpcError(_Frame, frozen=True, kw_only=True, tag="rpcError"):
    call_id: int
    error: SerializedError


class ChannelCreate(_Frame, frozen=True, kw_only=True, tag="channelCreate"):
    endpoint: str
    channel_id: int
    creation_parameter: Payload = UNSET


class ChannelSend(_Frame, frozen=True, kw_only=True, tag="channelSend"):
    channel_id: int
    message: Raw
    ack_id: int | UnsetType = UNSET


class ChannelAck(_Frame, frozen=True, kw_only=True, tag="channelAck"):
    channel_id: int
    ack_id: int


class ChannelClose(_Frame, frozen=True, kw_only=True, tag="channelClose"):
    channel_id: int


class ChannelError(_Frame, frozen=True, kw_only=True, tag="channelError"):
    channel_id: int
    error: SerializedError


class SignalSubscribe(_Frame, frozen=True, kw_only=True, tag="signalSubscribe"):
    endpoint: str
    subscribe_id: int


class WritableSignalSubscribe(_Frame, frozen=True, kw_only=True, tag="writableSignalSubscribe"):
    endpoint: str
    subscribe_id: int


class CommunicationWarning(_Frame, frozen=True, kw_only=True, tag="communicationWarning"):
    warning: str
    kind: str | UnsetType = UNSET


class KeepAlive(_Frame, frozen=True, kw_only=True, tag="keepAlive"):
    pass


class KeepAliveAck(_Frame, frozen=True, kw_only=True, tag="keepAliveAck"):
    pass


ClientFrame: TypeAlias = (
    RpcCall
    | ChannelCreate
    | ChannelSend
    | ChannelAck
    | SignalSubscribe
    | WritableSignalSubscribe
    | CommunicationWarning
    | KeepAlive
)
ServerFrame: TypeAlias = (
    RpcResult | RpcError | ChannelSend | ChannelAck | ChannelClose | ChannelError | CommunicationWarning | KeepAliveAck
)

_client_decoder: msgspec.json.Decoder[ClientFrame] = msgspec.json.Decoder(ClientFrame)
_server_decoder: msgspec.json.Decoder[ServerFrame] = msgspec.json.Decoder(ServerFrame)
_encoder = msgspec.json.Encoder()

FrameT = TypeVar("FrameT")


class MalformedFrame(ValueError):
    """A message that is no frame of the protocol, or one whose kind is not known."""


def decode_from_client(message: str | bytes) -> ClientFrame:
    """The frame that a client sent. Raises `MalformedFrame`."""
    return _decode(message, _client_decoder)


def decode_from_server(message: str | bytes) -> ServerFrame:
    """The frame that a server sent. Raises `MalformedFrame`."""
    return _decode(message, _server_decoder)


def encode(frame: ClientFrame | ServerFrame) -> str:
    """A frame as a websocket text message."""
    return _encoder.encode(frame).decode()


def encode_payload(value: Any) -> Raw:
    """A value as JSON. Lone surrogates, which no JSON text can carry, become U+FFFD."""
    try:
        return Raw(_encoder.encode(value))
    except UnicodeEncodeError:
        return Raw(_without_lone_surrogates(json.dumps(msgspec.to_builtins(value), ensure_ascii=False)))


def _decode(message: str | bytes, decoder: msgspec.json.Decoder[FrameT]) -> FrameT:
    try:
        return decoder.decode(message)
    except (*UNREADABLE, UnicodeError) as wrong:
        first_reason = str(wrong)
    # JavaScript writes half of a surrogate pair as an escape, which JSON allows and UTF-8 does not: mend and try again.
    try:
        return decoder.decode(_without_lone_surrogates(json.dumps(json.loads(message), ensure_ascii=False)))
    except (ValueError, RecursionError):
        raise MalformedFrame(first_reason) from None


def _without_lone_surrogates(text: str) -> bytes:
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").encode()
