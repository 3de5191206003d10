"""Files that are handed to a server: what a caller may give, and what comes of it."""

from __future__ import annotations

import io
import os
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final, TypeAlias

from lmchat.values.errors import LMStudioOSError, LMStudioValueError

LocalFileInput: TypeAlias = "str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO"
"""A path, the content itself, or an open binary file. A path in bytes would be taken for content."""

_IMAGE_HEADS: Final = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")


@dataclass(frozen=True, slots=True, repr=False)
class LocalFile:
    """A file's name and content."""

    name: str
    content: bytes

    @classmethod
    def read(cls, source: LocalFileInput, name: str | None = None) -> LocalFile:
        """Take in what a caller gave. Without a name, that of the path or of the open file is used, else a fresh one.

        Raises:
            LMStudioOSError: the file cannot be read.
            LMStudioValueError: this is neither a path, nor content, nor an open binary file; or it is empty.
        """
        content, own_name = _content_and_name(source)
        if not content:
            raise LMStudioValueError(f"{own_name or 'The file'} is empty. Give a file with something in it.")
        return cls(name or own_name or str(uuid.uuid4()), content)

    def require_image(self) -> LocalFile:
        """Give the file back when it is an image of a format that LM Studio reads.

        Raises:
            LMStudioValueError: it is none.
        """
        is_webp = self.content[:4] == b"RIFF" and self.content[8:12] == b"WEBP"
        if not is_webp and not self.content.startswith(_IMAGE_HEADS):
            raise LMStudioValueError(
                f"{self.name} is not a JPEG, PNG or WebP image. Convert it, or use prepare_file for another file."
            )
        return self


def _content_and_name(source: Any) -> tuple[bytes, str | None]:
    match source:
        case bytes() | bytearray() | memoryview():
            return bytes(source), None
        case str() | os.PathLike():
            path = Path(source)
            return _reading(path.read_bytes, str(path)), path.name
        case io.TextIOBase():
            raise LMStudioValueError("The file is open as text. Open it with mode 'rb'.")
    if not callable(read := getattr(source, "read", None)):
        raise LMStudioValueError(
            f"A file is given as a path, as bytes or as an open binary file, not as a {type(source).__name__}."
        )
    name = getattr(source, "name", None)
    own_name = Path(name).name if isinstance(name, str) else None
    content = _reading(read, own_name or "the open file")
    if not isinstance(content, bytes):
        raise LMStudioValueError("Reading the open file gave no bytes. Open it with mode 'rb'.")
    return content, own_name


def _reading(read: Any, name: str) -> Any:
    try:
        return read()
    except OSError as wrong:
        raise LMStudioOSError(f"{name} could not be read: {wrong.strerror or wrong}. Check the path.") from wrong
    except ValueError as wrong:
        raise LMStudioValueError(f"{name} could not be read: {wrong}.") from wrong
