"""Colours: lmchat's own themes, and the styles of a theme for each symbolic style name that a transcript uses.

What a style says, it says by an attribute or its text says it too, so that nothing is lost where colours are few or
not wanted. Themes that use the terminal's own colours say which these are but not how they look: there, nothing is
mixed, and attributes take the place of backgrounds.
"""

from __future__ import annotations

from functools import cache
from typing import Final

from rich.style import Style
from textual.color import Color
from textual.theme import Theme

from lmchat.markdown import STYLES


def _scroll_bar(track: str, thumb: str) -> dict[str, str]:
    """A quiet scroll bar for lists and pages: the track is their own ground."""
    tracks = dict.fromkeys(("scrollbar-background", "scrollbar-background-hover", "scrollbar-background-active"), track)
    thumbs = dict.fromkeys(("scrollbar", "scrollbar-hover", "scrollbar-active"), thumb)
    return tracks | thumbs | {"scrollbar-corner-color": track}


DARK: Final = Theme(
    name="lmchat-dark",
    primary="#8aadf4",
    secondary="#a6da95",
    accent="#c6a0f6",
    warning="#eed49f",
    error="#ed8796",
    success="#a6da95",
    foreground="#cdd3e6",
    background="#14161f",
    surface="#1b1e2a",
    panel="#232736",
    dark=True,
    variables=_scroll_bar("#1b1e2a", "#454b63"),
)
LIGHT: Final = Theme(
    name="lmchat-light",
    primary="#2a5bd7",
    secondary="#2f7d32",
    accent="#7d3fc4",
    warning="#9a6400",
    error="#c02942",
    success="#2f7d32",
    foreground="#22252e",
    background="#fbfbf8",
    surface="#f2f2ec",
    panel="#e6e6de",
    dark=False,
    variables=_scroll_bar("#f2f2ec", "#b4b4ac"),
)

_RULES: Final = {
    "user": "secondary",
    "assistant": "primary",
    "system": "accent",
    "tool": "warning",
    "error": "error",
    "warning": "warning",
}
CONTRAST: Final = 4.5
"""Of text with what is behind it, at least. Web Content Accessibility Guidelines 2.2, 1.4.3."""
_MARKING: Final = 1.5
"""The same of marked text's ground with other grounds."""
_BLEND_STEP: Final = 0.04
_CODE: Final = {
    "Keyword": "accent",
    "Keyword.Type": "primary",
    "Keyword.Constant": "warning",
    "Operator.Word": "accent",
    "Name.Function": "primary",
    "Name.Class": "primary",
    "Name.Decorator": "warning",
    "Name.Builtin": "primary",
    "Name.Exception": "error",
    "Name.Tag": "accent",
    "Name.Attribute": "primary",
    "Name.Constant": "warning",
    "Literal.String": "success",
    "Literal.String.Escape": "warning",
    "Literal.Number": "warning",
    "Generic.Deleted": "error",
    "Generic.Inserted": "success",
    "Generic.Heading": "primary",
    "Error": "error",
}
_NAMES: Final = (
    *("foreground", "background", "surface", "panel"),
    *("primary", "secondary", "accent", "warning", "error", "success"),
)
_BLACK: Final = Color(0, 0, 0)
_WHITE: Final = Color(255, 255, 255)
_BOLD: Final = Style(bold=True)
_ITALIC: Final = Style(italic=True)
_UNDERLINE: Final = Style(underline=True)
_REVERSE: Final = Style(reverse=True)
_WITHOUT_COLOR: Final = {
    "code": _BOLD + _ITALIC,
    "heading.2": _UNDERLINE,
    "heading.3": _ITALIC,
}


class Palette:
    """The styles of one theme. Without colour, attributes say what colours say otherwise."""

    def __init__(self, theme: Theme, *, colorless: bool = False) -> None:
        colors = theme.to_color_system().generate()
        self._colors = {name: Color.parse(colors[name]) for name in _NAMES}
        self._mixes = not theme.ansi
        self._panel = self._colors["panel" if colorless else "surface"]
        self._tint = self._mixed("primary", 0.07)
        self._named = self._base() | self._markdown() | self._transcript() | self._overlays()
        if colorless or theme.ansi:
            self._named |= {name: self._named[name] + style for name, style in _WITHOUT_COLOR.items()}
        self.style = cache(self._style)

    @property
    def base(self) -> Style:
        """Plain text on the plain background."""
        return self._named["text"]

    @property
    def background(self) -> Color:
        """The plain background."""
        return self._colors["background"]

    def knows(self, name: str) -> bool:
        """Whether a name has a style, of its own or of an ancestor; for checking against `STYLES`."""
        return name in self._named or (name.startswith("code.") and name in STYLES)

    def _style(self, name: str) -> Style:
        """The style for one or more names, separated by spaces; the later is laid over the earlier."""
        return Style.combine([self.base, *(self._named.get(part) or self._nearest(part) for part in name.split())])

    def _nearest(self, name: str) -> Style:
        """A code token without a style takes that of its nearest ancestor."""
        while name.count(".") > 1:
            name = name.rpartition(".")[0]
            if name in self._named:
                return self._named[name]
        return Style.null()

    # Colours

    def _mixed(self, name: str, strength: float) -> Color:
        """The background with a little of another colour in it."""
        return self.background.blend(self._colors[name], strength) if self._mixes else self.background

    def _readable(self, color: Color, *grounds: Color) -> Style:
        """Text in a colour, which is taken as far from its grounds as reading needs."""
        if not self._mixes:
            return Style(color=color.rich_color)
        grounds = grounds or (self.background, self._panel, self._tint)
        far = max((_BLACK, _WHITE), key=lambda end: contrast(end, grounds[0]))
        strength = 0.0
        while strength < 1.0 and min(contrast(color.blend(far, strength), on) for on in grounds) < CONTRAST:
            strength += _BLEND_STEP
        return Style(color=color.blend(far, strength).rich_color)

    def _color(self, name: str) -> Style:
        return self._readable(self._colors[name])

    def _muted(self) -> Style:
        return self._readable(self._mixed("foreground", 0.55)) if self._mixes else Style(dim=True)

    def _faint(self) -> Style:
        return Style(color=self._mixed("foreground", 0.3).rich_color) if self._mixes else Style(dim=True)

    def _on(self, ground: Color) -> Style:
        return Style(bgcolor=ground.rich_color) if self._mixes else Style.null()

    def _marked(self, name: str) -> Style:
        """Plain text on as much of another colour as is seen at a glance."""
        color = Color.from_rich_color(self._color(name).color)
        strength = 0.2
        while contrast(ground := self.background.blend(color, strength), self._panel) < _MARKING:
            strength += _BLEND_STEP
        return self._readable(self._colors["foreground"], ground) + self._on(ground)

    # Styles

    def _base(self) -> dict[str, Style]:
        plain = self._color("foreground") + Style(bgcolor=self.background.rich_color)
        return {
            "text": plain,
            "strong": _BOLD,
            "em": _ITALIC,
            "strike": Style(strike=True),
            "meta": self._muted(),
            "warning": self._color("warning") + _BOLD,
            "error": self._color("error") + _BOLD,
            "scrollbar.thumb": self._faint(),
        }

    def _markdown(self) -> dict[str, Style]:
        muted, faint, panel = self._muted(), self._faint(), self._on(self._panel)
        primary, accent = self._color("primary"), self._color("accent")
        return {
            "code": self._color("warning") + panel,
            "link": primary + _UNDERLINE,
            "image": primary + _ITALIC,
            **dict.fromkeys(("html", "footnote", "definition", "list.task"), muted),
            "math": accent,
            "heading.1": primary + _BOLD,
            "heading.2": primary + _BOLD,
            "heading.3": accent + _BOLD,
            "heading.4": _BOLD,
            "heading.5": _BOLD + muted,
            "heading.6": _BOLD + muted,
            **dict.fromkeys(("heading.rule", "rule", "table.rule"), faint),
            "list.bullet": primary,
            "list.number": primary,
            "list.done": self._color("success"),
            "quote.bar": accent,
            "table.header": _BOLD,
            "table.cell": Style.null(),
            "fence": panel,
            "fence.language": muted + panel,
            "fence.wrap": muted + panel,
            "code.Comment": muted + _ITALIC,
            **{f"code.{token}": self._color(color) for token, color in _CODE.items()},
        }

    def _transcript(self) -> dict[str, Style]:
        muted = self._muted()
        return {
            **{f"role.{role}": self._color(_RULES[role]) + _BOLD for role in ("user", "assistant", "system", "tool")},
            **{f"rule.{role}": self._color(color) for role, color in _RULES.items()},
            "reasoning": muted + _ITALIC,
            "reasoning.summary": muted,
            "tool": self._color("warning") + _BOLD,
            "tool.summary": muted,
            "tool.result": self._color("foreground"),
            "source": self._color("foreground"),
        }

    def _overlays(self) -> dict[str, Style]:
        """What is laid over rows and runs; they set the colour of text too, so that any text stays readable on them."""
        tint = {"cursor.rule": self._color("accent") + _BOLD, "cursor.tint": self._on(self._tint)}
        hit = _BOLD + _UNDERLINE
        if not self._mixes:
            return tint | {
                "selection": _REVERSE,
                "link.current": _REVERSE,
                "find.hit": hit,
                "find.current": hit + _REVERSE,
            }
        return tint | {
            "selection": self._marked("primary"),
            "link.current": self._color("primary") + self._on(self.background) + _REVERSE,
            "find.hit": self._marked("warning") + hit,
            "find.current": self._color("warning") + self._on(self.background) + hit + _REVERSE,
        }


def contrast(one: Color, other: Color) -> float:
    """How much two colours differ in lightness, 1-21. Web Content Accessibility Guidelines 2.2, contrast ratio."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(color: Color) -> float:
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in color.normalized
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
