from lmchat.client.act_callbacks import ActResult as ActResult, PredictionRoundResult as PredictionRoundResult
from lmchat.client.async_api import AsyncClient as AsyncClient
from lmchat.client.async_embedding import AsyncEmbeddingModel as AsyncEmbeddingModel
from lmchat.client.async_llm import AsyncLLM as AsyncLLM
from lmchat.client.async_models import (
    AsyncDownloadedEmbeddingModel as AsyncDownloadedEmbeddingModel,
    AsyncDownloadedLlm as AsyncDownloadedLlm,
)
from lmchat.client.async_repository import (
    AsyncAvailableModel as AsyncAvailableModel,
    AsyncModelDownloadOption as AsyncModelDownloadOption,
)
from lmchat.client.async_stream import AsyncPredictionStream as AsyncPredictionStream
from lmchat.client.async_system import AnyAsyncDownloadedModel as AnyAsyncDownloadedModel
from lmchat.client.default import (
    configure_default_client as configure_default_client,
    embedding_model as embedding_model,
    get_default_client as get_default_client,
    list_downloaded_models as list_downloaded_models,
    list_loaded_models as list_loaded_models,
    llm as llm,
    prepare_file as prepare_file,
    prepare_image as prepare_image,
)
from lmchat.client.load_run import ModelLoadingCallback as ModelLoadingCallback
from lmchat.client.portal import (
    get_sync_api_timeout as get_sync_api_timeout,
    set_sync_api_timeout as set_sync_api_timeout,
)
from lmchat.client.prediction_options import (
    PredictionFirstTokenCallback as PredictionFirstTokenCallback,
    PredictionFragmentCallback as PredictionFragmentCallback,
    PredictionMessageCallback as PredictionMessageCallback,
    PredictionOptions as PredictionOptions,
    PromptProcessingCallback as PromptProcessingCallback,
)
from lmchat.client.repository_calls import (
    DownloadFinalizedCallback as DownloadFinalizedCallback,
    DownloadProgressCallback as DownloadProgressCallback,
)
from lmchat.client.schema import (
    BaseModel as BaseModel,
    DictSchema as DictSchema,
    ModelSchema as ModelSchema,
    ResponseSchema as ResponseSchema,
)
from lmchat.client.sync_api import Client as Client
from lmchat.client.sync_handle import LLM as LLM, EmbeddingModel as EmbeddingModel, SyncModelHandle as SyncModelHandle
from lmchat.client.sync_models import (
    AnyDownloadedModel as AnyDownloadedModel,
    DownloadedEmbeddingModel as DownloadedEmbeddingModel,
    DownloadedLlm as DownloadedLlm,
)
from lmchat.client.sync_services import AvailableModel as AvailableModel, ModelDownloadOption as ModelDownloadOption
from lmchat.client.sync_stream import PredictionStream as PredictionStream
from lmchat.values.chat import (
    AnyChatMessage as AnyChatMessage,
    AssistantResponse as AssistantResponse,
    Chat as Chat,
    ChatHistoryData as ChatHistoryData,
    FileHandle as FileHandle,
    FileType as FileType,
    SystemPrompt as SystemPrompt,
    TextData as TextData,
    ToolCallRequest as ToolCallRequest,
    ToolCallResultData as ToolCallResultData,
    ToolResultMessage as ToolResultMessage,
    UserMessage as UserMessage,
)
from lmchat.values.config import (
    AnyLoadConfig as AnyLoadConfig,
    EmbeddingLoadModelConfig as EmbeddingLoadModelConfig,
    GpuSetting as GpuSetting,
    LlmLoadModelConfig as LlmLoadModelConfig,
    LlmPredictionConfig as LlmPredictionConfig,
)
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
    LMStudioUnknownMessageWarning as LMStudioUnknownMessageWarning,
    LMStudioValueError as LMStudioValueError,
    LMStudioWebsocketError as LMStudioWebsocketError,
)
from lmchat.values.files import LocalFileInput as LocalFileInput
from lmchat.values.loading import (
    DownloadProgressUpdate as DownloadProgressUpdate,
    MemoryUsage as MemoryUsage,
    ModelUsageEstimate as ModelUsageEstimate,
)
from lmchat.values.logs import (
    LlmPredictionInputLog as LlmPredictionInputLog,
    LlmPredictionOutputLog as LlmPredictionOutputLog,
    LogEntry as LogEntry,
    RuntimeLog as RuntimeLog,
    ServerLog as ServerLog,
)
from lmchat.values.model import (
    EmbeddingModelInfo as EmbeddingModelInfo,
    EmbeddingModelInstanceInfo as EmbeddingModelInstanceInfo,
    LlmInfo as LlmInfo,
    LlmInstanceInfo as LlmInstanceInfo,
    ModelInfo as ModelInfo,
    ModelInstanceInfo as ModelInstanceInfo,
)
from lmchat.values.prediction import (
    FragmentToken as FragmentToken,
    LlmPredictionFragment as LlmPredictionFragment,
    LlmPredictionStats as LlmPredictionStats,
    PredictionResult as PredictionResult,
    PromptProcessingDetails as PromptProcessingDetails,
    PromptProcessingProgress as PromptProcessingProgress,
    TokenCandidate as TokenCandidate,
)
from lmchat.values.tools import (
    ToolDefinition as ToolDefinition,
    ToolFunctionDef as ToolFunctionDef,
    ToolFunctionDefDict as ToolFunctionDefDict,
)
