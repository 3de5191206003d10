"""Colours: lmchat's own themes, and the styles of a theme for each symbolic style name that a transcript uses."""

from __future__ import annotations

from functools import cache
from typing import Final

from rich.style import Style
from textual.color import Color
from textual.theme import Theme

from lmchat.markdown import STYLES

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
)

_RULES: Final = {
    "user": "secondary",
    "assistant": "primary",
    "system": "accent",
    "tool": "warning",
    "error": "error",
    "warning": "warning",
}
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


class Palette:
    """The styles of one theme."""

    def __init__(self, theme: Theme) -> None:
        colors = theme.to_color_system().generate()
        self._colors = {
            name: Color.parse(colors[name])
            for name in ("foreground", "background", "surface", "panel", "primary", "secondary", "accent")
        } | {name: Color.parse(colors[name]) for name in ("warning", "error", "success")}
        self._named = self._build()
        self.style = cache(self._style)

    @property
    def base(self) -> Style:
        """Plain text on the plain background."""
        return self._named["text"]

    @property
    def background(self) -> Color:
        """The plain background."""
        return self._colors["background"]

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

    def _color(self, name: str) -> Style:
        return Style(color=self._colors[name].rich_color)

    def _faint(self, strength: float) -> Style:
        background, foreground = self._colors["background"], self._colors["foreground"]
        return Style(color=background.blend(foreground, strength).rich_color)

    def _build(self) -> dict[str, Style]:
        muted, faint = self._faint(0.55), self._faint(0.3)
        bold, italic = Style(bold=True), Style(italic=True)
        on_panel = Style(bgcolor=self._colors["surface"].rich_color)
        text = Style(color=self._colors["foreground"].rich_color, bgcolor=self._colors["background"].rich_color)
        named = {
            "text": text,
            "strong": bold,
            "em": italic,
            "strike": Style(strike=True),
            "code": self._color("warning") + on_panel,
            "link": self._color("primary") + Style(underline=True),
            "image": self._color("primary") + italic,
            "html": muted,
            "math": self._color("accent"),
            "footnote": muted,
            "definition": muted,
            "heading.1": self._color("primary") + bold,
            "heading.2": self._color("primary") + bold,
            "heading.3": self._color("accent") + bold,
            "heading.4": bold,
            "heading.5": bold + muted,
            "heading.6": bold + muted,
            "heading.rule": faint,
            "list.bullet": self._color("primary"),
            "list.number": self._color("primary"),
            "list.task": muted,
            "list.done": self._color("success"),
            "quote.bar": self._color("accent"),
            "rule": faint,
            "table.header": bold,
            "table.rule": faint,
            "table.cell": Style.null(),
            "fence": on_panel,
            "fence.language": muted + on_panel,
            "fence.wrap": faint + on_panel,
            "code.Comment": muted + italic,
            "role.user": self._color("secondary") + bold,
            "role.assistant": self._color("primary") + bold,
            "role.system": self._color("accent") + bold,
            "role.tool": self._color("warning") + bold,
            **{f"rule.{role}": self._color(color) for role, color in _RULES.items()},
            "meta": muted,
            "warning": self._color("warning"),
            "error": self._color("error"),
            "reasoning": muted + italic,
            "reasoning.summary": muted,
            "scrollbar.thumb": faint,
        }
        named.update({f"code.{token}": self._color(color) for token, color in _CODE.items()})
        return named

    def knows(self, name: str) -> bool:
        """Whether a name has a style, of its own or of an ancestor; for checking against `STYLES`."""
        return name in self._named or (name.startswith("code.") and name in STYLES)
