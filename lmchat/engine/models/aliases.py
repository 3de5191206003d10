"""Further names for models, under which they are models of their own with the same weights."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import msgspec

from lmchat.engine.models.entry import CatalogEntry
from lmchat.engine.models.matching import matching
from lmchat.values.safe_text import safe_line

_log = logging.getLogger(__name__)


def aliased(entries: Sequence[CatalogEntry], aliases: Mapping[str, str]) -> Iterator[CatalogEntry]:
    """The models that the aliases stand for. One whose model is not there, or whose name is taken, stands for none."""
    taken = {entry.info.model_key for entry in entries}
    for name, model in aliases.items():
        found = matching(entries, model)
        if found and name not in taken:
            info = msgspec.structs.replace(found[0].info, model_key=name, display_name=name)
            yield replace(found[0], info=info, full_key=name)
        else:
            reason = "that is the name of a model" if name in taken else f"there is no model {model}"
            _log.warning("the alias %s is left out: %s", safe_line(name), safe_line(reason))
