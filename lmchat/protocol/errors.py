"""Errors on the wire: the server's error object, and the exceptions that it becomes."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from lmchat.values.errors import (
    LMStudioModelNotFoundError,
    LMStudioPresetNotFoundError,
    LMStudioServerError,
)

UNREADABLE: Final = (msgspec.DecodeError, RecursionError)
"""What decoding JSON from elsewhere can raise: it does not fit, or it is nested without end."""

_KINDS: dict[str, type[LMStudioServerError]] = {
    "generic.noModelMatchingQuery": LMStudioModelNotFoundError,
    "generic.pathNotFound": LMStudioModelNotFoundError,
    "generic.presetNotFound": LMStudioPresetNotFoundError,
}


class SerializedError(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """An error as a server sends it. Members are of any type, so that one bad member does not hide the rest."""

    title: Any = None
    root_title: Any = None
    cause: Any = None
    suggestion: Any = None
    error_data: Any = None
    display_data: Any = None


def model_not_found(query: dict[str, Any], loaded: list[str]) -> SerializedError:
    """No loaded model fits a query; `loaded` are the identifiers of those that are."""
    title = "No loaded model fits what was asked for"
    data = {
        "code": "generic.noModelMatchingQuery",
        "query": query,
        "loadedModelsSample": loaded[:5],
        "totalLoadedModels": len(loaded),
    }
    return SerializedError(title=title, root_title=title, display_data=data)


def path_not_found(path: str, available: list[str]) -> SerializedError:
    """No model on disk has this key or path; `available` are the keys of those that are there."""
    title = f"There is no model {path!r} on this server"
    data = {
        "code": "generic.pathNotFound",
        "path": path,
        "availablePathsSample": available[:5],
        "totalModels": len(available),
    }
    return SerializedError(title=title, root_title=title, display_data=data)


def preset_not_found(identifier: str) -> SerializedError:
    """A server that keeps no presets was asked for one."""
    title = f"There is no preset {identifier!r} on this server"
    data = {
        "code": "generic.presetNotFound",
        "specifiedFuzzyPresetIdentifier": identifier,
        "availablePresetsSample": [],
        "totalAvailablePresets": 0,
    }
    return SerializedError(title=title, root_title=title, display_data=data)


def specific_model_unloaded() -> SerializedError:
    """The instance that a reference stood for is gone."""
    title = "This model has been unloaded"
    data = {"code": "generic.specificModelUnloaded"}
    return SerializedError(title=title, root_title=title, display_data=data)


def failure(title: str, *, cause: str | None = None, suggestion: str | None = None) -> SerializedError:
    """An error with no code of its own."""
    return SerializedError(title=title, root_title=title, cause=cause, suggestion=suggestion)


def exception(
    error: SerializedError, origin: str, default: type[LMStudioServerError] = LMStudioServerError
) -> LMStudioServerError:
    """The exception for a server's error; `origin` says in which kind of call it came, such as "RPC error"."""
    display = error.display_data if isinstance(error.display_data, dict) else {}
    kind = _KINDS.get(str(display.get("code")), default)
    raw = msgspec.to_builtins(error)
    return kind(f"{origin}: {_text(error, display)}", raw_error=raw)


def _text(error: SerializedError, display: dict[str, Any]) -> str:
    title = _string(error.title) or "Unknown error"
    root = _string(error.root_title)
    lines = [f"{root}: {title}" if root and root != title else title]
    known = display.get("loadedModelsSample") or display.get("availablePathsSample")
    if isinstance(known, list) and known:
        kind = "Loaded" if "loadedModelsSample" in display else "Available"
        lines.append(f"{kind}: {', '.join(str(name) for name in known)}.")
    lines += [text for text in (_string(error.cause), _string(error.suggestion)) if text]
    return "\n".join(lines)


def _string(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""
