"""LaTeX's mathematics to atoms: the depth is bounded, and what is not known makes the whole unreadable."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

from lmchat.markdown.maths import symbols
from lmchat.markdown.maths.atoms import SINGLE, SUM, Atom, fraction, holds, join, scripted
from lmchat.markdown.maths.layout import ALIGNED, ENVIRONMENTS, Row, environment, fenced
from lmchat.markdown.maths.symbols import Kind
from lmchat.markdown.maths.tokens import Tokens, Unreadable

__all__ = ["Unreadable", "parse"]

DEEPEST = 24
"""Groups within each other; a formula nested deeper is not read."""

_TABLES: tuple[tuple[dict[str, str], Kind], ...] = (
    (symbols.ORDINARY, "ordinary"),
    (symbols.BINARY, "binary"),
    (symbols.RELATION, "relation"),
    (symbols.LARGE, "large"),
    (symbols.OPENING, "opening"),
    (symbols.CLOSING, "closing"),
    (symbols.SPACES, "space"),
)
_OUTER = re.compile(rf"\s*\\begin\{{((?:{'|'.join(ALIGNED)})\*?)\}}(.*)\\end\{{\1\}}\s*([.,;]?)\s*\Z", re.DOTALL)
_ESCAPED = re.compile(r"\\([%$#_&{} ])")
_INFIX = frozenset(["\\over", "\\choose", "\\atop"])
_ROW_END = frozenset(["\\\\", "\\cr", "\\newline"])
_SIGN_KINDS = frozenset(["binary", "relation", "punctuation", "opening", "closing"])
_SCRIPTS = frozenset(["^", "_", "'", "’"])


def parse(source: str) -> list[Row]:
    """The rows of a formula, each a list of cells, each a run of atoms. Raises Unreadable if it is not a formula."""
    outer = _OUTER.match(source)
    if outer and "\\end{" + outer[1] + "}" not in outer[2]:
        source = outer[2] + outer[3]
    return _Reader(source).rows("")


class _Reader:
    """Recursive descent over the tokens."""

    def __init__(self, source: str, depth: int = 0) -> None:
        self._tokens = Tokens(source)
        self._depth = depth

    def rows(self, end: str) -> list[Row]:
        """Cells and rows until the command `end`, which stays, or the end of the source."""
        rows: list[Row] = [[]]
        while True:
            rows[-1].append(self._atoms({"&", end, *_ROW_END}))
            token = self._tokens.peek()
            if token == end:
                break
            self._tokens.take()
            if token in _ROW_END:
                self._tokens.skip_distance()
                rows.append([])
        return [row for row in rows if any(row)]

    def _atoms(self, ends: set[str]) -> list[Atom]:
        """Atoms until one of `ends`, which stays."""
        self._depth += 1
        if self._depth > DEEPEST:
            raise Unreadable
        atoms: list[Atom] = []
        while self._tokens.peek() not in ends:
            token = self._tokens.take()
            if token in _INFIX:
                atoms = [_infix(token, atoms, self._atoms(ends))]
            elif token in _SCRIPTS:
                attached = atoms and atoms[-1].kind not in ("space", "opening")
                atoms.append(self._scripts(atoms.pop() if attached else Atom(""), token))
            else:
                atoms += self._symbol(token)
        self._depth -= 1
        return atoms

    def _symbol(self, token: str) -> list[Atom]:
        """What one token stands for, with the arguments it takes."""
        if token.isspace():
            return [Atom(" ", "space")] if self._tokens.parts_words() else []
        if token == "{":
            return [self._group(self._atoms({"}"}))]
        if token[0] == "\\":
            return self._command(token[1:])
        if token in ("}", "&"):
            raise Unreadable
        if token == "~":
            return [Atom(" ", "space")]
        if token == "," and self._tokens.parts_thousands():
            return [Atom(token)]
        return [Atom(token, "relation" if token == ":=" else symbols.KINDS.get(token, "ordinary"))]

    def _group(self, atoms: list[Atom]) -> Atom:
        """Atoms in braces as one."""
        self._tokens.take()
        if len(atoms) == 1:
            return atoms[0]._replace(kind="ordinary") if atoms[0].kind in _SIGN_KINDS else atoms[0]
        return Atom(join(atoms), "ordinary", holds(atoms))

    def _argument(self) -> list[Atom]:
        """What a command or an index applies to: a group, or one symbol."""
        self._tokens.skip_space()
        token = self._tokens.take()
        if token != "{":
            self._depth += 1
            if self._depth > DEEPEST or token in _SCRIPTS:
                raise Unreadable
            atoms = self._symbol(token)
            self._depth -= 1
            return atoms
        atoms = self._atoms({"}"})
        self._tokens.take()
        return atoms

    def _scripts(self, base: Atom, token: str) -> Atom:
        """The indices of base, the first of which `token` begins."""
        above: list[Atom] | None = None
        below: list[Atom] | None = None
        primes = ""
        while True:
            if token in ("'", "’"):
                primes += "′"
            elif token == "^":
                if above is not None:
                    raise Unreadable
                above = self._argument()
            else:
                if below is not None:
                    raise Unreadable
                below = self._argument()
            if not self._tokens.comes_next(_SCRIPTS):
                break
            token = self._tokens.take()
        if primes:
            above = [Atom(primes.replace("′′′", "‴").replace("′′", "″")), *(above or ())]
        return scripted(base, below, above)

    # -- commands

    def _command(self, name: str) -> list[Atom]:
        if name in _COMMANDS:
            return _COMMANDS[name](self, name)
        for table, kind in _TABLES:
            if name in table:
                return [Atom(table[name], kind)] if table[name] else []
        if name in symbols.FUNCTIONS:
            return [Atom({"liminf": "lim inf", "limsup": "lim sup"}.get(name, name), "function")]
        if name in symbols.IGNORED:
            return []
        if name in symbols.VERBATIM:
            return self._verbatim()
        if name in symbols.ALPHABETS:
            atoms = self._argument()
            return [Atom(join(atoms).translate(symbols.ALPHABETS[name]), "ordinary", holds(atoms))]
        if name in symbols.ACCENTS:
            atoms = self._argument()
            return [Atom(_accented(name, join(atoms)), "ordinary", holds(atoms))]
        if name in symbols.UPRIGHT:
            return self._plain(name)
        raise Unreadable

    def _fraction(self, name: str) -> list[Atom]:
        return [fraction(self._argument(), self._argument())]

    def _root(self, name: str) -> list[Atom]:
        index = self._tokens.optional() or "2"
        atoms = self._argument()
        text = join(atoms)
        root = {"2": "√", "3": "∛", "4": "∜"}.get(index.strip())
        if root is None:
            degree = _Reader(index, self._depth).rows("")
            root = f"{scripted(Atom(''), None, degree[0][0]).text}√" if degree else "√"
        return [Atom(root + (text if len(text) == 1 or text.isdigit() else f"({text})"))]

    def _binomial(self, name: str) -> list[Atom]:
        return [_infix("\\choose", self._argument(), self._argument())]

    def _verbatim(self, name: str = "") -> list[Atom]:
        """Text, in which there may be mathematics again between dollar signs."""
        parts = self._tokens.raw().split("$")
        text = ""
        for index, part in enumerate(parts):
            if index % 2:
                part = "; ".join(join([atom for cell in row for atom in cell]) for row in self._inner(part))
            else:
                part = _ESCAPED.sub(r"\1", part.replace("{", "").replace("}", "").replace("\n", " "))
                if "\\" in part:
                    raise Unreadable
            text += part
        return [Atom(text, "ordinary", SUM if " " in text.strip() else SINGLE)]

    def _inner(self, source: str) -> list[Row]:
        if self._depth >= DEEPEST:
            raise Unreadable
        return _Reader(source, self._depth + 1).rows("")

    def _plain(self, name: str) -> list[Atom]:
        """An argument that is drawn as it is, with a part of its own."""
        self._tokens.take_if("*")
        atoms = self._argument()
        kinds: dict[str, Kind] = {"operatorname": "function", "mathop": "function", "mathbin": "binary"}
        kind = kinds.get(name, "relation" if name == "mathrel" else "ordinary")
        return [Atom(join(atoms), kind, SINGLE if kind != "ordinary" else holds(atoms))]

    def _set_over(self, name: str) -> list[Atom]:
        first, second = self._argument(), self._argument()
        base = second[0] if len(second) == 1 else Atom(join(second), "ordinary", holds(second))
        return [scripted(base, *((first, None) if name == "underset" else (None, first)))]

    def _arrow(self, name: str) -> list[Atom]:
        below = self._tokens.optional()
        text = join(self._argument())
        if below:
            text += f" ({'; '.join(join([atom for cell in row for atom in cell]) for row in self._inner(below))})"
        return [Atom(f"←{text}──" if "left" in name else f"──{text}→", "relation")]

    def _negated(self, name: str) -> list[Atom]:
        text = join(self._argument())
        if not text:
            raise Unreadable
        return [Atom(symbols.NEGATED.get(text, text + "\u0338"), "relation")]

    def _modulo(self, name: str) -> list[Atom]:
        return [Atom(f" (mod {join(self._argument())})")]

    def _left(self, name: str) -> list[Atom]:
        left = self._delimiter()
        atoms = self._atoms({"\\right"})
        self._tokens.take()
        return [fenced(left, atoms, self._delimiter())]

    def _middle(self, name: str) -> list[Atom]:
        return [Atom(self._delimiter(), "relation")]

    def _delimiter(self) -> str:
        self._tokens.skip_space()
        token = self._tokens.take()
        if token[0] != "\\":
            return {".": "", "<": "⟨", ">": "⟩"}.get(token, token)
        for table, _ in _TABLES[:-1]:
            if token[1:] in table:
                return table[token[1:]]
        raise Unreadable

    def _environment(self, name: str) -> list[Atom]:
        begun = self._tokens.raw()
        name = begun.removesuffix("*")
        if name not in ENVIRONMENTS:
            raise Unreadable
        self._tokens.optional()
        if name in ("array", "alignat", "alignedat"):
            self._tokens.raw()
        rows = self.rows("\\end")
        self._tokens.take()
        if self._tokens.raw() != begun:
            raise Unreadable
        return [environment(name, rows)]

    def _substack(self, name: str) -> list[Atom]:
        if not self._tokens.take_if("{"):
            raise Unreadable
        rows = self.rows("}")
        self._tokens.take()
        return [Atom(", ".join(join(cell, tight=True) for row in rows for cell in row), "ordinary", SUM)]

    def _boxed(self, name: str) -> list[Atom]:
        return [Atom(f"⟦{join(self._argument())}⟧", "fence")]

    def _tag(self, name: str) -> list[Atom]:
        return [Atom(f"  ({self._tokens.raw()})")]

    def _dropped(self, name: str) -> list[Atom]:
        """About looks, or a name that is not shown."""
        self._tokens.take_if("*")
        self._tokens.raw()
        return [Atom(" ", "space")] if "space" in name else []

    def _colon(self, name: str) -> list[Atom]:
        return [Atom(":", "punctuation")]


def _infix(token: str, above: list[Atom], below: list[Atom]) -> Atom:
    if token == "\\over":
        return fraction(above, below)
    between = " choose " if token == "\\choose" else " "
    return Atom(f"({join(above)}{between}{join(below)})", "fence")


def _accented(name: str, text: str) -> str:
    """Text with a mark: over each character, over a single letter, or over the middle of several."""
    if not text.strip():
        raise Unreadable
    mark = symbols.ACCENTS[name]
    if name in symbols.STRETCHED:
        return unicodedata.normalize("NFC", "".join(character + mark for character in text))
    letters = [index for index, character in enumerate(text) if character.isalnum() and character.isascii()]
    at = letters[len(letters) // 2] if len(letters) > 1 else 0
    return unicodedata.normalize("NFC", text[: at + 1] + mark + text[at + 1 :])


_COMMANDS: dict[str, Callable[[_Reader, str], list[Atom]]] = {
    **dict.fromkeys(["frac", "dfrac", "tfrac", "cfrac", "nicefrac", "sfrac"], _Reader._fraction),
    **dict.fromkeys(["binom", "dbinom", "tbinom"], _Reader._binomial),
    **dict.fromkeys(["overset", "stackrel", "underset"], _Reader._set_over),
    **dict.fromkeys(["xrightarrow", "xleftarrow"], _Reader._arrow),
    **dict.fromkeys(["boxed", "fbox"], _Reader._boxed),
    **dict.fromkeys(["pmod", "pod"], _Reader._modulo),
    **dict.fromkeys(["label", "color", "textcolor", "colorbox", "hspace", "vspace"], _Reader._dropped),
    "sqrt": _Reader._root,
    "not": _Reader._negated,
    "left": _Reader._left,
    "middle": _Reader._middle,
    "begin": _Reader._environment,
    "substack": _Reader._substack,
    "tag": _Reader._tag,
    "colon": _Reader._colon,
}
