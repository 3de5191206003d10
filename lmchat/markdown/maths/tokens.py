"""A formula's source cut into LaTeX's tokens."""

from __future__ import annotations

import re
from collections.abc import Container

_TOKEN = re.compile(r"\\(?:[A-Za-z]+|.|\Z)|:=|\s+|.", re.DOTALL)
_DISTANCE = re.compile(r"\s*\[-?[\d.]+ *[a-z]{2}\]")


class Unreadable(Exception):
    """The source is not a formula that can be drawn."""


class Tokens:
    """The tokens of a formula, read from the left."""

    def __init__(self, source: str) -> None:
        self._tokens: list[str] = _TOKEN.findall(source)
        self._at = 0

    def peek(self) -> str:
        """The next token, or nothing at the end."""
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def take(self) -> str:
        """The next token; it is an error to be at the end."""
        token = self.peek()
        if not token:
            raise Unreadable
        self._at += 1
        return token

    def skip_space(self) -> str:
        """The next token that is not white space, or nothing at the end."""
        while self.peek().isspace():
            self._at += 1
        return self.peek()

    def comes_next(self, wanted: Container[str]) -> bool:
        """Whether one of these tokens comes next; only then is white space before it skipped."""
        at = self._at
        if self.skip_space() in wanted:
            return True
        self._at = at
        return False

    def take_if(self, token: str) -> bool:
        """Take this token if it comes next."""
        if self.skip_space() != token:
            return False
        self._at += 1
        return True

    def parts_words(self) -> bool:
        """Whether the white space just taken stands between words, or before the d of an integral."""
        before = self._tokens[max(self._at - 3, 0) : self._at - 1]
        after = self._tokens[self._at : self._at + 3]
        if not before or not after or not _is_letter(after[0]):
            return False
        two = len(after) > 1 and _is_letter(after[1])
        if _is_letter(before[-1]):
            return two or (len(before) > 1 and _is_letter(before[-2]))
        ends_term = before[-1] in ("}", ")") or before[-1].isdigit()
        return ends_term and after[0] == "d" and two and not (len(after) > 2 and _is_letter(after[2]))

    def parts_thousands(self) -> bool:
        """Whether the comma just taken stands inside a number."""
        before, after = self._tokens[max(self._at - 2, 0) : self._at - 1], self._tokens[self._at : self._at + 4]
        return bool(before) and before[0].isdigit() and len(after) > 2 and [*map(str.isdigit, after)][:3] == [True] * 3

    def skip_distance(self) -> None:
        """Skip the extra space that may be asked for at the end of a row, such as [4pt]."""
        found = _DISTANCE.match("".join(self._tokens[self._at : self._at + 12]))
        if found:
            while self.take() != "]":
                pass

    def raw(self, opener: str = "{", closer: str = "}") -> str:
        """The source of a group, without its brackets."""
        if not self.take_if(opener):
            raise Unreadable
        start, depth = self._at, 1
        while depth:
            token = self.take()
            depth += (token == opener) - (token == closer)
        return "".join(self._tokens[start : self._at - 1])

    def optional(self) -> str | None:
        """The source of an argument in square brackets, if one comes next."""
        return self.raw("[", "]") if self.skip_space() == "[" else None


def _is_letter(token: str) -> bool:
    return len(token) == 1 and token.isalpha()
