"""The lines at the top of a Markdown file: a subset of YAML that any reader of YAML reads, each value as JSON."""

from __future__ import annotations

import re
from typing import Any, Final

from lmchat.exchange.coding import ANY, from_json, to_json
from lmchat.values.errors import LMStudioValueError

_BLOCK: Final = re.compile(r"\A---[ \t]*\n(.*?)^---[ \t]*$\n?", re.DOTALL | re.MULTILINE)
_LINE: Final = re.compile(r"([a-z_]+)[ \t]*:[ \t]*(.*?)[ \t]*")
_UNPRINTABLE: Final = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


def write_front_matter(values: dict[str, Any]) -> str:
    """The block that says these values."""
    lines = (f"{key}: {_printable(to_json(value))}" for key, value in values.items())
    return "\n".join(["---", *lines, "---"])


def read_front_matter(text: str) -> tuple[dict[str, Any], str]:
    """The values at the top of a text, and the rest. A value that is no JSON is a string, as in YAML.

    Raises:
        LMStudioValueError: the text does not begin with such a block.
    """
    block = _BLOCK.match(text)
    if block is None:
        raise LMStudioValueError(
            "This Markdown file was not written by lmchat, for its first lines are not the front matter of one. "
            "Only lmchat's own exports can be read back."
        )
    values: dict[str, Any] = {}
    for line in block[1].split("\n"):
        if found := _LINE.fullmatch(line):
            values[found[1]] = _value(found[2])
    return values, text[block.end() :]


def _value(written: str) -> Any:
    try:
        return from_json(written, ANY)
    except LMStudioValueError:
        return written[1:-1].replace("''", "'") if re.fullmatch("'.*'", written) else written


def _printable(json: str) -> str:
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", json)
