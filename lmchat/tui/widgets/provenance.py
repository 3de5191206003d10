"""How an answer came about, in lines for the stats: its model, how that was loaded, and the settings that held."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from lmchat.tui.wording import count
from lmchat.values.history import Provenance
from lmchat.values.safe_text import safe_line

_LONGEST: Final = 16
"""Characters of a value."""
_MOST: Final = 12
"""Settings that are listed."""
_SHORT: Final = {
    "maxTokens": "max tokens",
    "topKSampling": "top k",
    "topPSampling": "top p",
    "minPSampling": "min p",
    "repeatPenalty": "repeat penalty",
    "presencePenalty": "presence pen.",
    "frequencyPenalty": "frequency pen.",
    "contextOverflowPolicy": "overflow",
    "draftModel": "draft model",
    "stopStrings": "stop strings",
    "enableThinking": "thinking",
    "reasoningBudget": "thought budget",
}


def facts(provenance: Provenance) -> list[tuple[str, str]]:
    """Names and values, safe to show; only what is known."""
    found: list[tuple[str, str]] = []
    if (model := provenance.model) is not None:
        found.append(("model", _short(model.display_name)))
        if model.quantization is not None:
            found.append(("quantisation", _short(model.quantization.name)))
        found.append(("context", count(provenance.load_config.context_length or model.context_length)))
    settings = msgspec.to_builtins(provenance.prediction_config)
    known = [(name, value) for name, value in settings.items() if value is not None and name != "raw"]
    found += [(_SHORT.get(name, name), _short(_words(value))) for name, value in known[:_MOST]]
    if len(known) > _MOST:
        found.append(("and more", count(len(known) - _MOST)))
    return found


def _words(value: Any) -> str:
    match value:
        case False:
            return "off"
        case True:
            return "on"
        case float():
            return f"{value:g}"
        case {"type": str() as kind}:
            return kind
        case list() | tuple() | dict():
            return f"{len(value)} of them"
    return str(value)


def _short(text: str) -> str:
    line = safe_line(text)
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"
