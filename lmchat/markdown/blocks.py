"""The block structure of a message, one source line at a time.

This is CommonMark's own strategy: each line is first matched against the containers that are open (quotes, list items),
then looked at for blocks that begin, and what remains is text for the open leaf. Nothing is ever parsed twice, and what
has been drawn does not depend on how the text arrived. `fork` gives a copy to show a message that is not complete.

Where CommonMark lets later text change earlier blocks, the rule here is decided by what came before:

- Blocks are parted by one blank line; inside a list item, and between items, only where the source has a blank line. So
  a list never turns loose as a whole.
- A link reference must be defined before it is used. Definitions are on one line, and are shown.
- A paragraph of which a segment is final (see `segments`) cannot become a heading or the head of a table.
- A line over 4,096 characters is text.
- Displayed mathematics is drawn when it ends, and none of its lines is final before; over 4,096 characters, or ended
  by a blank line without a command in it, it stays as it was written.
"""

from __future__ import annotations

from copy import copy
from typing import Any

from lmchat.markdown import scan
from lmchat.markdown.code import Code, IndentedCode
from lmchat.markdown.containers import ListState, Quote, bullet, footnote, indentation, numbered
from lmchat.markdown.formula import Formula
from lmchat.markdown.leaves import Definition, Heading, Leaf, Paragraph, Rule, Verbatim
from lmchat.markdown.lines import Line
from lmchat.markdown.stack import Stack
from lmchat.markdown.table import Table, alignments, split_row
from lmchat.markdown.tabs import expand_structure, skip_columns

DEEPEST = 24
"""Containers within each other; a deeper mark is text."""

_STARTERS = frozenset("#>-+*_=`~<[|:$\\0123456789")


class Blocks:
    """The blocks of one message, drawn `width` cells wide onto the end of `out`."""

    def __init__(self, width: int, out: list[Line]) -> None:
        self._stack = Stack(width, out)
        self._leaf: Leaf | None = None
        self._fence = ("", 0)
        self._may_close = False
        self._blank = False
        self._references: dict[str, dict[str, Any]] = {}
        self._text_start: str | None = None
        self._code: dict[int, list[str]] = {}

    def fork(self) -> Blocks:
        """A copy that goes its own way, writing to the same list."""
        other = copy(self)
        other._stack = self._stack.fork()
        other._leaf = self._leaf.fork() if self._leaf else None
        other._code = {self._stack.block: other._leaf.source} if isinstance(other._leaf, Code) else {}
        return other

    def replace(self, original: Blocks) -> None:
        """Take the place of the blocks that this is a fork of: what the fork was given has come to stay."""
        for block, added in self._code.items():
            original._code.setdefault(block, []).extend(added)
        self._code = original._code
        if isinstance(self._leaf, Code):
            self._leaf.source = self._code[self._stack.block]

    def code(self, block: int) -> list[str] | None:
        """The source of the code block of this number, in pieces; of a fork, what was added to the fork."""
        return self._code.get(block)

    @property
    def open_ended(self) -> bool:
        """Whether the last line given can be appended to: with anything after it, it is what it is now."""
        if isinstance(self._leaf, Code):
            return self._leaf.line_open and not self._may_close
        return self._text_start is not None and scan.is_text(self._text_start)

    def append(self, text: str) -> None:
        """Continue the last line given; only while `open_ended`."""
        assert isinstance(self._leaf, (Paragraph, Code))
        self._leaf.append(text)
        self._drain()

    def line(self, text: str) -> None:
        """Take the next source line, without its newline."""
        self._text_start = None
        raw = text
        if "\t" in text:
            text = expand_structure(text)
        at, matched = self._stack.match(text)
        if isinstance(self._leaf, (Code, Verbatim)) and not isinstance(self._leaf, IndentedCode):
            if matched == len(self._stack):
                self._verbatim(text, at, raw, matched)
                return
            self._close_leaf()
        if at + indentation(text, at) >= len(text):
            self._blank_line(matched, raw, at)
            return
        self._structure(text, at, matched, raw)
        self._drain()

    def close(self, *, cut: bool = False) -> None:
        """No more lines will come; `cut` says that this is only for a look at what there is."""
        if cut and isinstance(self._leaf, Formula):
            self._leaf.give_up()
        self._close_to(1)

    # -- lines of what is open

    def _verbatim(self, text: str, at: int, raw: str, matched: int) -> None:
        """A line for an open fence, HTML or mathematics."""
        leaf = self._leaf
        if isinstance(leaf, Code):
            marker, indent = self._fence
            start = at + indentation(text, at)
            if start - at <= 3 and scan.closes_fence(text[start:], marker):
                self._close_leaf()
            else:
                skip = at + min(indent, start - at)
                leaf.add(text[skip:] if raw is text else skip_columns(raw, skip))
                self._may_close = scan.could_close_fence(text[start:], marker)
                self._drain()
            return
        assert isinstance(leaf, Verbatim)
        content = text[at:]
        if not content.strip(" ") and leaf.ends_at_blank:
            self._close_leaf()
            self._blank = True
            return
        rest = ""
        if isinstance(leaf, Formula):
            content, rest = scan.split_math(content, leaf.closer)
        leaf.add(content)
        if leaf.closer and scan.closes_html(content, leaf.closer):
            self._close_leaf()
        if rest:
            self._text(rest, matched)
        self._drain()

    def _blank_line(self, matched: int, raw: str, at: int) -> None:
        if isinstance(self._leaf, IndentedCode) and matched == len(self._stack):
            self._leaf.add_blank(skip_columns(raw, at + 4))
        else:
            self._close_to(matched)
        self._blank = True

    # -- what a line opens

    def _structure(self, text: str, at: int, matched: int, raw: str) -> None:
        """Open what a line opens, and give the rest of it to the leaf."""
        while True:
            start = at + indentation(text, at)
            lazy = isinstance(self._leaf, Paragraph)
            if start >= len(text):
                return
            if start - at >= 4:
                if not lazy:
                    self._indented(text[at + 4 :] if raw is text else skip_columns(raw, at + 4), matched)
                    return
                break
            if text[start] not in _STARTERS:
                break
            after = self._container(text, at, start, matched)
            if after < 0:
                if self._leaf_block(text[start:], start - at, matched):
                    return
                break
            at = after
            matched = len(self._stack)
        self._text(text[start:], matched)

    def _container(self, text: str, at: int, start: int, matched: int) -> int:
        """Open a quote, list item or footnote at `start`: where its content begins, or -1."""
        if len(self._stack) > DEEPEST:
            return -1
        if text[start] == ">":
            self._begin(matched)
            self._stack.push(Quote())
            return start + 2 if text.startswith(" ", start + 1) else start + 1
        if text[start] == "[" and not (isinstance(self._leaf, Paragraph) and matched == len(self._stack)):
            note = scan.footnote(text[start:])
            if note:
                self._list_state("^", None, matched)
                self._stack.push(footnote(note[0]))
                return start + note[1]
        if text[start] in "-+*0123456789":
            return self._item(text, at, start, matched)
        return -1

    def _item(self, text: str, at: int, start: int, matched: int) -> int:
        rest = text[start : start + scan.LONGEST_STRUCTURE]
        found = scan.list_marker(rest)
        if not found or scan.rule(rest) or self._is_underline(rest, matched):
            return -1
        marker, number = found
        content = start + len(marker)
        spaces = indentation(text, content)
        empty = content + spaces >= len(text)
        interrupts = isinstance(self._leaf, Paragraph) and matched == len(self._stack)
        if interrupts and (empty or number not in (None, 1)):
            return -1
        spaces = 1 if empty or spaces > 4 else spaces
        indent = content + spaces - at
        after = min(content + spaces, len(text))
        state = self._list_state(marker, number, matched)
        box = scan.task(text[after:])
        make = bullet if number is None else numbered
        self._stack.push(make(state, indent, box[0] if box else None))
        return after + box[1] if box else after

    def _list_state(self, marker: str, number: int | None, matched: int) -> ListState:
        """Begin an item: in the list that is open there if it is of the same kind, else in a new one."""
        parent = self._stack[matched - 1]
        kind = marker[-1]
        state = parent.open_list
        self._begin(matched, same_list=state is not None and state.kind == kind)
        if state is not None and state.kind == kind:
            state.number += 1
        else:
            first = number if number is not None else 0
            state = ListState(kind, first, max(len(str(first)), 2), self._stack.depth())
        parent.open_list = state
        return state

    def _leaf_block(self, rest: str, indent: int, matched: int) -> bool:
        """Open the leaf that `rest` begins, if it begins one."""
        first = rest[0]
        if first == "#":
            return self._heading(rest, matched)
        if len(rest) > scan.LONGEST_STRUCTURE:
            return False
        if first in "|-:" and self._table(rest, matched):
            return True
        if first in "-=" and self._is_underline(rest, matched):
            return self._underlined(rest)
        if first in "*-_" and scan.rule(rest):
            self._begin(matched)
            self._leaf = Rule(self._stack.room())
            self._close_leaf()
            return True
        if first in "`~":
            return self._open_fence(rest, indent, matched)
        if first in "<$\\":
            return self._open_verbatim(rest, indent, matched)
        return first == "[" and self._definition(rest, matched)

    def _heading(self, rest: str, matched: int) -> bool:
        found = scan.heading(rest)
        if not found:
            return False
        self._begin(matched)
        self._leaf = Heading(self._stack.room(), self._references, found[1], found[0])
        self._close_leaf()
        return True

    def _is_underline(self, rest: str, matched: int) -> bool:
        return (
            isinstance(self._leaf, Paragraph)
            and matched == len(self._stack)
            and self._leaf.whole is not None
            and scan.underline(rest) is not None
        )

    def _underlined(self, rest: str) -> bool:
        assert isinstance(self._leaf, Paragraph)
        level = scan.underline(rest) or 1
        self._leaf = Heading(self._stack.room(), self._references, (self._leaf.whole or "").strip(), level)
        self._close_leaf()
        return True

    def _table(self, rest: str, matched: int) -> bool:
        """A delimiter row makes a table of the line above it."""
        leaf = self._leaf
        if not isinstance(leaf, Paragraph) or matched < len(self._stack):
            return False
        header = leaf.last_line
        if header is None or "|" not in header:
            return False
        aligned = alignments(rest)
        if aligned is None or len(aligned) != len(split_row(header)):
            return False
        if leaf.drop_last_line():
            self._begin(matched)
        self._leaf = Table(self._stack.room(), self._references, header, aligned)
        return True

    def _open_fence(self, rest: str, indent: int, matched: int) -> bool:
        found = scan.fence(rest)
        if not found:
            return False
        self._begin(matched)
        self._fence = (found.marker, indent)
        self._begin_code(Code(self._stack.room(), found.info))
        return True

    def _begin_code(self, leaf: Code) -> None:
        self._leaf = leaf
        self._code[self._stack.block] = leaf.source

    def _open_verbatim(self, rest: str, indent: int, matched: int) -> bool:
        """Raw HTML, or displayed mathematics."""
        style = "html" if rest[0] == "<" else "math"
        in_paragraph = isinstance(self._leaf, Paragraph)
        closer = scan.html(rest, in_paragraph=in_paragraph) if style == "html" else scan.math(rest)
        if closer is None:
            return False
        self._begin(matched)
        room = self._stack.room()
        is_math = style == "math"
        leaf = Formula(room, closer) if is_math else Verbatim(room, style, closer, ends_at_blank=not closer)
        leaf.add(" " * indent + rest)
        self._leaf = leaf
        if closer and scan.closes_html(rest[2:] if is_math else rest, closer):
            self._close_leaf()
        return True

    def _definition(self, rest: str, matched: int) -> bool:
        if isinstance(self._leaf, Paragraph):
            return False
        found = scan.definition(rest)
        if not found:
            return False
        from markdown_it.common.utils import normalizeReference

        label, target, title = found
        self._references = dict(self._references)
        self._references.setdefault(normalizeReference(label), {"href": target, "title": title})
        self._begin(matched, after=Definition)
        self._leaf = Definition(self._stack.room(), label, target, title)
        self._drain()
        return True

    def _indented(self, code: str, matched: int) -> None:
        if not (isinstance(self._leaf, IndentedCode) and matched == len(self._stack)):
            self._begin(matched)
            self._begin_code(IndentedCode(self._stack.room()))
        assert isinstance(self._leaf, IndentedCode)
        self._leaf.add(code)
        self._may_close = False

    def _text(self, text: str, matched: int) -> None:
        """Running text: more of the paragraph (even if its containers do not go on), a row of a table, or a new one."""
        leaf = self._leaf
        if isinstance(leaf, Paragraph):
            leaf.add("\n" + text)
        elif isinstance(leaf, Table) and matched == len(self._stack):
            leaf.add(text)
            return
        else:
            self._begin(matched)
            self._leaf = Paragraph(self._stack.room(), self._references, text)
        self._text_start = text

    # -- opening and closing

    def _begin(self, matched: int, *, same_list: bool = False, after: type[Leaf] | None = None) -> None:
        """Close what does not go on with this line, and begin a block in what does."""
        follows = after is not None and isinstance(self._leaf, after)
        self._close_to(matched)
        self._stack.begin(parted=self._blank, same_list=same_list, follows=follows)
        self._blank = False

    def _close_to(self, count: int) -> None:
        self._close_leaf()
        self._stack.close_to(count)

    def _close_leaf(self) -> None:
        if self._leaf:
            self._leaf.close()
            self._drain()
            self._leaf = None

    def _drain(self) -> None:
        """Draw the lines of the open leaf that have become final."""
        if self._leaf and self._leaf.lines:
            self._stack.draw(self._leaf.lines)
            self._leaf.lines = []
