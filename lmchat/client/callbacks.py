"""Calling what a caller wants to hear with."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

_log = logging.getLogger(__name__)


def tell(callback: Callable[..., Any] | None, *arguments: Any) -> None:
    """Call it if there is one. A caller's mistake in a callback must not end what is told of; it is logged."""
    if callback is None:
        return
    try:
        callback(*arguments)
    except Exception:
        _log.exception("a callback failed")
