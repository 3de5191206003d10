"""The style sheet of the page, and the policy that allows this sheet and nothing else."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib import import_module
from typing import Final

_PAGE: Final = """
:root { color-scheme: light dark; --ink: #1c1c1e; --quiet: #6b6b70; --paper: #fdfdfc; --tint: #f1f1ee; --rule: #d8d8d4;
  --link: #0b5cad; --user: #2a7de1; --assistant: #2f9e63; --system: #a06a00; --tool: #8a4fbf; --error: #c0332b; }
body { margin: 0 auto; padding: 1.5rem 1rem 4rem; max-width: 48rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.6 system-ui, sans-serif; overflow-wrap: anywhere; }
header h1 { margin: 0; font-size: 1.5rem; line-height: 1.3; }
.quiet, .figures, summary { color: var(--quiet); font-size: .85rem; }
.figures { margin: .4rem 0 0; }
section { margin: 1.75rem 0; padding-left: .9rem; border-left: 3px solid var(--rule); }
section.user { border-color: var(--user); }
section.assistant { border-color: var(--assistant); }
section.system { border-color: var(--system); }
section.tool { border-color: var(--tool); }
section h2 { margin: 0 0 .4rem; font-size: .9rem; color: var(--quiet); }
.text > :first-child { margin-top: 0; }
.text > :last-child { margin-bottom: 0; }
.text h1, .text h2, .text h3, .text h4, .text h5, .text h6 { margin: 1.2em 0 .4em; font-size: 1.1rem; color: inherit; }
.text h1 { font-size: 1.35rem; }
.text h2 { font-size: 1.2rem; }
.plain { white-space: pre-wrap; }
details { margin: .5rem 0; }
summary { cursor: pointer; }
details > .text, details > pre { margin: .4rem 0 .4rem .2rem; padding-left: .8rem; border-left: 2px solid var(--rule); }
.error { color: var(--error); white-space: pre-wrap; }
a { color: var(--link); }
code, pre, .formula { font-family: ui-monospace, "SF Mono", Menlo, Consolas, monospace; font-size: .88em; }
code { background: var(--tint); padding: .1em .3em; border-radius: 3px; }
pre { background: var(--tint); padding: .7rem .9rem; border-radius: 5px; overflow-x: auto; line-height: 1.45;
  overflow-wrap: normal; }
pre code { background: none; padding: 0; font-size: 1em; }
.formula { white-space: pre; }
div.formula { margin: .8rem 0 .8rem 1.5rem; overflow-x: auto; line-height: 1.3; }
blockquote { margin: .8rem 0; padding-left: .9rem; border-left: 3px solid var(--rule); color: var(--quiet); }
table { border-collapse: collapse; display: block; overflow-x: auto; }
th, td { border: 1px solid var(--rule); padding: .25rem .6rem; text-align: start; }
th.center, td.center { text-align: center; }
th.right, td.right { text-align: end; }
hr { border: 0; border-top: 1px solid var(--rule); }
article + article { margin-top: 4rem; border-top: 1px solid var(--rule); padding-top: 2rem; }
"""
_DARK: Final = """
:root { --ink: #e4e4e6; --quiet: #9a9aa0; --paper: #17181a; --tint: #222427; --rule: #3a3c40; --link: #7ab8ff;
  --user: #5aa2f5; --assistant: #57c78a; --system: #d9a13b; --tool: #b98ae6; --error: #ff7b72; }
"""
_PRINT: Final = """
:root { --paper: #fff; --tint: #f4f4f4; }
body { max-width: none; padding: 0; font-size: 10.5pt; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; }
h1, h2, summary { break-after: avoid; }
pre, table, blockquote { break-inside: avoid-page; }
.text a[href]::after { content: " (" attr(href) ")"; font-size: .85em; color: var(--quiet); }
"""
_LIGHT_CODE: Final = "default"
_DARK_CODE: Final = "github-dark"


@cache
def style_sheet() -> str:
    """All styles of the page; paper is always light."""
    dark = _DARK + _code(_DARK_CODE)
    return (
        f"{_PAGE}{_code(_LIGHT_CODE)}\n"
        f"@media screen and (prefers-color-scheme: dark) {{{dark}\n}}\n"
        f"@media print {{{_PRINT}}}\n"
    )


@cache
def policy() -> str:
    """The Content-Security-Policy: this style sheet, and nothing else from anywhere."""
    digest = base64.b64encode(hashlib.sha256(style_sheet().encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def _code(style: str) -> str:
    formatter = import_module("pygments.formatters").HtmlFormatter(style=style)
    definitions: str = formatter.get_style_defs("pre")
    lines = (line for line in definitions.split("\n") if line.startswith("pre ."))
    return "\n".join(line.partition(" /*")[0] for line in lines)
