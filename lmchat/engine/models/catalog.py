"""The model files on disk, and the names under which clients know them."""

from __future__ import annotations

import logging
import os
import re
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain, count
from pathlib import Path
from typing import Final

from lmchat.engine.models.aliases import aliased
from lmchat.engine.models.entry import CatalogEntry
from lmchat.engine.models.gguf import GgufInfo, read_gguf
from lmchat.protocol.child_process import Alias
from lmchat.values.errors import EngineError
from lmchat.values.model import EmbeddingModelInfo, LlmInfo, ModelInfo, Quantization
from lmchat.values.safe_text import safe_line

_SUFFIX: Final = ".gguf"
_CACHED: Final = "models--"
"""What the folders of models in Hugging Face's cache begin with."""
_UNKNOWN_CONTEXT: Final = 4096
_EMBEDDING_PREFIX: Final = "text-embedding-"
"""What LM Studio's keys of embedding models begin with."""
_LOCAL: Final = "local"
"""The publisher of files that lie in no publisher's folder."""
_QUANTIZATION_IN_NAME: Final = re.compile(r"[-_.](?:i?q\d\w*|b?f16|f32|tq\d_\d|mxfp4)$", re.IGNORECASE)
_PART_IN_NAME: Final = re.compile(r"-\d{5}-of-\d{5}$")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _File:
    """A file as it was when it was read: its description, or why there is none."""

    stamp: tuple[int, int]
    found: GgufInfo | EngineError


class Catalog:
    """Models in a folder and at given paths. Files are read once and again when they change. Safe to use by threads."""

    def __init__(
        self,
        folder: Path,
        paths: Iterable[Path] = (),
        also_embeds: Path | None = None,
        aliases: Mapping[str, Alias] | None = None,
        other_folders: Iterable[Path] = (),
    ) -> None:
        """Of files below `folder`, of `paths`, and below folders of other programs.

        `also_embeds` is a chat model that is offered a second time, as an embedding model; `aliases` are further names
        for models.
        """
        self._aliases = dict(aliases or {})
        self._folder = folder.absolute()
        self._others = tuple(other.absolute() for other in other_folders)
        self._paths = tuple(path.absolute() for path in paths)
        self._also_embeds = also_embeds and also_embeds.absolute()
        self._files: dict[Path, _File] = {}
        self._lock = threading.Lock()

    def entries(self) -> list[CatalogEntry]:
        """The models that are there now: the given paths first, then the folder's, by path, then other programs'.

        The one that is offered a second time comes a second time after them, and then come aliases.

        Files that are no models are left out, and named in the log.
        """
        with self._lock:
            places = dict.fromkeys((*self._paths, *sorted(_files_below(self._folder))))
            places |= dict.fromkeys(self._other_files(places))
            infos = [(path, found) for path in places if isinstance(found := self._look(path), GgufInfo)]
            self._files = {path: file for path, file in self._files.items() if path in places}
        entries = list(self._named((path, info) for path, info in infos if _is_offered(info)))
        entries += [self._as_embedding(entry) for entry in entries if entry.path == self._also_embeds]
        return [*entries, *aliased(entries, self._aliases)]

    def fault(self, name: str) -> EngineError | None:
        """Why the file that this path or key would stand for is not a model."""
        with self._lock:
            for path, file in self._files.items():
                names = (str(path), self._shown_path(path), key_of_file(path))
                if isinstance(file.found, EngineError) and name in names:
                    return file.found
        return None

    def _other_files(self, known: Iterable[Path]) -> Iterator[Path]:
        """Files of other programs, each once: in Hugging Face's cache all revisions link to one file."""
        seen = {path.resolve() for path in known}
        for folder in self._others:
            for path in sorted(_files_below(folder)):
                if (target := path.resolve()) not in seen:
                    seen.add(target)
                    yield path

    def _look(self, path: Path) -> GgufInfo | EngineError:
        known = self._files.get(path)
        stamp = _stamp(path)
        if known is None or known.stamp != stamp:
            known = self._files[path] = _File(stamp, _read(path))
        return known.found

    def _named(self, files: Iterable[tuple[Path, GgufInfo]]) -> Iterator[CatalogEntry]:
        taken: set[str] = set()
        for path, gguf in files:
            key = _free_key(path, gguf, taken)
            taken.add(key)
            yield CatalogEntry(self._info(path, gguf, key), path, gguf, _full_key(path, gguf))

    def _as_embedding(self, entry: CatalogEntry) -> CatalogEntry:
        common = {
            name: getattr(entry.info, name)
            for name in EmbeddingModelInfo.__struct_fields__
            if name not in ("model_key", "display_name")
        }
        info = EmbeddingModelInfo(
            model_key=_EMBEDDING_PREFIX + entry.info.model_key,
            display_name=f"{entry.info.display_name} (weak embeddings, made from a chat model)",
            **common,
        )
        return replace(entry, info=info)

    def _info(self, path: Path, gguf: GgufInfo, key: str) -> ModelInfo:
        shown = self._shown_path(path)
        folders = shown.split("/")[:-1]
        kind = EmbeddingModelInfo if gguf.kind == "embedding" else LlmInfo
        return kind(
            model_key=key,
            format="gguf",
            display_name=_display_name(path),
            path=shown,
            publisher=folders[0] if folders else _LOCAL,
            indexed_model_identifier=shown,
            size_bytes=gguf.size_bytes,
            params_string=gguf.parameters_label,
            architecture=gguf.architecture,
            quantization=Quantization(gguf.quantization, gguf.bits) if gguf.quantization and gguf.bits else None,
            max_context_length=gguf.context_length or _UNKNOWN_CONTEXT,
        )

    def _shown_path(self, path: Path) -> str:
        for folder in (self._folder, *self._others):
            if path.is_relative_to(folder):
                return _in_repository(path.relative_to(folder))
        return "/".join(path.parts[1:][-3:])


def _in_repository(path: Path) -> str:
    """`publisher/repository/file`, also of `models--publisher--repository/snapshots/revision/file`."""
    match path.parts:
        case (cached, "snapshots", _, *rest) if cached.startswith(_CACHED) and rest:
            return "/".join((*cached.removeprefix(_CACHED).split("--", 1), *rest))
    return path.as_posix()


def _files_below(folder: Path) -> Iterator[Path]:
    """Model files in a folder. Links are followed, because model folders are often links, but never in a circle."""
    seen: set[tuple[int, int]] = set()
    for place, folders, files in os.walk(folder, followlinks=True):
        there = Path(place)
        if (identity := _identity(there)) in seen:
            folders.clear()
            continue
        seen.add(identity)
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (there / name for name in files if name.lower().endswith(_SUFFIX) and not name.startswith("."))


def _identity(folder: Path) -> tuple[int, int]:
    try:
        status = folder.stat()
    except OSError:  # it has just been removed
        return (0, 0)
    return (status.st_dev, status.st_ino)


def _stamp(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError:
        return (0, -1)
    return (status.st_mtime_ns, status.st_size)


def _read(path: Path) -> GgufInfo | EngineError:
    try:
        return read_gguf(path)
    except EngineError as error:
        _log.warning("left out: %s", safe_line(str(error)))
        return error


def _is_offered(info: GgufInfo) -> bool:
    """Whether a file is a model of its own; of one in several parts only the first stands for it."""
    return info.kind in ("llm", "embedding") and (info.split is None or info.split[0] == 0)


def _free_key(path: Path, gguf: GgufInfo, taken: set[str]) -> str:
    plain = key_of_file(path)
    full = _full_key(path, gguf)
    numbered = (f"{full}-{number}" for number in count(2))
    return next(key for key in chain((plain, full), numbered) if key not in taken)


def _full_key(path: Path, gguf: GgufInfo) -> str:
    return f"{key_of_file(path)}@{(gguf.quantization or 'unknown').lower()}"


def key_of_file(path: Path) -> str:
    """The key that a file's model has unless another has it already."""
    return "-".join(_base_name(path).lower().split())


def _display_name(path: Path) -> str:
    return " ".join(re.split(r"[-_\s]+", _base_name(path)))


def _base_name(path: Path) -> str:
    """The file's name without what every file of the model has differently."""
    name = _PART_IN_NAME.sub("", path.stem)
    return _QUANTIZATION_IN_NAME.sub("", name) or name
