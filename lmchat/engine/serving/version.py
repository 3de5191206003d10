"""What this server says of its own version."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, version
from typing import Final

PACKAGE: Final = "lmchat"


def server_version() -> str:
    """The version in the protocol's form, major.minor.patch."""
    try:
        numbers = re.findall(r"\d+", version(PACKAGE))
    except PackageNotFoundError:  # run from a checkout
        numbers = []
    return ".".join([*numbers, "0", "0", "0"][:3])
