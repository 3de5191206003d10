"""Files in memory: their kinds, and how many there can be."""

from __future__ import annotations

import pytest

from lmchat.engine.uploads import Uploads
from lmchat.values.errors import EngineError


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("notes.txt", b"hi", "text/plain"),
        ("NOTES.TXT", b"\xff", "text/plain"),
        ("picture", b"\x89PNG\r\n\x1a\nrest", "image"),
        ("lies.txt", b"\xff\xd8\xff\xe0", "image"),
        ("picture.webp", b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image"),
        ("paper.pdf", b"%PDF-1.7", "application/pdf"),
        ("letter.docx", b"PK\x03\x04", "application/word"),
        ("code.py", "é".encode(), "text/other"),
        ("data.bin", b"\x00\x01", "unknown"),
        ("data.bin", b"\xff\xfe\xff", "unknown"),
    ],
)
def test_kinds_of_file(name: str, content: bytes, kind: str) -> None:
    upload = Uploads().add(name, content)
    assert upload.file_type == kind
    assert (upload.text is not None) == kind.startswith("text/")


def test_the_same_file_twice_is_two_files() -> None:
    uploads = Uploads()
    one, other = uploads.add("a.txt", b"x"), uploads.add("a.txt", b"x")
    assert one.identifier != other.identifier
    assert not set(":/") & set(one.identifier + other.identifier)
    assert uploads.find(one.identifier) is one


def test_when_there_is_no_more_room_the_oldest_go() -> None:
    uploads = Uploads(max_bytes=10)
    first, second, third = (uploads.add("f", bytes(size)) for size in (4, 4, 6))
    assert [uploads.find(upload.identifier) for upload in (first, second, third)] == [None, second, third]
    with pytest.raises(EngineError, match="larger"):
        uploads.add("f", bytes(11))
    assert uploads.find(third.identifier) is third
