"""Replies of a given number of tokens, the same in every run: what a model might write, in one shape or in all."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Final

THOUGHTS: Final = "thoughts"
"""The shape that is sent as reasoning."""
NUMBERED: Final = "numbered"
"""The shape whose tokens are "w00000" and so on, each a word that occurs once, to be found on a screen."""
WORD: Final = rb"w\d{5}"
"""The pattern of those words."""
TOKEN: Final = 4
"""Characters of a token, about what English has."""
_TEXT: Final = """
a an and any at because before below between block by cell change close column copy core cost each early end every fast
first for frame from give grow half hand hold in is it keep last late leave less line list long make margin measure
memory more most never new next no of old on once one only open order other page paint part piece place quiet rate read
reader row rule same screen second see show slow small some source stream table take text than that the then thing this
time to token turn two under until up view wait what when which while wide window with word work write
"""
_WORDS: Final = _TEXT.split()


def reply(shape: str, tokens: int) -> list[str]:
    """The tokens of a reply.

    Args:
        shape: one of `SHAPES`, or `NUMBERED`.
    """
    if shape == NUMBERED:
        return [f"{_lead(number)}w{number:05}" for number in range(tokens)]
    text = ""
    size = tokens * TOKEN
    blocks = SHAPES[shape](random.Random(shape))
    while len(text) < size:
        text += next(blocks)
    return [text[at : at + TOKEN] for at in range(0, size, TOKEN)]


def _lead(number: int) -> str:
    """What stands before a numbered word, so that no line is too long for a screen and no paragraph for a reader."""
    if number % 100 == 0:
        return "\n\n" if number else ""
    return " " if number % 10 else "\n"


def _sentence(dice: random.Random) -> str:
    words = dice.choices(_WORDS, k=dice.randint(8, 18))
    for mark in ("**{}**", "`{}`", "*{}*", "[{}](https://example.org/notes)"):
        if dice.random() < 0.3:
            at = dice.randrange(len(words))
            words[at] = mark.format(words[at])
    return " ".join(words).capitalize() + "."


def _code_line(dice: random.Random) -> str:
    name, left, right = dice.choices(_WORDS, k=3)
    return dice.choice(
        (
            f"def {name}_{left}(size: int) -> str:\n",
            f'    {name}_ = f"{left} {right}" + str({dice.randrange(1000)})\n',
            f"    return {name}_.{left}_({right}_, {dice.random():.3f})  # {_sentence(dice)}\n",
            "\n",
        )
    )


def _row(dice: random.Random) -> str:
    return f"| `{dice.choice(_WORDS)}` | {' '.join(dice.choices(_WORDS, k=4))} | {dice.randrange(10_000)} |\n"


_TABLE_HEAD: Final = "| Name | Meaning | Count |\n|------|:-------:|------:|\n"


def _mixed(dice: random.Random) -> Iterator[str]:
    while True:
        yield f"## {' '.join(dice.choices(_WORDS, k=4)).capitalize()}\n\n"
        yield from (f"{' '.join(_sentence(dice) for _ in range(dice.randint(1, 3)))}\n\n" for _ in range(2))
        yield from (f"- {_sentence(dice)}\n" for _ in range(dice.randint(3, 7)))
        yield "\n```python\n" + "".join(_code_line(dice) for _ in range(dice.randint(4, 14))) + "```\n\n"
        yield _TABLE_HEAD + "".join(_row(dice) for _ in range(dice.randint(3, 6))) + "\n"
        yield from (f"{number}. {_sentence(dice)}\n" for number in range(1, dice.randint(3, 6)))
        yield f"\n> {_sentence(dice)}\n\n"


def _endless(head: str, unit: Callable[[random.Random], str]) -> Callable[[random.Random], Iterator[str]]:
    def blocks(dice: random.Random) -> Iterator[str]:
        yield head
        while True:
            yield unit(dice)

    return blocks


SHAPES: Final[dict[str, Callable[[random.Random], Iterator[str]]]] = {
    "mixed": _mixed,
    "fence": _endless("```python\n", _code_line),
    "table": _endless(_TABLE_HEAD, _row),
    "list": _endless("", lambda dice: f"- {_sentence(dice)}\n"),
    "paragraph": _endless("", lambda dice: f"{_sentence(dice)} "),
    THOUGHTS: _endless("", lambda dice: f"{' '.join(_sentence(dice) for _ in range(dice.randint(1, 5)))}\n\n"),
}
