"""A model that can be loaded, as the catalog has it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lmchat.engine.models.gguf import GgufInfo
from lmchat.values.model import ModelInfo


@dataclass(frozen=True, slots=True)
class CatalogEntry:
    """A model that can be loaded."""

    info: ModelInfo
    path: Path
    gguf: GgufInfo
    full_key: str
    """The key with the quantisation, which tells apart what is otherwise the same model."""
