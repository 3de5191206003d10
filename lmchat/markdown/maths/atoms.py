"""The parts of a formula, and how they are set beside each other in a line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from lmchat.markdown.maths.symbols import LOWERED, RAISED, VULGAR, Kind

SINGLE, PRODUCT, SUM = range(3)
"""How an expression holds together: as one thing, as things side by side, as things with signs between them."""


class Atom(NamedTuple):
    """One part. `rows`, all of one width in cells, is how it looks where it may take several lines."""

    text: str
    kind: Kind = "ordinary"
    holds: int = SINGLE
    rows: tuple[str, ...] = ()


Atoms = Sequence[Atom]

_APPLIED = re.compile(r"[fghpFGHPTEφψΓΦΨζℒℱ𝔼]\W*[′⁰¹²³⁴-⁾ₐ-ₜ₀-₎ᵢ-ᵪ⁻ⁱⁿ]*")
_LOOSE_END = re.compile(r"[_^√∛∜][^()\s]+\Z")
_LONGEST_SCRIPT = 16
_LIMITS = ("lim", "max", "min", "sup", "inf", "arg")
_BESIDE = frozenset(["ordinary", "closing", "fraction", "fence"])
_ROOTS = frozenset("√∛∜")
_SIGNS = frozenset(["+", "-", "±", "∓", "−"])
_BEFORE_SIGN = frozenset(["binary", "relation", "opening", "punctuation", "function", "large"])


def join(atoms: Atoms, *, tight: bool = False) -> str:
    """The atoms on one line; `tight`, as in an index, without spaces around signs."""
    return "".join(before + atom.text for before, atom in spaced(atoms, tight=tight))


def spaced(atoms: Atoms, *, tight: bool = False) -> list[tuple[str, Atom]]:
    """Each atom with the space that goes before it; signs that stand before a term have become plain."""
    result: list[tuple[str, Atom]] = []
    previous: Atom | None = None
    in_bars = False
    for index, atom in enumerate(atoms):
        opens_bars = in_bars and previous is not None and previous.text == "|"
        if atom.kind == "binary" and (previous is None or previous.kind in _BEFORE_SIGN or opens_bars):
            atom = atom._replace(kind="ordinary")
        in_bars ^= atom.text == "|" and atom.kind == "ordinary"
        following = atoms[index + 1] if index + 1 < len(atoms) else None
        if atom.kind == "fraction" and _is_factor(previous, following):
            atom = Atom(f"({atom.text})", "fence", rows=atom.rows)
        wants_space = previous is not None and _parts(previous, atom, tight)
        result.append((" " if wants_space else "", atom))
        previous = atom
    return result


def holds(atoms: Atoms) -> int:
    """How a run of atoms holds together."""
    atoms = [atom for _, atom in spaced(atoms) if atom.kind != "space"]
    while len(atoms) > 1 and atoms[-1].text == "!":
        atoms.pop()
    if not atoms:
        return SINGLE
    if len(atoms) == 1:
        return SUM if atoms[0].kind == "fraction" else atoms[0].holds
    if all(atom.text.isdigit() or atom.text in ".," for atom in atoms):
        return SINGLE
    if atoms[0].text in ("d", "∂", "Δ", "∇") and len(atoms) == 2 and atoms[1].holds == SINGLE:
        return SINGLE
    depth, least = 0, len(atoms)
    outer: list[Atom] = []
    for index, atom in enumerate(atoms):
        depth += atom.kind == "opening"
        if depth == 0:
            outer.append(atom)
        if atom.kind == "closing" and depth:
            depth -= 1
            least = min(least, index) if depth == 0 else least
    if any(atom.kind in ("binary", "relation", "punctuation", "large") for atom in outer):
        return SUM
    head = atoms[1:] if _is_applied(atoms[0]) else atoms
    if (head[0].kind == "opening" and least == len(atoms) - 1) or (len(head) == 1 and head[0].kind == "fence"):
        return SINGLE
    return SUM if any(atom.kind == "function" for atom in outer) else max([PRODUCT, *(atom.holds for atom in outer)])


def enclosed(text: str, held: int, limit: int) -> str:
    """Text in parentheses if it holds together less than `limit` asks."""
    return f"({text})" if held > limit else text


def fraction(above: Atoms, below: Atoms, *, tight: bool = False) -> Atom:
    """One over the other, with the parentheses that a line needs."""
    top, bottom = join(above, tight=tight), join(below, tight=tight)
    if not top or not bottom:
        return Atom(f"({top})/({bottom})", "fraction")
    vulgar = None if tight else VULGAR.get(f"{top}/{bottom}")
    if vulgar:
        return Atom(vulgar)
    if top[0] in "d∂" and bottom[0] == top[0] and bottom != top[0] and holds(below) <= PRODUCT and holds(above) < SUM:
        return Atom(f"{top}/{bottom}", "derivative", SUM)
    text = f"{enclosed(top, holds(above), PRODUCT)}/{enclosed(bottom, holds(below), SINGLE)}"
    return Atom(text, "fraction", SUM)


def scripted(base: Atom, below: Atoms | None, above: Atoms | None) -> Atom:
    """An atom with its indices."""
    low = _script("_", LOWERED, below) if below is not None else ""
    high = _script("^", RAISED, above) if above is not None else ""
    script = low + high
    if base.rows:
        width = max(len(low), len(high))
        rows = [row + " " * width for row in base.rows]
        rows[0] = base.rows[0] + high + " " * (width - len(high))
        rows[-1] = (base.rows[-1] if len(rows) > 1 else base.rows[-1] + high) + low
        rows[-1] += " " * (len(rows[0]) - len(rows[-1]))
        return Atom(base.text + script, base.kind, base.holds, tuple(rows) if len(rows) > 1 else ())
    bare = base.kind in ("large", "function", "relation", "binary") and base.holds == SINGLE
    text = f"({base.text})" if base.text[:1] in _ROOTS else enclosed(base.text, base.holds, SINGLE)
    text = base.text if bare else text
    return Atom(text + script, base.kind if bare or base.kind == "fence" else "ordinary")


def _script(mark: str, table: dict[int, str], atoms: Atoms) -> str:
    text = join(atoms, tight=True).strip()
    if not text:
        return ""
    if mark == "^" and text in ("∘", "⊤"):
        return {"∘": "°", "⊤": "ᵀ"}[text]
    if len(text) <= _LONGEST_SCRIPT and all(ord(character) in table for character in text):
        return text.translate(table)
    if text[0] == "(" and holds(atoms) == SINGLE:
        return mark + text
    return mark + (text if len(text) == 1 or (text.isalnum() and text.isascii()) else f"({text})")


def _is_applied(atom: Atom) -> bool:
    return atom.kind == "function" or _APPLIED.fullmatch(atom.text) is not None


def _is_factor(previous: Atom | None, following: Atom | None) -> bool:
    """Whether a fraction between these two is multiplied with one of them."""
    if (
        previous is not None
        and previous.text not in _SIGNS
        and (previous.kind in _BESIDE or (previous.kind == "function" and not previous.text.startswith(_LIMITS)))
    ):
        return True
    if following is None or following.text[:1].isspace():
        return False
    return following.kind in _BESIDE - {"closing"} or following.kind in ("opening", "function", "large")


def _parts(previous: Atom, atom: Atom, tight: bool) -> bool:
    """Whether a space goes between the two."""
    before, after = previous.kind, atom.kind
    if "space" in (before, after) or previous.text[-1:].isspace() or atom.text[:1].isspace():
        return False
    if not tight and ({before, after} & {"binary", "relation"} or before == "punctuation"):
        return after != "punctuation"
    if after in ("closing", "punctuation") or before == "opening" or previous.text in _SIGNS:
        return False
    if {"large", "derivative"} & {before, after}:
        return True
    if after == "function":
        return before in _BESIDE or before == "function"
    if before == "function":
        return after in ("ordinary", "fraction")
    return after == "ordinary" and _LOOSE_END.search(previous.text) is not None and atom.text[:1].isalnum()
