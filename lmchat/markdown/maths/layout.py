"""How a formula is set: on one line, or, where it has rows of its own, as a block of them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from lmchat.markdown.cells import cells
from lmchat.markdown.maths.atoms import SINGLE, Atom, Atoms, holds, join, spaced

Row = list[list[Atom]]
"""The cells of a row, each a run of atoms."""

# For each bracket: alone, then its top, its sides, its bottom, and its middle if that is special.
_TALL = {
    "(": "⎛⎜⎝⎜", ")": "⎞⎟⎠⎟", "[": "⎡⎢⎣⎢", "]": "⎤⎥⎦⎥", "{": "⎧⎪⎩⎨", "}": "⎫⎪⎭⎬", "|": "││││", "‖": "‖‖‖‖",
    "⌊": "⎢⎢⎣⎢", "⌋": "⎥⎥⎦⎥", "⌈": "⎡⎢⎢⎢", "⌉": "⎤⎥⎥⎥", "⟨": "⟨⟨⟨⟨", "⟩": "⟩⟩⟩⟩",
}  # fmt: skip
_BRACKETS = {
    **dict.fromkeys(["matrix", "array", "smallmatrix"], ("", "")),
    **{"pmatrix": ("(", ")"), "bmatrix": ("[", "]"), "Bmatrix": ("{", "}")},
    **{"vmatrix": ("|", "|"), "Vmatrix": ("‖", "‖")},
    **dict.fromkeys(["cases", "dcases"], ("{", "")),
    **dict.fromkeys(["rcases", "drcases"], ("", "}")),
}
ALIGNED = frozenset(
    ["aligned", "align", "alignedat", "alignat", "gathered", "gather", "equation", "eqnarray", "multline", "split"]
)
"""Environments that are only about rows: they have no brackets."""
ENVIRONMENTS = ALIGNED | _BRACKETS.keys()

_NUMBER = re.compile(r"-?[\d.,]+")


def one_line(row: Row) -> str:
    """A row on one line."""
    return join([atom for cell in row for atom in cell]).strip()


def block(rows: list[Row], width: int) -> tuple[str, ...]:
    """The rows of a formula, set under each other; rows too wide for being set are on one line each."""
    if len(rows) > 1 and not any(atom.rows for row in rows for cell in row for atom in cell):
        lines = _align(rows)
    else:
        lines = tuple(line for row in rows for line in _stack([atom for cell in row for atom in cell]))
    if max(map(cells, lines), default=0) > width:
        lines = tuple(map(one_line, rows))
    lines = tuple(line.rstrip() for line in lines)
    return tuple(line for line in lines if line)


def environment(name: str, rows: list[Row]) -> Atom:
    """An environment as one atom."""
    if name in ALIGNED:
        return Atom("; ".join(map(one_line, rows)), "fence", holds(()), _several(_align(rows)))
    left, right = _BRACKETS[name]
    texts = [[join(cell) for cell in row] for row in rows]
    between = ", " if name.endswith(("matrix", "array")) else " "
    text = left + "; ".join(between.join(row) for row in texts) + (right or ("}" if left else ""))
    return Atom(text, "fence", rows=_several(_bracketed(left, _columns(texts, centred=between == ", "), right)))


def fenced(left: str, atoms: Atoms, right: str) -> Atom:
    """What stands between two brackets that grow with it; either may be nothing."""
    inner = _stack(atoms)
    rows = _bracketed(left, inner, right) if len(inner) > 1 else ()
    return Atom(left + join(atoms) + right, "fence", SINGLE if left or right else holds(atoms), rows)


def _several(rows: tuple[str, ...]) -> tuple[str, ...]:
    return rows if len(rows) > 1 else ()


def _align(rows: list[Row]) -> tuple[str, ...]:
    """Rows with their cells under each other, alternately flush right and flush left."""
    texts = [[join(cell if not index else [Atom(""), *cell]) for index, cell in enumerate(row)] for row in rows]
    widths = _widths(texts)
    lines = []
    for row in texts:
        line = ""
        for index, (text, width) in enumerate(zip(row, widths, strict=False)):
            pad = " " * (width - cells(text))
            gap = "  " if index and index % 2 == 0 else ""
            line += gap + (pad + text if index % 2 == 0 and len(widths) > 1 else text + pad)
        lines.append(line)
    return _even(lines)


def _columns(texts: list[list[str]], *, centred: bool) -> tuple[str, ...]:
    """Cells in columns; of those `centred`, a column of numbers is flush right instead."""
    widths = _widths(texts)
    numeric = [all(_NUMBER.fullmatch(row[at]) for row in texts if at < len(row)) for at in range(len(widths))]
    lines = []
    for row in texts:
        parts = []
        for text, width, is_numeric in zip(row, widths, numeric, strict=False):
            free = width - cells(text)
            left = 0 if not centred else free if is_numeric else free // 2
            parts.append(" " * left + text + " " * (free - left))
        lines.append("  ".join(parts))
    return _even(lines)


def _widths(texts: list[list[str]]) -> list[int]:
    count = max(map(len, texts), default=0)
    return [max((cells(row[index]) for row in texts if index < len(row)), default=0) for index in range(count)]


def _even(lines: Sequence[str]) -> tuple[str, ...]:
    """The lines made equally wide."""
    width = max(map(cells, lines), default=0)
    return tuple(line + " " * (width - cells(line)) for line in lines)


def _bracketed(left: str, rows: tuple[str, ...], right: str) -> tuple[str, ...]:
    """Rows between brackets as tall as they are."""
    if (left == "{" or right == "}") and len(rows) == 2:  # a brace needs its point
        rows = (rows[0], " " * cells(rows[0]), rows[1])
    count = len(rows)
    return tuple(_tall(left, at, count, " ", 1) + row + _tall(right, at, count, " ", 0) for at, row in enumerate(rows))


def _tall(bracket: str, at: int, count: int, space: str, side: int) -> str:
    """The piece of a bracket beside row `at` of `count`, with the space between it and the row."""
    if not bracket:
        return ""
    pieces = _TALL.get(bracket, bracket * 4)
    if count == 1:
        return bracket
    piece = pieces[0] if at == 0 else pieces[2] if at == count - 1 else pieces[3] if at == count // 2 else pieces[1]
    return piece + space if side else space + piece


def _stack(atoms: Atoms) -> tuple[str, ...]:
    """Atoms side by side, those with several rows centred on the line."""
    parts: list[tuple[str, ...]] = []
    for before, atom in spaced(atoms):
        if atom.rows:
            parts += [(before,)] if before else []
            parts.append(atom.rows)
        elif parts and len(parts[-1]) == 1:
            parts[-1] = (parts[-1][0] + before + atom.text,)
        else:
            parts.append((before + atom.text,))
    above = max(((len(part) - 1) // 2 for part in parts), default=0)
    below = max((len(part) - (len(part) - 1) // 2 for part in parts), default=1)
    lines = [""] * (above + below)
    for part in parts:
        width = cells(part[0])
        first = above - (len(part) - 1) // 2
        for index in range(len(lines)):
            lines[index] += part[index - first] if first <= index < first + len(part) else " " * width
    return tuple(lines)
