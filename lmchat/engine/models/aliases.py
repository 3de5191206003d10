"""Further names for models, under which they are models of their own with the same weights."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from lmchat.engine.models.entry import CatalogEntry
from lmchat.engine.models.matching import matching
from lmchat.protocol.child_process import Alias
from lmchat.values.model import LlmInfo, ModelInfo
from lmchat.values.safe_text import safe_line

_log = logging.getLogger(__name__)


def aliased(entries: Sequence[CatalogEntry], aliases: Mapping[str, Alias]) -> Iterator[CatalogEntry]:
    """The models that the aliases stand for. One whose model is not there, or whose name is taken, stands for none."""
    taken = {entry.info.model_key for entry in entries}
    for name, alias in aliases.items():
        found = matching(entries, alias.model)
        if found and name not in taken:
            yield replace(found[0], info=_info(found[0].info, name, alias), full_key=name)
        else:
            reason = "that is the name of a model" if name in taken else f"there is no model {alias.model}"
            _log.warning("the alias %s is left out: %s", safe_line(name), safe_line(reason))


def _info(info: ModelInfo, name: str, alias: Alias) -> ModelInfo:
    """What clients are told of the model under this name."""
    told: dict[str, Any] = {"model_key": name, "display_name": alias.name or name}
    if alias.path:
        told |= {"path": alias.path, "indexed_model_identifier": alias.path, "publisher": alias.path.split("/", 1)[0]}
    if alias.context is not None:
        told["max_context_length"] = min(alias.context, info.max_context_length)
    if isinstance(info, LlmInfo):
        given = {"vision": alias.vision, "trained_for_tool_use": alias.tools}
        told |= {key: value for key, value in given.items() if value is not None}
    return msgspec.structs.replace(info, **told)
