"""The one way foreign text becomes fit for a terminal.

What models, servers, tools and files send may hold control sequences that set the clipboard, rename the window or
hide words. Here each character that acts instead of showing is replaced by one that shows. The mapping is by character,
so that text may be made safe piece by piece. What is stored is always the original.

Invisible characters that living scripts, emoji and mathematics are written with stay: the joiners, the variation
selectors of the first block, the Mongolian ones. All others are shown, for they can only carry what is not meant to be
seen. Most are Default_Ignorable_Code_Point of Unicode 17.
"""

from __future__ import annotations

import re
from typing import Final

_NEWLINE, _TAB, _DELETE = 0x0A, 0x09, 0x7F
_PICTURES: Final = 0x2400
"""Where Unicode has pictures of the controls."""
_SURROGATES: Final = range(0xD800, 0xE000)
_ACTING: Final = (
    range(_TAB),
    range(_NEWLINE + 1, 0x20),
    range(_DELETE, 0xA0),  # and the C1 controls
    range(0x00AD, 0x00AE),  # soft hyphen
    range(0x034F, 0x0350),  # combining grapheme joiner, which joins nothing that is drawn
    range(0x061C, 0x061D),  # Arabic letter mark
    range(0x115F, 0x1161),  # Hangul fillers, blank letters
    range(0x17B4, 0x17B6),  # Khmer inherent vowels
    range(0x180E, 0x180F),  # Mongolian vowel separator
    range(0x200B, 0x200C),  # zero width space
    range(0x200E, 0x2010),  # left-to-right and right-to-left marks
    range(0x2028, 0x202F),  # line and paragraph separators, bidi embeddings and overrides
    range(0x2060, 0x2070),  # word joiner, invisible operators, bidi isolates, deprecated formatters
    range(0x3164, 0x3165),  # Hangul filler
    _SURROGATES,
    range(0xFDD0, 0xFDF0),  # noncharacters
    range(0xFEFF, 0xFF00),  # byte order mark
    range(0xFFA0, 0xFFA1),  # halfwidth Hangul filler
    range(0xFFF0, 0xFFFC),  # unassigned, and interlinear annotation
    range(0xFFFE, 0x10000),
    range(0x13430, 0x13440),  # the layout of hieroglyphs, which a row of cells cannot follow
    range(0x1BCA0, 0x1BCA4),  # shorthand format
    range(0x1D173, 0x1D17B),  # musical format
    range(0xE0000, 0xE1000),  # tags and the variation selectors beyond 16: whole texts hide in them
    *(range(plane + 0xFFFE, plane + 0x10000) for plane in range(0x10000, 0x110000, 0x10000)),
)
_UNSAFE: Final = re.compile("[" + "".join(f"{chr(codes[0])}-{chr(codes[-1])}" for codes in _ACTING) + "]")


def safe_text(text: str) -> str:
    """The text with every control and invisible formatting character shown as a symbol; newline and tab stay."""
    if _UNSAFE.search(text) is None:
        return text
    return _UNSAFE.sub(_shown, text)


def safe_line(text: str) -> str:
    """Like `safe_text`, for places of one line: titles, names, messages. Newlines and tabs become spaces."""
    return safe_text(text).replace("\n", " ").replace("\t", " ")


def _shown(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code < 0x20:
        return chr(_PICTURES + code)
    if code == _DELETE:
        return "␡"
    return "\ufffd" if code in _SURROGATES else f"⟨U+{code:04X}⟩"
