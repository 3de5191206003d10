"""lmchat: a terminal chat for local language models, and a client library for LM Studio's protocol.

    import lmchat as lms

    model = lms.llm()
    print(model.respond("What is the meaning of life?"))

The names are those of LM Studio's Python SDK. They are resolved when they are first used, so that a script which only
wants `Chat` loads no socket library, and none of them loads the user interface, the store or the engine.
"""

from __future__ import annotations

import importlib
from typing import Any

_HOMES = {
    "lmchat.client.act_callbacks": ("ActResult", "PredictionRoundResult"),
    "lmchat.client.async_api": ("AsyncClient",),
    "lmchat.client.async_embedding": ("AsyncEmbeddingModel",),
    "lmchat.client.async_llm": ("AsyncLLM",),
    "lmchat.client.async_models": ("AsyncDownloadedEmbeddingModel", "AsyncDownloadedLlm"),
    "lmchat.client.async_repository": ("AsyncAvailableModel", "AsyncModelDownloadOption"),
    "lmchat.client.async_stream": ("AsyncPredictionStream",),
    "lmchat.client.async_system": ("AnyAsyncDownloadedModel",),
    "lmchat.client.default": (
        "configure_default_client",
        "embedding_model",
        "get_default_client",
        "list_downloaded_models",
        "list_loaded_models",
        "llm",
        "prepare_file",
        "prepare_image",
    ),
    "lmchat.client.load_run": ("ModelLoadingCallback",),
    "lmchat.client.portal": ("get_sync_api_timeout", "set_sync_api_timeout"),
    "lmchat.client.prediction_options": (
        "PredictionFirstTokenCallback",
        "PredictionFragmentCallback",
        "PredictionMessageCallback",
        "PredictionOptions",
        "PromptProcessingCallback",
    ),
    "lmchat.client.repository_calls": ("DownloadFinalizedCallback", "DownloadProgressCallback"),
    "lmchat.client.schema": ("BaseModel", "DictSchema", "ModelSchema", "ResponseSchema"),
    "lmchat.client.sync_api": ("Client",),
    "lmchat.client.sync_handle": ("LLM", "EmbeddingModel", "SyncModelHandle"),
    "lmchat.client.sync_models": ("AnyDownloadedModel", "DownloadedEmbeddingModel", "DownloadedLlm"),
    "lmchat.client.sync_services": ("AvailableModel", "ModelDownloadOption"),
    "lmchat.client.sync_stream": ("PredictionStream",),
    "lmchat.values.chat": (
        "AnyChatMessage",
        "AssistantResponse",
        "Chat",
        "ChatHistoryData",
        "FileHandle",
        "FileType",
        "SystemPrompt",
        "TextData",
        "ToolCallRequest",
        "ToolCallResultData",
        "ToolResultMessage",
        "UserMessage",
    ),
    "lmchat.values.config": (
        "AnyLoadConfig",
        "EmbeddingLoadModelConfig",
        "GpuSetting",
        "LlmLoadModelConfig",
        "LlmPredictionConfig",
    ),
    "lmchat.values.errors": (
        "EngineError",
        "LMStudioCancelledError",
        "LMStudioChannelClosedError",
        "LMStudioClientError",
        "LMStudioError",
        "LMStudioModelNotFoundError",
        "LMStudioOSError",
        "LMStudioPredictionError",
        "LMStudioPresetNotFoundError",
        "LMStudioRuntimeError",
        "LMStudioServerError",
        "LMStudioTimeoutError",
        "LMStudioUnknownMessageWarning",
        "LMStudioValueError",
        "LMStudioWebsocketError",
    ),
    "lmchat.values.files": ("LocalFileInput",),
    "lmchat.values.loading": ("DownloadProgressUpdate", "MemoryUsage", "ModelUsageEstimate"),
    "lmchat.values.logs": ("LlmPredictionInputLog", "LlmPredictionOutputLog", "LogEntry", "RuntimeLog", "ServerLog"),
    "lmchat.values.model": (
        "EmbeddingModelInfo",
        "EmbeddingModelInstanceInfo",
        "LlmInfo",
        "LlmInstanceInfo",
        "ModelInfo",
        "ModelInstanceInfo",
    ),
    "lmchat.values.prediction": (
        "FragmentToken",
        "LlmPredictionFragment",
        "LlmPredictionStats",
        "PredictionResult",
        "PromptProcessingDetails",
        "PromptProcessingProgress",
        "TokenCandidate",
    ),
    "lmchat.values.tools": ("ToolDefinition", "ToolFunctionDef", "ToolFunctionDefDict"),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = sorted(_HOME_OF)  # noqa: PLE0605  # the stub beside this file lists the names for type checkers


def __getattr__(name: str) -> Any:
    if (home := _HOME_OF.get(name)) is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
