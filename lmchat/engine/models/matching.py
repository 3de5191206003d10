"""Which models a name means: a key, a key with its quantisation, or a path."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from lmchat.engine.models.entry import CatalogEntry

_Rule = Callable[[CatalogEntry, str], bool]


def _is_key(entry: CatalogEntry, name: str) -> bool:
    return entry.info.model_key == name


def _is_key_in_other_case(entry: CatalogEntry, name: str) -> bool:
    return name.casefold() in (entry.info.model_key.casefold(), entry.full_key.casefold())


def _is_file(entry: CatalogEntry, name: str) -> bool:
    return str(entry.path) == name or entry.info.path.casefold() == name.casefold()


def _begins_path(entry: CatalogEntry, name: str) -> bool:
    # Without a slash it could be the beginning of any publisher's name.
    return "/" in name and entry.info.path.casefold().startswith(name.casefold())


_RULES: Final[tuple[_Rule, ...]] = (_is_key, _is_key_in_other_case, _is_file, _begins_path)


def matching(entries: Sequence[CatalogEntry], name: str) -> list[CatalogEntry]:
    """The models that fit a name best, the first of them being the one that is meant; none when none fits."""
    for rule in _RULES:
        if found := [entry for entry in entries if rule(entry, name)]:
            return found
    return []
