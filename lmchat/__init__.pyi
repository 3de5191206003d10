from lmchat.client.async_api import (
    AsyncClient as AsyncClient,
)
from lmchat.client.async_api import (
    AsyncLLM as AsyncLLM,
)
from lmchat.client.async_api import (
    AsyncPredictionStream as AsyncPredictionStream,
)
from lmchat.client.default import (
    configure_default_client as configure_default_client,
)
from lmchat.client.default import (
    get_default_client as get_default_client,
)
from lmchat.client.default import (
    list_downloaded_models as list_downloaded_models,
)
from lmchat.client.default import (
    list_loaded_models as list_loaded_models,
)
from lmchat.client.default import (
    llm as llm,
)
from lmchat.client.portal import (
    get_sync_api_timeout as get_sync_api_timeout,
)
from lmchat.client.portal import (
    set_sync_api_timeout as set_sync_api_timeout,
)
from lmchat.client.sync_api import LLM as LLM
from lmchat.client.sync_api import Client as Client
from lmchat.client.sync_api import PredictionStream as PredictionStream
from lmchat.values.chat import (
    AnyChatMessage as AnyChatMessage,
)
from lmchat.values.chat import (
    AssistantResponse as AssistantResponse,
)
from lmchat.values.chat import (
    Chat as Chat,
)
from lmchat.values.chat import (
    FileHandle as FileHandle,
)
from lmchat.values.chat import (
    SystemPrompt as SystemPrompt,
)
from lmchat.values.chat import (
    TextData as TextData,
)
from lmchat.values.chat import (
    ToolCallRequest as ToolCallRequest,
)
from lmchat.values.chat import (
    ToolCallResultData as ToolCallResultData,
)
from lmchat.values.chat import (
    ToolResultMessage as ToolResultMessage,
)
from lmchat.values.chat import (
    UserMessage as UserMessage,
)
from lmchat.values.config import LlmLoadModelConfig as LlmLoadModelConfig
from lmchat.values.config import LlmPredictionConfig as LlmPredictionConfig
from lmchat.values.errors import (
    EngineError as EngineError,
)
from lmchat.values.errors import (
    LMStudioCancelledError as LMStudioCancelledError,
)
from lmchat.values.errors import (
    LMStudioChannelClosedError as LMStudioChannelClosedError,
)
from lmchat.values.errors import (
    LMStudioClientError as LMStudioClientError,
)
from lmchat.values.errors import (
    LMStudioError as LMStudioError,
)
from lmchat.values.errors import (
    LMStudioModelNotFoundError as LMStudioModelNotFoundError,
)
from lmchat.values.errors import (
    LMStudioOSError as LMStudioOSError,
)
from lmchat.values.errors import (
    LMStudioPredictionError as LMStudioPredictionError,
)
from lmchat.values.errors import (
    LMStudioPresetNotFoundError as LMStudioPresetNotFoundError,
)
from lmchat.values.errors import (
    LMStudioRuntimeError as LMStudioRuntimeError,
)
from lmchat.values.errors import (
    LMStudioServerError as LMStudioServerError,
)
from lmchat.values.errors import (
    LMStudioTimeoutError as LMStudioTimeoutError,
)
from lmchat.values.errors import (
    LMStudioValueError as LMStudioValueError,
)
from lmchat.values.errors import (
    LMStudioWebsocketError as LMStudioWebsocketError,
)
from lmchat.values.model import (
    EmbeddingModelInfo as EmbeddingModelInfo,
)
from lmchat.values.model import (
    LlmInfo as LlmInfo,
)
from lmchat.values.model import (
    LlmInstanceInfo as LlmInstanceInfo,
)
from lmchat.values.model import (
    ModelInfo as ModelInfo,
)
from lmchat.values.model import (
    ModelInstanceInfo as ModelInstanceInfo,
)
from lmchat.values.prediction import (
    LlmPredictionFragment as LlmPredictionFragment,
)
from lmchat.values.prediction import (
    LlmPredictionStats as LlmPredictionStats,
)
from lmchat.values.prediction import (
    PredictionResult as PredictionResult,
)
