"""One conversation on standard output: to be read, as a file, or as the tree that its messages form."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from msgspec.structs import replace

from lmchat.app.library import Library
from lmchat.console.chats.fitting import fitted
from lmchat.console.chats.moments import full_time, table_time
from lmchat.console.library import Wait, opened_library
from lmchat.console.output import Output, Piece
from lmchat.console.streams import say
from lmchat.exchange import Format, write
from lmchat.exchange.coding import to_json
from lmchat.exchange.facts import NAMES, figures_of, thought_of, versions_of
from lmchat.exchange.tree import shown_branch
from lmchat.values.chat import FileHandle, TextData, ToolCallRequestData, ToolCallResultData
from lmchat.values.history import ConversationDocument, MessageNode, MessageRecord, Part, ReasoningData
from lmchat.values.safe_text import safe_line


class Extent(StrEnum):
    """How much of a conversation is shown."""

    WHOLE = "whole"
    BRANCH = "branch"
    TREE = "tree"
    """Every message in short."""


def show_conversation(number: int, extent: Extent, *, as_json: bool) -> None:
    """Print a conversation.

    Raises:
        StoreError: it is not there, or cannot be read.
    """
    with Output() as output, opened_library() as (library, wait):
        if extent is Extent.TREE:
            _print_tree(output, library, wait, number, as_json)
            return
        document = wait(library.document(number))
        shown = shown_branch(document)
        others = len(document.messages) - len(shown)
        if extent is Extent.BRANCH:
            document = replace(document, messages=shown)
        if not output.terminal or as_json:
            output.data(write([document], Format.JSON if as_json else Format.MARKDOWN))
            return
        for line in _transcript(document):
            output.pieces(line)
    if others and extent is Extent.WHOLE:
        say(f"There are {others} messages in other versions: `lmchat chats show {number} --tree` lists them.")


def _print_tree(output: Output, library: Library, wait: Wait, number: int, as_json: bool) -> None:
    summary = wait(library.conversation(number))
    branch = {outline.id for outline in wait(library.branch(summary)).outlines}
    nodes = wait(library.nodes(summary))
    numbers = max((len(str(node.id)) for node in nodes), default=0)
    for node in nodes:
        if as_json:
            output.json({**{name: getattr(node, name) for name in node.__struct_fields__}, "shown": node.id in branch})
        elif output.terminal:
            output.line(fitted(_row(node, numbers, node.id in branch), output.width))
        else:
            state = "deleted" if node.deleted else "shown" if node.id in branch else ""
            fields = (node.id, node.parent_id or "", node.role, full_time(node.created_at), state, node.words)
            output.line("\t".join(map(str, fields)))


def _row(node: MessageNode, numbers: int, shown: bool) -> str:
    mark = "x" if node.deleted else "*" if shown else " "
    parent = "" if node.parent_id is None else f"← {node.parent_id}"
    begin = f"{mark} {node.id:>{numbers}} {parent:<{numbers + 2}}"
    return f"{begin}  {NAMES[node.role]:<9}  {table_time(node.created_at)}  {node.words}"


def _transcript(document: ConversationDocument) -> Iterator[list[Piece]]:
    """The shown branch for a person: lines, of which the headings stand out."""
    yield [(safe_line(document.title) or "Untitled", True)]
    facts = [f"began {table_time(document.created_at)}", *(f"#{tag}" for tag in document.tags)]
    yield [(safe_line(" · ".join(facts)), False)]
    versions = versions_of(document.messages)
    for message in shown_branch(document):
        version = versions.get(message.id)
        name = f"{NAMES[message.role]}{f' ({version})' if version else ''}"
        yield []
        yield [(safe_line(" · ".join([name, *figures_of(message)])), True)]
        for text in _texts(message):
            yield []
            yield [(text, False)]


def _texts(message: MessageRecord) -> Iterator[str]:
    for part in message.parts:
        yield _text(part).strip("\n")
    if message.error is not None:
        yield f"Error: {message.error}"


def _text(part: Part) -> str:
    match part:
        case TextData():
            return part.text
        case ReasoningData():
            return f"{thought_of(part)}\n{_quoted(part.text)}"
        case FileHandle():
            return f"File: {part.name}"
        case ToolCallRequestData(request):
            return f"Tool call: {request.name}\n{_quoted(to_json(request.arguments or {}, indent=2))}"
        case ToolCallResultData():
            return f"Tool result: {part.name or ''}\n{_quoted(part.content)}"


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}" for line in text.strip("\n").split("\n"))
