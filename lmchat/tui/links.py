"""Links in answers: which may be opened, where they really go, and how they are opened without touching the terminal.

A model writes a link's text and its target as it likes. So the target is shown, its host first, and only what browsers
and this module read alike is opened: http, https and mailto, with nothing hidden in them. WHATWG URL, RFC 6068.
"""

from __future__ import annotations

import asyncio
import ipaddress
import os
import re
import shlex
import subprocess
import sys
import unicodedata
from pathlib import PurePath
from typing import Final, NamedTuple
from urllib.parse import parse_qsl, quote, urlsplit

from lmchat.protocol import child_process
from lmchat.values.safe_text import safe_line

_LONG: Final = 60
"""Characters from which the host stands before the whole link."""
_PATIENCE: Final = 5.0
"""Seconds for the browser to fail in; one that is still running then has opened."""
_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_LABEL: Final = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")
_ADDRESS: Final = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_{|}~-]+@[A-Za-z0-9.-]+")
_MAIL_FIELDS: Final = frozenset({"subject", "body", "cc", "bcc"})
"""All that a link may put into a mail; some programs would attach files."""
_ASCII_KEPT: Final = "!#$%&'()*+,/:;=?@[]~"
_TEXT_BROWSERS: Final = frozenset({"www-browser", "lynx", "links", "links2", "elinks", "w3m", "browsh", "carbonyl"})


class _Target(NamedTuple):
    url: str
    """In ASCII, as a browser gets it."""
    host: str
    """As it is read, and as it is looked up where that differs."""


class _Refused(ValueError):
    """Why a link is not opened."""


def describe(link: str) -> str:
    """Where a link goes, in one line of safe text; for a link that is not opened also why."""
    try:
        target = _read(link)
    except _Refused as why:
        return f"Not opened: {why} · {safe_line(link)}"
    if len(link) > _LONG or not target.host.isascii() or target.host not in link.lower():
        return f"{target.host} · {link}"
    return link


def may_open(link: str) -> bool:
    """Whether a link goes to a place that may be opened."""
    try:
        _read(link)
    except _Refused:
        return False
    return True


async def open_link(link: str) -> bool:
    """Open a link in the user's browser, if it may be opened and there is a browser with a window.

    A process of its own does it, without a terminal, so that neither it nor a browser can write or read here.
    """
    environment = _browser_environment()
    try:
        url = _read(link).url
    except _Refused:
        return False
    if not _window_in_reach(environment):
        return False
    try:
        process = await asyncio.create_subprocess_exec(
            *child_process.command("lmchat.tui.links"),
            url,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment,
            **child_process.own_group(),
        )
    except OSError:
        return False
    try:
        async with asyncio.timeout(_PATIENCE):
            return await process.wait() == 0
    except TimeoutError:
        return True


# Where a link goes


def _read(link: str) -> _Target:
    if link != safe_line(link) or any(c.isspace() or unicodedata.category(c) == "Cf" for c in link):
        raise _Refused("it has characters that do not show")
    if "\\" in link:
        raise _Refused("browsers do not agree where it goes")
    scheme = _SCHEME.match(link)
    if scheme is None:
        raise _Refused("it does not say which site it is on")
    match scheme[1].lower():
        case "http" | "https":
            return _read_web(link)
        case "mailto":
            return _read_mail(link)
        case other:
            raise _Refused(f"lmchat opens no {other} links")


def _read_web(link: str) -> _Target:
    try:
        parts = urlsplit(link)
        name, port = parts.hostname, parts.port
    except ValueError as wrong:
        raise _Refused("it is not a valid link") from wrong
    if not name or not link[len(parts.scheme) :].startswith("://"):
        raise _Refused("it does not say which site it is on")
    host = _host(name)
    if "@" in parts.netloc:
        raise _Refused(f"it goes to {host} and feigns another place")
    rest = link[len(parts.scheme) + len("://") + len(parts.netloc) :]
    url = f"{parts.scheme}://{host}{'' if port is None else f':{port}'}{quote(rest, safe=_ASCII_KEPT)}"
    return _Target(url, host if name.isascii() else f"{name} ({host})")


def _host(name: str) -> str:
    """A host as it is looked up; only spellings that everybody reads alike."""
    try:
        if ":" in name and "%" not in name:
            return f"[{ipaddress.IPv6Address(name)}]"
        if not name.isascii():
            # Only such hosts need it, and its tables are large.
            import idna

            name = idna.encode(name, uts46=True).decode()
        labels = name.removesuffix(".").split(".")
        if _NUMBER.fullmatch(labels[-1]):
            return str(ipaddress.IPv4Address(name))
    except ValueError as wrong:
        raise _Refused("its host is not a valid name") from wrong
    if not all(_LABEL.fullmatch(label) for label in labels):
        raise _Refused("its host is not a valid name")
    return name


def _read_mail(link: str) -> _Target:
    addresses, _, fields = link.partition(":")[2].partition("#")[0].partition("?")
    if not all(_ADDRESS.fullmatch(address) for address in addresses.split(",")):
        raise _Refused("it is not a valid mail address")
    if not {name.lower() for name, _ in parse_qsl(fields, keep_blank_values=True)} <= _MAIL_FIELDS:
        raise _Refused("it would put more into a mail than text")
    return _Target(quote(link, safe=_ASCII_KEPT), addresses)


# How it is opened


def _browser_environment() -> dict[str, str]:
    """The environment for the browser's process, in which text-mode browsers are not found.

    Without TERM, Python's `webbrowser` offers none of its own accord. $BROWSER is respected but for those it names.
    """
    environment = child_process.environment()
    environment.pop("TERM", None)
    wanted = environment.pop("BROWSER", "").split(os.pathsep)
    if windowed := [command for command in wanted if command and not _is_text_browser(command)]:
        environment["BROWSER"] = os.pathsep.join(windowed)
    return environment


def _is_text_browser(command: str) -> bool:
    try:
        program = shlex.split(command)[0]
    except (ValueError, IndexError):
        return True
    return PurePath(program).stem in _TEXT_BROWSERS


def _window_in_reach(environment: dict[str, str]) -> bool:
    """Whether a browser's window would be before the user.

    $BROWSER counts without a display too: editors set it in their remote terminals, to open links on the near side.
    """
    if "BROWSER" in environment:
        return True
    if sys.platform in ("win32", "darwin"):
        return "SSH_CONNECTION" not in environment
    return bool(environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY"))


if __name__ == "__main__":
    import webbrowser

    sys.exit(not webbrowser.open(sys.argv[1]))
