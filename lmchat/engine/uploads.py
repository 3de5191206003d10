"""Files that clients have handed over, in memory, under names that nobody can guess."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from pathlib import PurePath
from typing import Final

from lmchat.values.chat import FileType
from lmchat.values.errors import EngineError

MAX_BYTES: Final = 256 * 1024 * 1024
"""Of all files together; when there are more, the oldest go."""
_MEGABYTE: Final = 1024 * 1024
_IMAGE_HEADS: Final = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a")
_BY_SUFFIX: Final[dict[str, FileType]] = {
    ".txt": "text/plain",
    ".pdf": "application/pdf",
    ".doc": "application/word",
    ".docx": "application/word",
}


@dataclass(frozen=True, slots=True, repr=False)
class Upload:
    """One file."""

    identifier: str
    name: str
    file_type: FileType
    content: bytes

    @property
    def text(self) -> str | None:
        """What a text file says; None for any other."""
        return self.content.decode(errors="replace") if self.file_type.startswith("text/") else None


class Uploads:
    """All files of one engine."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._files: dict[str, Upload] = {}

    def add(self, name: str, content: bytes) -> Upload:
        """Keep a file, under a new identifier also when it has come before.

        Raises:
            EngineError: it is larger than all files together may be.
        """
        if len(content) > self._max_bytes:
            raise EngineError(f"The file is larger than {self._max_bytes // _MEGABYTE} MB. Give a smaller one.")
        used = sum(len(upload.content) for upload in self._files.values())
        while used + len(content) > self._max_bytes:
            oldest = self._files.pop(next(iter(self._files)))
            used -= len(oldest.content)
        upload = Upload(uuid.uuid4().hex, name, _type_of(name, content), content)
        self._files[upload.identifier] = upload
        return upload

    def find(self, identifier: str) -> Upload | None:
        """The file of this identifier, unless it has gone."""
        return self._files.get(identifier)


def _type_of(name: str, content: bytes) -> FileType:
    if content.startswith(_IMAGE_HEADS) or (content[:4] == b"RIFF" and content[8:12] == b"WEBP"):
        return "image"
    if (known := _BY_SUFFIX.get(PurePath(name).suffix.lower())) is not None:
        return known
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return "unknown"
    return "unknown" if "\0" in text else "text/other"
