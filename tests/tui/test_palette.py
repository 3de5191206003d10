from __future__ import annotations

import pytest
from rich.color import ColorSystem
from textual.color import Color
from textual.theme import BUILTIN_THEMES, Theme

from lmchat.markdown import STYLES
from lmchat.tui.palette import CONTRAST, DARK, LIGHT, Palette, contrast

THEMES = [DARK, LIGHT, *BUILTIN_THEMES.values()]
MIXED = [theme for theme in THEMES if not theme.ansi]
NATIVE = [theme for theme in THEMES if theme.ansi]
OWN = [
    *(f"role.{role}" for role in ("user", "assistant", "system", "tool")),
    *(f"rule.{role}" for role in ("user", "assistant", "system", "tool", "error", "warning")),
    *("meta", "warning", "error", "reasoning", "reasoning.summary", "scrollbar.thumb"),
    *("tool", "tool.summary", "tool.result", "source"),
    *("cursor.rule", "cursor.tint", "selection", "find.hit", "find.current", "link.current"),
]
LINES = {"heading.rule", "rule", "table.rule", "scrollbar.thumb"}
"""They separate, and say nothing to read."""
OVERLAYS = ["selection", "link.current", "find.hit", "find.current"]
TEXT = sorted({*STYLES, *OWN} - LINES - {*OVERLAYS})


def by_name(themes: list[Theme]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("theme", themes, ids=lambda theme: theme.name)


def seen(palette: Palette, name: str) -> tuple[Color, Color]:
    """Text and ground of a style, as an eye sees them."""
    style = palette.style(name)
    assert style.color is not None and style.bgcolor is not None
    text, ground = Color.from_rich_color(style.color), Color.from_rich_color(style.bgcolor)
    return (ground, text) if style.reverse else (text, ground)


@by_name(THEMES)
def test_every_style_name_has_a_style_in_every_theme(theme: Theme) -> None:
    for palette in (Palette(theme), Palette(theme, colorless=True)):
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


@pytest.mark.parametrize("colorless", [False, True])
@by_name(MIXED)
def test_all_text_can_be_read_on_every_ground(theme: Theme, colorless: bool) -> None:
    palette = Palette(theme, colorless=colorless)
    for name in TEXT:
        over = [f"fence {name} cursor.tint {overlay}" for overlay in OVERLAYS]
        for combination in (name, f"fence {name}", f"{name} cursor.tint", *over):
            assert contrast(*seen(palette, combination)) >= CONTRAST - 0.01, combination


@by_name(MIXED)
def test_overlays_stand_out_from_what_they_lie_over(theme: Theme) -> None:
    palette = Palette(theme)
    selection, link, hit, current = (seen(palette, overlay)[1] for overlay in OVERLAYS)
    for ground in (seen(palette, name)[1] for name in ("text", "fence")):
        assert contrast(ground, selection) > 1.3
        assert contrast(ground, hit) > 1.3
        assert contrast(ground, link) > 3
        assert contrast(ground, current) > 3
    assert contrast(hit, current) > 1.5


@by_name([DARK, LIGHT])
def test_sixteen_colours_are_enough(theme: Theme) -> None:
    palette = Palette(theme)

    def numbers(name: str) -> tuple[int | None, int | None]:
        style = palette.style(name)
        assert style.color is not None and style.bgcolor is not None
        standard = ColorSystem.STANDARD
        return style.color.downgrade(standard).number, style.bgcolor.downgrade(standard).number

    for name in TEXT:
        for combination in (name, f"fence {name}", f"fence {name} selection", f"fence {name} find.hit"):
            text, ground = numbers(combination)
            assert text != ground, combination
    # Its grounds are the plain one, so that nothing turns garish, but for what must be seen to be marked.
    assert {numbers(name)[1] for name in ("text", "fence", "code", "cursor.tint")} == {numbers("text")[1]}
    assert numbers("selection")[1] != numbers("text")[1]
    assert numbers("meta")[0] != numbers("text")[0]


@by_name(NATIVE)
def test_the_terminals_own_colours_are_never_mixed(theme: Theme) -> None:
    palette = Palette(theme)
    for name in [*STYLES, *OWN]:
        style = palette.style(name)
        assert style.color is not None and style.bgcolor is not None
        assert style.color.triplet is None
        assert style.bgcolor.is_default


@pytest.mark.parametrize("theme", [DARK, *NATIVE], ids=lambda theme: theme.name)
def test_attributes_say_what_colours_say(theme: Theme) -> None:
    palette = Palette(theme, colorless=True)

    def attributes(name: str) -> tuple[bool | None, ...]:
        style = palette.style(name)
        return (style.bold, style.italic, style.underline, style.reverse)

    alike = ["text", "strong", "em", "code", "link", "find.hit", "find.current", "heading.2", "heading.3"]
    said = [attributes(name) for name in alike]
    different = {name: how for name, how in zip(alike, said, strict=True) if said.count(how) > 1}
    # A heading, the only text of its line, may look like a word found.
    assert set(different) <= {"find.hit", "heading.2", "code", "heading.3"}, different
    assert attributes("error") != attributes("text")
    assert attributes("warning") != attributes("text")
    assert attributes("cursor.rule") != attributes("rule.user")
    if theme.ansi:
        assert attributes("selection") != attributes("text")


@pytest.mark.parametrize(("one", "other", "ratio"), [("#fff", "#000", 21.0), ("#777", "#fff", 4.48), ("red", "red", 1)])
def test_contrast(one: str, other: str, ratio: float) -> None:
    assert contrast(Color.parse(one), Color.parse(other)) == pytest.approx(ratio, abs=0.01)
    assert contrast(Color.parse(other), Color.parse(one)) == pytest.approx(ratio, abs=0.01)
