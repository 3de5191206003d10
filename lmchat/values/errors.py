"""Every error a user or a caller can meet, under one root.

    LMStudioError                           anything lmchat raises on purpose
    ├── LMStudioServerError                 the server answered, and the answer is an error
    │   ├── LMStudioModelNotFoundError      no such model there
    │   ├── LMStudioPresetNotFoundError     no such preset there
    │   ├── LMStudioChannelClosedError      a channel ended without its last packet
    │   └── LMStudioPredictionError         the answer could not be produced
    ├── LMStudioClientError                 this side could not do it
    │   ├── LMStudioWebsocketError          server not reachable, or the connection dropped
    │   ├── LMStudioCancelledError          given up by the caller before it was done
    │   └── LMStudioUnknownMessageWarning   a message of no known kind    (also a UserWarning)
    ├── LMStudioTimeoutError                nothing came in time              (also a TimeoutError)
    ├── LMStudioRuntimeError                called in the wrong state         (also a RuntimeError)
    ├── LMStudioValueError                  called with a wrong value         (also a ValueError)
    ├── LMStudioOSError                     a file could not be read          (also an OSError)
    ├── EngineError                         our own engine or its model
    ├── StoreError                          the conversations on disk
    └── SettingsError                       the configuration

The names that begin with LMStudio are those of LM Studio's Python SDK, so that `except` clauses for it hold here.
The text of an error says what happened, then what to do.
"""

from __future__ import annotations

from typing import Any


class LMStudioError(Exception):
    """Root of all errors that lmchat raises on purpose."""


class LMStudioServerError(LMStudioError):
    """The server reported an error."""

    def __init__(self, message: str, *, raw_error: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self._raw_error = raw_error

    @property
    def server_error(self) -> dict[str, Any] | None:
        """The error object as the server sent it, or None when there was none."""
        return self._raw_error


class LMStudioModelNotFoundError(LMStudioServerError):
    """The server has no model that fits what was asked for."""


class LMStudioPresetNotFoundError(LMStudioServerError):
    """The server has no preset of that name."""


class LMStudioChannelClosedError(LMStudioServerError):
    """The server closed a channel before it sent the channel's last packet."""


class LMStudioPredictionError(LMStudioServerError):
    """The server could not produce the answer."""


class LMStudioClientError(LMStudioError):
    """This side could not do what was asked."""


class LMStudioWebsocketError(LMStudioClientError):
    """The server is not reachable, or the connection to it was lost."""


class LMStudioCancelledError(LMStudioClientError):
    """The operation was given up by its caller."""


class LMStudioUnknownMessageWarning(LMStudioClientError, UserWarning):
    """A server newer than this client has sent a message of a kind that is not known here. Such messages are logged."""


class LMStudioTimeoutError(LMStudioError, TimeoutError):
    """Nothing came from the server within the time allowed."""


class LMStudioRuntimeError(LMStudioError, RuntimeError):
    """A method was called in a state in which it cannot work."""


class LMStudioValueError(LMStudioError, ValueError):
    """A value is not one that the operation takes."""


class LMStudioOSError(LMStudioError, OSError):
    """A file could not be read or written."""


class EngineError(LMStudioError):
    """Our own engine could not start, or could not get or load its model."""


class StoreError(LMStudioError):
    """The conversations on disk could not be read or written."""


class SettingsError(LMStudioError):
    """A configuration file, an environment variable or an option is wrong."""
