"""Code highlighted line by line, each line once and for good, with what the next line needs to know carried on.

Pygments lexes whole texts. A fence is drawn while it is written, so a finished line must not change colour later; its
colours therefore depend on the lines before it alone. Lexers made of states and regular expressions are run one line at
a time with their stack of states kept. Constructs that such a lexer matches with one expression over several lines (a
block comment, mostly) are found by closing them on trial at the end of the line. Other lexers see one line at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import copy
from functools import cache
from importlib import import_module
from typing import Any

from lmchat.markdown.styles import TOKENS

LONGEST_LINE = 500
"""Characters of a line that are highlighted; some lexers take time by the square of a line's length."""

_DEEPEST_STACK = 64
_MOST_EMPTY_MATCHES = 100
_SPANS = (("/*", "*/"), ("<!--", "-->"), ('"""', '"""'), ("'''", "'''"))
_RAW_STRINGS = (("`", "`"),)

Piece = tuple[str, str]
"""Style name (empty for plain code) and text."""
_Token = tuple[int, Any, str]


class Highlighter:
    """Colours for the lines of one code block, given in order."""

    def __init__(self, lexer: Any) -> None:
        self._lexer = lexer
        self._runner = _runner(lexer)
        self._stack: tuple[str, ...] = ("root", *_INITIAL_STATES.get(lexer.name, ()))
        self._context: Any = None
        self._open: tuple[str, Any] | None = None
        self._spans = _RAW_STRINGS + _SPANS if lexer.name == "Go" else _SPANS

    def fork(self) -> Highlighter:
        """A copy that goes its own way."""
        other = copy(self)
        other._context = _copy_context(self._context)
        return other

    def line(self, text: str) -> list[Piece]:
        """The pieces of the next line, which has no newline; together they are its text."""
        head, rest = text[:LONGEST_LINE], text[LONGEST_LINE:]
        pieces: list[Piece] = []
        for kind, part in self._line(head):
            _append(pieces, _style(kind), part)
        if rest:
            _append(pieces, "", rest)
        return pieces

    def _line(self, text: str) -> Iterator[tuple[Any, str]]:
        if self._open:
            closer, kind = self._open
            end = text.find(closer)
            if end < 0:
                yield kind, text
                return
            self._open = None
            end += len(closer)
            yield kind, text[:end]
            text = text[end:]
        yield from self._lex(text)

    def _lex(self, text: str) -> Iterator[tuple[Any, str]]:
        for opener, closer in self._spans:
            at = text.rfind(opener)
            if at >= 0 and closer not in text[at + len(opener) :]:
                opened = self._try_span(text, closer)
                if opened:
                    yield from opened
                    return
        tokens, self._stack, self._context = self._run(text + "\n")
        yield from _clip(tokens, text)

    def _try_span(self, text: str, closer: str) -> list[tuple[Any, str]] | None:
        """The tokens of a line at whose end a span is open that `closer` would close; None if there is none."""
        tokens, _, _ = self._run(f"{text}\n{closer}\n")
        for at, kind, value in tokens:
            if at < len(text) < at + len(value) - 1 and str(kind).startswith(("Token.Comment", "Token.Literal.String")):
                if not value.endswith(closer):
                    continue
                before, self._stack, self._context = self._run(text[:at])
                self._open = (closer, kind)
                return [*_clip(before, text[:at]), (kind, text[at:])]
        return None

    def _run(self, text: str) -> tuple[list[_Token], tuple[str, ...], Any]:
        """Lex text from the present state: its tokens, and the state after it."""
        try:
            return self._runner(self._lexer, text, self._stack, _copy_context(self._context))
        except Exception:  # a lexer, perhaps a plug-in, failed on half a program: plain code then, never a crash
            return [], ("root",), None


# Lexers that begin outside the language proper; a fence seldom has the tag that would enter it.
_INITIAL_STATES = {"PHP": ("php",)}


def _runner(lexer: Any) -> Callable[..., tuple[list[_Token], tuple[str, ...], Any]]:
    module = import_module("pygments.lexer")
    if isinstance(lexer, module.ExtendedRegexLexer):
        return _run_extended
    if isinstance(lexer, module.RegexLexer):
        return _run_states
    return _run_plain


def _run_plain(
    lexer: Any, text: str, stack: tuple[str, ...], context: Any
) -> tuple[list[_Token], tuple[str, ...], Any]:
    return list(lexer.get_tokens_unprocessed(text)), stack, context


def _run_extended(
    lexer: Any, text: str, stack: tuple[str, ...], context: Any
) -> tuple[list[_Token], tuple[str, ...], Any]:
    if context is None:
        context = _new_context(lexer)
    context.text, context.pos, context.end = text, 0, len(text)
    tokens = list(lexer.get_tokens_unprocessed(context=context))
    del context.stack[_DEEPEST_STACK:]
    return tokens, stack, context


def _new_context(lexer: Any) -> Any:
    """The context the lexer itself would make: some have one of their own beside them in their module."""
    module = import_module(type(lexer).__module__)
    own = getattr(module, f"{type(lexer).__name__}Context", None)
    return (own or import_module("pygments.lexer").LexerContext)("\n", 0)


def _copy_context(context: Any) -> Any:
    if context is None:
        return None
    other = copy(context)
    for name, value in vars(context).items():
        if isinstance(value, list):
            setattr(other, name, value[:])
    return other


def _run_states(
    lexer: Any, text: str, stack: tuple[str, ...], context: Any
) -> tuple[list[_Token], tuple[str, ...], Any]:
    """Run a lexer's state machine over text. Pygments does the same but does not give the stack back."""
    states = lexer._tokens
    path = list(stack)
    tokens: list[_Token] = []
    at = empty = 0
    while at < len(text):
        before = at
        for matcher, action, transition in states[path[-1]]:
            match = matcher(text, at)
            if match is None:
                continue
            if action is not None:
                if callable(action):
                    tokens.extend(action(lexer, match))
                else:
                    tokens.append((at, action, match.group()))
            at = match.end()
            _move(path, transition)
            break
        else:
            if text[at] == "\n":
                path = ["root", *_INITIAL_STATES.get(lexer.name, ())]
            tokens.append((at, _plain_type(), text[at]))
            at += 1
        empty = empty + 1 if at == before else 0
        if empty > _MOST_EMPTY_MATCHES:
            return tokens, ("root",), context
    return tokens, tuple(path[:_DEEPEST_STACK]), context


def _move(path: list[str], transition: Any) -> None:
    """Apply a state transition in any of the forms that lexers write it."""
    if transition is None:
        return
    steps = transition if isinstance(transition, tuple) else (transition,)
    for step in steps:
        if isinstance(step, int):
            del path[max(len(path) + step, 1) :]
        elif step == "#pop":
            if len(path) > 1:
                path.pop()
        elif step == "#push":
            path.append(path[-1])
        else:
            path.append(step)


@cache
def _plain_type() -> Any:
    return import_module("pygments.token").Text


def _clip(tokens: list[_Token], text: str) -> Iterator[tuple[Any, str]]:
    """Tokens made to cover exactly text, whatever a lexer left out, repeated or added."""
    at = 0
    for start, kind, value in tokens:
        end = min(start + len(value), len(text))
        if end <= at:
            continue
        if start > at:
            yield None, text[at:start]
            at = start
        yield kind, text[at:end]
        at = end
    if at < len(text):
        yield None, text[at:]


@cache
def _style(kind: Any) -> str:
    """The style name for a token type: its own, or that of the nearest ancestor that has one."""
    path = str(kind)[len("Token.") :] if kind is not None else ""
    while path and path not in TOKENS:
        path = path.rpartition(".")[0]
    return f"code.{path}" if path else ""


def _append(pieces: list[Piece], style: str, text: str) -> None:
    if not text:
        return
    if pieces and pieces[-1][0] == style:
        pieces[-1] = (style, pieces[-1][1] + text)
    else:
        pieces.append((style, text))
