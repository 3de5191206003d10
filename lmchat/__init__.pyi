from lmchat.client.async_api import (
    AsyncClient as AsyncClient,
    AsyncLLM as AsyncLLM,
)
from lmchat.client.async_stream import AsyncPredictionStream as AsyncPredictionStream
from lmchat.client.default import (
    configure_default_client as configure_default_client,
    get_default_client as get_default_client,
    list_downloaded_models as list_downloaded_models,
    list_loaded_models as list_loaded_models,
    llm as llm,
)
from lmchat.client.portal import (
    get_sync_api_timeout as get_sync_api_timeout,
    set_sync_api_timeout as set_sync_api_timeout,
)
from lmchat.client.sync_api import LLM as LLM, Client as Client, PredictionStream as PredictionStream
from lmchat.values.chat import (
    AnyChatMessage as AnyChatMessage,
    AssistantResponse as AssistantResponse,
    Chat as Chat,
    FileHandle as FileHandle,
    SystemPrompt as SystemPrompt,
    TextData as TextData,
    ToolCallRequest as ToolCallRequest,
    ToolCallResultData as ToolCallResultData,
    ToolResultMessage as ToolResultMessage,
    UserMessage as UserMessage,
)
from lmchat.values.config import LlmLoadModelConfig as LlmLoadModelConfig, LlmPredictionConfig as LlmPredictionConfig
from lmchat.values.errors import (
    EngineError as EngineError,
    LMStudioCancelledError as LMStudioCancelledError,
    LMStudioChannelClosedError as LMStudioChannelClosedError,
    LMStudioClientError as LMStudioClientError,
    LMStudioError as LMStudioError,
    LMStudioModelNotFoundError as LMStudioModelNotFoundError,
    LMStudioOSError as LMStudioOSError,
    LMStudioPredictionError as LMStudioPredictionError,
    LMStudioPresetNotFoundError as LMStudioPresetNotFoundError,
    LMStudioRuntimeError as LMStudioRuntimeError,
    LMStudioServerError as LMStudioServerError,
    LMStudioTimeoutError as LMStudioTimeoutError,
    LMStudioValueError as LMStudioValueError,
    LMStudioWebsocketError as LMStudioWebsocketError,
)
from lmchat.values.model import (
    EmbeddingModelInfo as EmbeddingModelInfo,
    LlmInfo as LlmInfo,
    LlmInstanceInfo as LlmInstanceInfo,
    ModelInfo as ModelInfo,
    ModelInstanceInfo as ModelInstanceInfo,
)
from lmchat.values.prediction import (
    LlmPredictionFragment as LlmPredictionFragment,
    LlmPredictionStats as LlmPredictionStats,
    PredictionResult as PredictionResult,
)
