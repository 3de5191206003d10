"""What a client is told when its request fails. Never a traceback, never a path that it did not name."""

from __future__ import annotations

import logging

from lmchat.protocol.errors import SerializedError, failure
from lmchat.values.errors import LMStudioError

_log = logging.getLogger(__name__)


class RequestError(Exception):
    """A request that cannot be answered, with the protocol's own error for it."""

    def __init__(self, error: SerializedError) -> None:
        super().__init__(error.title)
        self.error = error


class StoppedByClient(Exception):
    """The client asked to stop before the work was done."""


def serialize(error: Exception) -> SerializedError:
    """The error object for whatever a handler raised; what nobody expected is logged."""
    match error:
        case RequestError():
            return error.error
        case StoppedByClient():
            return failure("The request was cancelled")
        case LMStudioError():
            return failure(str(error))
    _log.error("a request failed", exc_info=error)
    return failure("Internal error in the engine", suggestion="Try again; the engine's log says more.")
