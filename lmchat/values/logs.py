"""What a server tells of its own work, as it happens. Forms and names are those of LM Studio's log stream."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from lmchat.values.prediction import LlmPredictionStats


class _LogData(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True, tag_field="type"):
    pass


class LlmPredictionInputLog(_LogData, frozen=True, kw_only=True, tag="llm.prediction.input"):
    """The exact text that a model was given."""

    input: str
    model_path: str = ""
    model_identifier: str = ""


class LlmPredictionOutputLog(_LogData, frozen=True, kw_only=True, tag="llm.prediction.output"):
    """The exact text that a model wrote."""

    output: str
    stats: LlmPredictionStats | None = None
    model_identifier: str = ""


class ServerLog(_LogData, frozen=True, kw_only=True, tag="server.log"):
    """A line of the server's own log."""

    content: str
    level: str = ""


class RuntimeLog(_LogData, frozen=True, kw_only=True, tag="runtime.log"):
    """A line from the program that runs the models."""

    message: str
    level: str = ""
    engine_name: str = ""
    engine_version: str = ""
    engine_type: str = ""


LogData: TypeAlias = LlmPredictionInputLog | LlmPredictionOutputLog | ServerLog | RuntimeLog


class LogEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened at a server."""

    timestamp: float
    """Unix milliseconds."""
    data: LogData
