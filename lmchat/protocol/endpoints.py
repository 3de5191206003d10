"""What each endpoint takes and gives: the payloads of calls and channels, named after the endpoints."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import msgspec

from lmchat.protocol.errors import SerializedError
from lmchat.protocol.kvconfig import KVConfig, KVConfigStack
from lmchat.values.chat import ChatHistoryData, FileType
from lmchat.values.loading import DownloadProgressUpdate
from lmchat.values.logs import LogEntry
from lmchat.values.model import LlmInstanceInfo, ModelInfo, ModelInstanceInfo, Quantization
from lmchat.values.prediction import LlmPredictionFragment, LlmPredictionStats, PromptProcessingDetails


class _Payload(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    pass


class _Packet(_Payload, frozen=True, kw_only=True, tag_field="type"):
    pass


# Which model is meant


class ModelQuery(_Payload, frozen=True, kw_only=True):
    """Any loaded model that fits all that is given."""

    domain: str | None = None
    identifier: str | None = None
    path: str | None = None
    vision: bool | None = None


class QuerySpecifier(_Packet, frozen=True, kw_only=True, tag="query"):
    query: ModelQuery


class InstanceSpecifier(_Packet, frozen=True, kw_only=True, tag="instanceReference"):
    instance_reference: str


ModelSpecifier: TypeAlias = QuerySpecifier | InstanceSpecifier


def by_identifier(identifier: str) -> ModelSpecifier:
    """The loaded model of this name."""
    return QuerySpecifier(query=ModelQuery(identifier=identifier))


# Calls


class SpecifierParameter(_Payload, frozen=True, kw_only=True):
    """getLoadConfig"""

    specifier: ModelSpecifier


class GetModelInfo(_Payload, frozen=True, kw_only=True):
    specifier: ModelSpecifier
    throw_if_not_found: bool = msgspec.field(default_factory=lambda: True)


class GetInstanceProcessingState(_Payload, frozen=True, kw_only=True):
    specifier: ModelSpecifier
    throw_if_not_found: bool = msgspec.field(default_factory=lambda: True)


class InstanceProcessingState(_Payload, frozen=True, kw_only=True):
    status: Literal["idle", "processingPrompt", "generating", "computingEmbedding"]
    queued: int


class EstimateModelUsage(_Payload, frozen=True, kw_only=True):
    model_key: str
    load_config_stack: KVConfigStack


class PreloadDraftModel(_Payload, frozen=True, kw_only=True):
    specifier: ModelSpecifier
    draft_model_key: str


class UnloadModel(_Payload, frozen=True, kw_only=True):
    identifier: str


class StringParameter(_Payload, frozen=True, kw_only=True):
    """tokenize, countTokens"""

    specifier: ModelSpecifier
    input_string: str


class Tokens(_Payload, frozen=True, kw_only=True):
    tokens: tuple[int, ...]


class TokenCount(_Payload, frozen=True, kw_only=True):
    token_count: int


class EmbedString(_Payload, frozen=True, kw_only=True):
    model_specifier: ModelSpecifier
    input_string: str


class Embedding(_Payload, frozen=True, kw_only=True):
    embedding: tuple[float, ...]


class ApplyPromptTemplate(_Payload, frozen=True, kw_only=True):
    specifier: ModelSpecifier
    history: ChatHistoryData
    # Required by the protocol, also when there is nothing in them.
    prediction_config_stack: KVConfigStack = msgspec.field(default_factory=KVConfigStack)
    opts: dict[str, Any] = msgspec.field(default_factory=lambda: {})


class FormattedPrompt(_Payload, frozen=True, kw_only=True):
    formatted: str


class ServerVersion(_Payload, frozen=True, kw_only=True):
    version: str
    build: int = msgspec.field(default_factory=int)


class ServerInfo(_Payload, frozen=True, kw_only=True):
    pid: int
    is_daemon: bool
    version: str


class Notify(_Payload, frozen=True, kw_only=True):
    title: str
    description: str | None = None


class UploadFileBase64(_Payload, frozen=True, kw_only=True):
    name: str
    content_base64: bytes
    """JSON carries bytes as base64."""


class UploadedFile(_Payload, frozen=True, kw_only=True):
    identifier: str
    file_type: FileType
    size_bytes: int


# The predict and completeRawText channels


class Predict(_Payload, frozen=True, kw_only=True):
    model_specifier: ModelSpecifier
    history: ChatHistoryData
    prediction_config_stack: KVConfigStack
    fuzzy_preset_identifier: str | None = None
    ignore_server_session_config: bool | None = None


class CompleteRawText(_Payload, frozen=True, kw_only=True):
    model_specifier: ModelSpecifier
    raw_prompt: str
    prediction_config_stack: KVConfigStack
    fuzzy_preset_identifier: str | None = None


class PromptProcessingProgress(_Packet, frozen=True, kw_only=True, tag="promptProcessingProgress"):
    progress: float
    details: PromptProcessingDetails | None = None


class Fragment(_Packet, frozen=True, kw_only=True, tag="fragment"):
    fragment: LlmPredictionFragment


class ToolCallGenerationStart(_Packet, frozen=True, kw_only=True, tag="toolCallGenerationStart"):
    tool_call_id: str | None = None


class ToolCallGenerationEnd(_Packet, frozen=True, kw_only=True, tag="toolCallGenerationEnd"):
    tool_call_request: Any
    """A `ToolCallRequest`; read apart, for a model may write anything, and a call that is none must not be lost."""


class ToolCallGenerationFailed(_Packet, frozen=True, kw_only=True, tag="toolCallGenerationFailed"):
    error: SerializedError = SerializedError()


class PredictionSuccess(_Packet, frozen=True, kw_only=True, tag="success"):
    stats: LlmPredictionStats
    model_info: LlmInstanceInfo
    load_model_config: KVConfig
    prediction_config: KVConfig


class PredictionError(_Packet, frozen=True, kw_only=True, tag="error"):
    """Sent by old servers in place of a channel error."""

    error: SerializedError = SerializedError()


PredictPacket: TypeAlias = (
    PromptProcessingProgress
    | Fragment
    | ToolCallGenerationStart
    | ToolCallGenerationEnd
    | ToolCallGenerationFailed
    | PredictionSuccess
    | PredictionError
)


# The getOrLoad and loadModel channels


class GetOrLoad(_Payload, frozen=True, kw_only=True):
    identifier: str
    load_config_stack: KVConfigStack
    load_ttl_ms: int | None = None


class AlreadyLoaded(_Packet, frozen=True, kw_only=True, tag="alreadyLoaded"):
    info: ModelInstanceInfo


class UnloadingOtherJITModel(_Packet, frozen=True, kw_only=True, tag="unloadingOtherJITModel"):
    info: ModelInstanceInfo


class StartLoading(_Packet, frozen=True, kw_only=True, tag="startLoading"):
    identifier: str
    info: ModelInfo


class LoadProgress(_Packet, frozen=True, kw_only=True, tag="loadProgress"):
    progress: float


class LoadSuccess(_Packet, frozen=True, kw_only=True, tag="loadSuccess"):
    info: ModelInstanceInfo


LoadPacket: TypeAlias = AlreadyLoaded | UnloadingOtherJITModel | StartLoading | LoadProgress | LoadSuccess


class LoadModel(_Payload, frozen=True, kw_only=True):
    model_key: str
    load_config_stack: KVConfigStack
    identifier: str | None = None
    ttl_ms: int | None = None


class LoadModelResolved(_Packet, frozen=True, kw_only=True, tag="resolved"):
    info: ModelInfo
    ambiguous: tuple[str, ...] | None = None
    """Keys of other models that fit; the first was taken."""


class LoadModelProgress(_Packet, frozen=True, kw_only=True, tag="progress"):
    progress: float


class LoadModelSuccess(_Packet, frozen=True, kw_only=True, tag="success"):
    info: ModelInstanceInfo


LoadModelPacket: TypeAlias = LoadModelResolved | LoadModelProgress | LoadModelSuccess


# Downloads


class SearchOptions(_Payload, frozen=True, kw_only=True):
    search_term: str | None = None
    limit: int | None = None
    compatibility_types: tuple[str, ...] | None = None


class SearchModels(_Payload, frozen=True, kw_only=True):
    opts: SearchOptions


class ResultIdentifier(_Payload, frozen=True, kw_only=True):
    type: str
    identifier: str


class SearchResult(_Payload, frozen=True, kw_only=True):
    name: str
    identifier: ResultIdentifier
    exact: bool | None = None
    """Whether it is just what was searched for."""
    staff_pick: bool | None = None


class SearchResults(_Payload, frozen=True, kw_only=True):
    results: tuple[SearchResult, ...]


class GetModelDownloadOptions(_Payload, frozen=True, kw_only=True):
    model_search_result_identifier: ResultIdentifier


class DownloadOption(_Payload, frozen=True, kw_only=True):
    name: str
    size_bytes: int
    fit_estimation: str = msgspec.field(default_factory=lambda: "fitWithoutGPU")
    download_identifier: str
    indexed_model_identifier: str
    compatibility_type: str = msgspec.field(default_factory=lambda: "gguf")
    recommended: bool | None = None
    quantization: Quantization | str | None = None


class DownloadOptions(_Payload, frozen=True, kw_only=True):
    results: tuple[DownloadOption, ...]


class DownloadModel(_Payload, frozen=True, kw_only=True):
    download_identifier: str


DownloadUpdate: TypeAlias = DownloadProgressUpdate


class DownloadProgress(_Packet, frozen=True, kw_only=True, tag="downloadProgress"):
    update: DownloadUpdate


class StartFinalizing(_Packet, frozen=True, kw_only=True, tag="startFinalizing"):
    pass


class DownloadSuccess(_Packet, frozen=True, kw_only=True, tag="success"):
    default_identifier: str


DownloadPacket: TypeAlias = DownloadProgress | StartFinalizing | DownloadSuccess


# The streamLogs channel


class Log(_Packet, frozen=True, kw_only=True, tag="log"):
    log: LogEntry


# What a client sends on an open channel


class Cancel(_Packet, frozen=True, kw_only=True, tag="cancel"):
    pass


class Stop(_Packet, frozen=True, kw_only=True, tag="stop"):
    """streamLogs"""
