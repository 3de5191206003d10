from __future__ import annotations

import pytest
from textual.theme import BUILTIN_THEMES, Theme

from lmchat.markdown import STYLES
from lmchat.tui.palette import DARK, LIGHT, Palette

OWN = [
    *(f"role.{role}" for role in ("user", "assistant", "system", "tool")),
    *(f"rule.{role}" for role in ("user", "assistant", "system", "tool", "error", "warning")),
    *("meta", "warning", "error", "reasoning", "reasoning.summary", "scrollbar.thumb"),
]


@pytest.mark.parametrize("theme", [DARK, LIGHT, *BUILTIN_THEMES.values()], ids=lambda theme: theme.name)
def test_every_style_name_has_a_style_in_every_theme(theme: Theme) -> None:
    palette = Palette(theme)
    for name in [*STYLES, *OWN]:
        assert palette.knows(name), name
        assert palette.style(name).bgcolor is not None


def test_later_names_lie_over_earlier_ones() -> None:
    palette = Palette(DARK)
    both = palette.style("fence code.Keyword")
    assert both.bgcolor == palette.style("fence").bgcolor
    assert both.color == palette.style("code.Keyword").color
    assert palette.style("strong em").bold
    assert palette.style("strong em").italic
