from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

from lmchat.values.errors import LMStudioOSError, LMStudioValueError
from lmchat.values.files import LocalFile

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 16


def test_a_file_may_be_a_path_content_or_open(tmp_path: Path) -> None:
    path = tmp_path / "cat.png"
    path.write_bytes(PNG)
    for source in (path, str(path)):
        assert LocalFile.read(source) == LocalFile("cat.png", PNG)
    with path.open("rb") as opened:
        assert LocalFile.read(opened) == LocalFile("cat.png", PNG)
    for content in (PNG, bytearray(PNG), memoryview(PNG), io.BytesIO(PNG)):
        assert LocalFile.read(content, "given") == LocalFile("given", PNG)


def test_content_without_a_name_gets_a_fresh_one() -> None:
    assert LocalFile.read(PNG).name != LocalFile.read(PNG).name


def test_what_cannot_be_read_says_why(tmp_path: Path) -> None:
    with pytest.raises(LMStudioOSError, match=r"nothing\.png could not be read"):
        LocalFile.read(tmp_path / "nothing.png")
    with pytest.raises(OSError, match="could not be read"):
        LocalFile.read(tmp_path)
    closed = io.BytesIO(PNG)
    closed.close()
    with pytest.raises(LMStudioValueError, match="could not be read"):
        LocalFile.read(closed)


@pytest.mark.parametrize(
    ("source", "reason"), [(io.StringIO("x"), "'rb'"), (7, "not as a int"), (b"", "empty"), (None, "NoneType")]
)
def test_what_is_no_file_is_refused(source: Any, reason: str) -> None:
    with pytest.raises(LMStudioValueError, match=reason):
        LocalFile.read(source)


@pytest.mark.parametrize("content", [PNG, b"\xff\xd8\xff\xe0", b"RIFF\x10\0\0\0WEBPVP8 "])
def test_images_are_told_by_how_they_begin(content: bytes) -> None:
    assert LocalFile("x", content).require_image().content == content


@pytest.mark.parametrize("content", [b"/home/me/cat.png", b"%PDF-1.7", b"RIFF\x10\0\0\0WAVE"])
def test_other_files_are_no_images(content: bytes) -> None:
    with pytest.raises(LMStudioValueError, match="prepare_file"):
        LocalFile("x", content).require_image()
