"""The tree of a conversation: every branch of it, to jump into."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from lmchat.tui.bidi import isolate_text
from lmchat.tui.wording import ending_of
from lmchat.values.history import MessageNode
from lmchat.values.safe_text import safe_line

_QUIET: Final = "$foreground 55%"
_NAMES: Final = {"user": ("You", "$secondary"), "assistant": ("Model", "$primary"), "system": ("System", "$accent")}


class TreeScreen(ModalScreen[MessageNode | None]):
    """Gives the message to go to; choosing a deleted one brings it back."""

    CSS_PATH = "tree.tcss"
    BINDINGS = [Binding("escape,t", "dismiss(None)", "Back")]

    def __init__(self, nodes: Sequence[MessageNode], branch: Sequence[int], current: int) -> None:
        """Show a tree.

        Args:
            nodes: each after its parent.
            branch: the messages of the current branch.
            current: the message that is chosen at first.
        """
        super().__init__()
        self._messages, self._graphs = _laid_out(nodes)
        self._branch = set(branch)
        self._current = current
        self._list = OptionList(markup=False, compact=True)

    def compose(self) -> ComposeResult:
        """A title and the tree, a line for each message."""
        with Vertical():
            yield Static("All that was said here", classes="title")
            yield self._list
            yield Static("Enter goes there · ● is the branch you read · deleted ones come back", classes="hint")

    def on_mount(self) -> None:
        """Draw it, when the width is known."""
        self.call_after_refresh(self._draw)

    def _draw(self) -> None:
        width = max(self._list.size.width - 2, 20)
        self._list.add_options(
            [Option(self._line(node, graph, width)) for node, graph in zip(self._messages, self._graphs, strict=True)]
        )
        self._list.highlighted = next((at for at, node in enumerate(self._messages) if node.id == self._current), 0)
        self._list.focus()

    def _line(self, node: MessageNode, graph: str, width: int) -> Content:
        name, color = _NAMES.get(node.role, ("Tool", "$warning"))
        mark = ("● ", "$primary") if node.id in self._branch else ("○ ", _QUIET)
        words = isolate_text(safe_line(node.words)) or "(nothing)"
        facts = [fact for fact in (ending_of(node.stop_reason), "deleted" if node.deleted else "") if fact]
        quiet = f"  {' · '.join(facts)}" if facts else ""
        line = Content.assemble((graph, _QUIET), mark, (f"{name} ", color), words, (quiet, _QUIET))
        return (line.stylize(_QUIET) if node.deleted else line).truncate(width, ellipsis=True)

    @on(OptionList.OptionSelected)
    def _choose(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._messages[event.option_index])


def _laid_out(nodes: Sequence[MessageNode]) -> tuple[list[MessageNode], list[str]]:
    """The nodes with each branch in one piece, and what is drawn before each: a step in where branches part."""
    children: dict[int | None, list[MessageNode]] = {}
    for node in nodes:
        children.setdefault(node.parent_id, []).append(node)
    ordered: list[MessageNode] = []
    graphs: list[str] = []
    waiting = [(node, "", len(children.get(None, ())) > 1) for node in reversed(children.get(None, []))]
    last = {siblings[-1].id for siblings in children.values()}
    while waiting:
        node, indent, parts = waiting.pop()
        ordered.append(node)
        graphs.append(indent + (("└ " if node.id in last else "├ ") if parts else ""))
        below = children.get(node.id, [])
        inner = indent + (("  " if node.id in last else "│ ") if parts else "")
        waiting += [(child, inner, len(below) > 1) for child in reversed(below)]
    return ordered, graphs
