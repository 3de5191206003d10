from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from lmchat.tui.links import describe, may_open, open_link
from lmchat.values.safe_text import safe_line


@pytest.mark.parametrize(
    "link",
    [
        "https://example.com",
        "http://example.com:8080/a?b=c#d",
        "HTTPS://Example.COM/Path",
        "https://example.com./",
        "https://example.com/#@evil.example",
        "https://my_host/",
        "http://localhost:1234/v1",
        "http://127.0.0.1/",
        "http://[::1]:8080/",
        "mailto:someone@example.com",
        "mailto:a@b.example,c@d.example?subject=Hello%20there&cc=e@f",
    ],
)
def test_an_ordinary_link_is_described_by_itself(link: str) -> None:
    assert may_open(link)
    assert describe(link) == link


@pytest.mark.parametrize(
    ("link", "shown"),
    [
        ("https://example.com/" + "a" * 60, "example.com · https://example.com/" + "a" * 60),
        ("https://www.good.example.evil.example/" + "x" * 60, "www.good.example.evil.example · "),
        ("https://пример.рф/путь", "пример.рф (xn--e1afmkfd.xn--p1ai) · https://пример.рф/путь"),
        ("https://аpple.com/", "аpple.com (xn--pple-43d.com) · "),  # its first letter is Cyrillic
        ("https://faß.de/", "faß.de (xn--fa-hia.de) · "),
        ("http://[0:0::1]/", "[::1] · "),
    ],
)
def test_where_it_really_goes_stands_first(link: str, shown: str) -> None:
    assert may_open(link)
    assert describe(link).startswith(shown)


@pytest.mark.parametrize(
    ("link", "why"),
    [
        ("https://good.example@evil.example/", "it goes to evil.example and feigns another place"),
        ("https://good.example:443@evil.example/", "it goes to evil.example"),
        ("https://good.example\\@evil.example/", "browsers do not agree"),
        ("https://good.example/\u202egnp.exe", "characters that do not show"),
        ("https://good.example/a b", "characters that do not show"),
        ("https://good.example/\n", "characters that do not show"),
        ("https://good\u200c.example/", "characters that do not show"),
        ("https://\x1b]52;c;aGk=\x07", "characters that do not show"),
        (" https://good.example/", "characters that do not show"),
        ("https:good.example", "which site"),
        ("https:/good.example", "which site"),
        ("https:///good.example", "which site"),
        ("https://", "which site"),
        ("https://exa%6dple.com/", "not a valid name"),
        ("https://a..example/", "not a valid name"),
        ("https://-a.example/", "not a valid name"),
        ("http://2130706433/", "not a valid name"),
        ("http://0x7f.1/", "not a valid name"),
        ("http://127.1/", "not a valid name"),
        ("http://[fe80::1%25eth0]/", "not a valid name"),
        ("https://i❤.example/", "not a valid name"),
        ("http://[::1/", "not a valid link"),
        ("http://example.com:99999/", "not a valid link"),
        ("javascript:alert(1)", "no javascript links"),
        ("file:///etc/passwd", "no file links"),
        ("data:text/html,x", "no data links"),
        ("C:\\Windows", "browsers do not agree"),
        ("docs/page.md", "which site"),
        ("#part", "which site"),
        ("//example.com/", "which site"),
        ("", "which site"),
        ("mailto:", "not a valid mail address"),
        ("mailto:a@example.com?attach=/etc/passwd", "more into a mail than text"),
        ("mailto:a@example.com?Attachment=x", "more into a mail than text"),
        ("mailto:-oops", "not a valid mail address"),
    ],
)
async def test_a_link_that_is_not_opened_says_why(link: str, why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROWSER", "true")
    assert not may_open(link)
    assert describe(link).startswith("Not opened: ")
    assert why in describe(link)
    assert not await open_link(link)


@given(st.one_of(st.text(), st.text().map("https://".__add__), st.text().map("mailto:".__add__)))
def test_any_description_is_one_safe_line(link: str) -> None:
    assert safe_line(describe(link)) == describe(link)


BROWSER = """#!{python}
import os, sys
terminal = any(os.isatty(number) for number in range(3))
open({note!r}, "w").write(f"{{sys.argv[1]}} {{terminal}}")
print("\\x1b[2J", flush=True)
"""


class Browser:
    """A browser that notes where it went, whether it has a terminal, and writes on it if it can."""

    def __init__(self, folder: Path) -> None:
        self.program = folder / "browser"
        self._note = folder / "note"
        self.program.write_text(BROWSER.format(python=sys.executable, note=str(self._note)))
        self.program.chmod(0o755)

    @property
    def note(self) -> str | None:
        return self._note.read_text() if self._note.exists() else None


@pytest.fixture
def browser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Browser:
    """The user's browser, on a machine without a display."""
    if sys.platform == "win32":
        pytest.skip("needs scripts that can be run")
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "SSH_CONNECTION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    browser = Browser(tmp_path)
    monkeypatch.setenv("BROWSER", str(browser.program))
    return browser


async def test_a_link_opens_in_the_users_browser_away_from_the_terminal(
    browser: Browser, capfd: pytest.CaptureFixture[str]
) -> None:
    assert await open_link("https://пример.рф/$(touch);`y`'z'?a=\"b\"&c")
    assert browser.note == "https://xn--e1afmkfd.xn--p1ai/$(touch);%60y%60'z'?a=%22b%22&c False"
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("wanted", ["", "w3m", "/usr/bin/lynx %s", "links2 -g", "'"])
async def test_without_a_window_in_reach_nothing_is_opened(
    browser: Browser, monkeypatch: pytest.MonkeyPatch, wanted: str
) -> None:
    monkeypatch.setenv("BROWSER", wanted)
    assert not await open_link("https://example.com/")


async def test_the_next_browser_is_taken_when_the_first_is_for_text(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BROWSER", f"w3m:{browser.program}")
    assert await open_link("https://example.com/")
    assert browser.note == "https://example.com/ False"


async def test_a_browser_that_fails_opens_nothing(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROWSER", "false")
    assert not await open_link("https://example.com/")
