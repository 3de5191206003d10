"""The one way foreign text becomes fit for a terminal.

What models, servers, tools and files send may hold control sequences that set the clipboard, rename the window or
hide words. Here each character that acts instead of showing is replaced by one that shows. The mapping is by character,
so that text may be made safe piece by piece. What is stored is always the original.
"""

from __future__ import annotations

import re

_SURROGATES = range(0xD800, 0xE000)


def _named(code: int) -> str:
    return f"⟨U+{code:04X}⟩"


def _table() -> dict[int, str]:
    table = {code: chr(0x2400 + code) for code in range(0x20) if chr(code) not in "\n\t"}
    table[0x7F] = "␡"
    invisible = [
        *range(0x80, 0xA0),  # C1 controls
        0x00AD,  # soft hyphen
        0x061C,  # Arabic letter mark
        0x115F,  # Hangul fillers, blank letters
        0x1160,
        0x3164,
        0xFFA0,
        0x180E,  # Mongolian vowel separator
        0x200B,  # zero width space; its neighbours, the joiners, are part of emoji and of several scripts
        0x200E,  # left-to-right and right-to-left marks
        0x200F,
        0x2028,  # line and paragraph separators
        0x2029,
        *range(0x202A, 0x202F),  # bidi embeddings and overrides
        *range(0x2060, 0x2070),  # word joiner, invisible operators, bidi isolates, deprecated formatters
        0xFEFF,  # byte order mark
        *range(0xFFF9, 0xFFFC),  # interlinear annotation
        *range(0xE0000, 0xE0080),  # tags: text that hides in plain sight
    ]
    table.update({code: _named(code) for code in invisible})
    table.update(dict.fromkeys(_SURROGATES, "\ufffd"))
    return table


_SHOWN_AS = _table()
_UNSAFE = re.compile("[" + "".join(re.escape(chr(code)) for code in _SHOWN_AS) + "]")


def safe_text(text: str) -> str:
    """The text with every control and invisible formatting character shown as a symbol; newline and tab stay."""
    if _UNSAFE.search(text) is None:
        return text
    return text.translate(_SHOWN_AS)


def safe_line(text: str) -> str:
    """Like `safe_text`, for places of one line: titles, names, messages. Newlines and tabs become spaces."""
    return safe_text(text).replace("\n", " ").replace("\t", " ")
