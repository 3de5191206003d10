"""What is asked on the command line: the prompt, files, and what comes in by a pipe; and the form of the answer."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import click

from lmchat.values.errors import LMStudioOSError, LMStudioValueError
from lmchat.values.safe_text import safe_line

_MOST_BYTES: Final = 4 * 2**20
"""Of one file, or of standard input; no model reads more."""
_LOOKED_AT: Final = 8_192
"""Bytes at the beginning of a file in which a zero tells that it is no text."""


def question(prompt: str, files: Sequence[str]) -> str:
    """All that is asked, in one text: the prompt, each file under its name, and what stands on standard input.

    Raises:
        LMStudioOSError: a file cannot be read.
        LMStudioValueError: a file is no text, or a file or standard input is too long.
        click.UsageError: there is nothing to ask.
    """
    parts = [prompt, *(_document(Path(file)) for file in files), _piped()]
    asked = "\n\n".join(part for part in parts if part.strip())
    if not asked:
        raise click.UsageError("There is nothing to ask. Give a prompt, or text on standard input.")
    return asked


def schema(file: str) -> dict[str, Any]:
    """The JSON schema in a file, as the setting that makes an answer fit it.

    Raises:
        LMStudioOSError: the file cannot be read.
        LMStudioValueError: there is no schema in it.
    """
    name = safe_line(file)
    try:
        found = json.loads(_content(Path(file)))
    except (ValueError, RecursionError) as wrong:
        raise LMStudioValueError(f"{name} is no JSON: {wrong}. Give a file with a JSON schema.") from wrong
    if not isinstance(found, dict):
        raise LMStudioValueError(f"{name} holds no JSON schema, which is an object. Give another file.")
    return {"type": "json", "jsonSchema": found}


def _document(path: Path) -> str:
    return f"{path.name}:\n\n{_content(path)}"


def _content(path: Path) -> str:
    name = safe_line(str(path))
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
    except OSError as wrong:
        raise LMStudioOSError(f"{name} cannot be read: {wrong.strerror or wrong}. Check the path.") from wrong
    if b"\0" in data[:_LOOKED_AT]:
        raise LMStudioValueError(f"{name} is no text. Give a text file; images cannot be asked about here.")
    return _text(data, name)


def _piped() -> str:
    if sys.stdin.isatty():
        return ""
    # Never to its end: what comes by a pipe may have none.
    return _text(sys.stdin.buffer.read(_MOST_BYTES + 1), "Standard input")


def _text(data: bytes, name: str) -> str:
    if len(data) > _MOST_BYTES:
        raise LMStudioValueError(f"{name} has more than {_MOST_BYTES >> 20} MB. Give the part of it that matters.")
    return data.decode("utf-8", "replace").strip("\n")
