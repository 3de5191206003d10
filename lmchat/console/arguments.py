"""Arguments of the command line that are text, which need not be what the shell gave as bytes."""

from __future__ import annotations

import re
from typing import Any, Final

import click


class _Text(click.types.StringParamType):
    """Text with U+FFFD in place of bytes that are none: they could not be sent, kept or looked for."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        return re.sub("[\ud800-\udfff]", "\ufffd", str(super().convert(value, param, ctx)))


TEXT: Final = _Text()
"""For every argument but the name of a file, which keeps its bytes."""
