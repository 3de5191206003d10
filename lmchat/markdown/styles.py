"""The symbolic style names that lines can carry, for a front end to map to colours."""

from __future__ import annotations

_TOKENS = """
Comment Comment.Hashbang Comment.Multiline Comment.Preproc Comment.PreprocFile Comment.Single Comment.Special
Error Escape
Generic Generic.Deleted Generic.Emph Generic.EmphStrong Generic.Error Generic.Heading Generic.Inserted Generic.Output
Generic.Prompt Generic.Strong Generic.Subheading Generic.Traceback
Keyword Keyword.Constant Keyword.Declaration Keyword.Namespace Keyword.Pseudo Keyword.Reserved Keyword.Type
Literal Literal.Date Literal.Number Literal.Number.Bin Literal.Number.Float Literal.Number.Hex Literal.Number.Integer
Literal.Number.Integer.Long Literal.Number.Oct Literal.String Literal.String.Affix Literal.String.Backtick
Literal.String.Char Literal.String.Delimiter Literal.String.Doc Literal.String.Double Literal.String.Escape
Literal.String.Heredoc Literal.String.Interpol Literal.String.Other Literal.String.Regex Literal.String.Single
Literal.String.Symbol
Name Name.Attribute Name.Builtin Name.Builtin.Pseudo Name.Class Name.Constant Name.Decorator Name.Entity Name.Exception
Name.Function Name.Function.Magic Name.Label Name.Namespace Name.Other Name.Property Name.Tag Name.Variable
Name.Variable.Class Name.Variable.Global Name.Variable.Instance Name.Variable.Magic
Operator Operator.Word Punctuation Punctuation.Marker
"""

TOKENS = frozenset(_TOKENS.split())
"""Pygments token paths that have a style of their own; any other takes that of its nearest ancestor here."""

STYLES: dict[str, str] = {
    "text": "plain text, and indentation",
    "strong": "bold",
    "em": "italic",
    "strike": "struck through",
    "code": "inline code",
    "link": "text that leads somewhere; the span carries the target",
    "image": "the description of a picture, drawn as a link",
    "html": "raw HTML, shown as it was written",
    "math": "mathematics, as Unicode text or, if that is not possible, as it was written",
    "footnote": "the mark of a footnote",
    "definition": "the definition of a link reference",
    "heading.1": "heading of the first level",
    "heading.2": "heading of the second level",
    "heading.3": "heading of the third level",
    "heading.4": "heading of the fourth level",
    "heading.5": "heading of the fifth level",
    "heading.6": "heading of the sixth level",
    "heading.rule": "the line under a heading of the first level",
    "list.bullet": "bullet of an unordered item",
    "list.number": "number of an ordered item",
    "list.task": "open box of a task",
    "list.done": "ticked box of a task",
    "quote.bar": "bar at the left of a quote",
    "rule": "thematic break",
    "table.header": "cell of a table's first row",
    "table.rule": "lines between columns and rows of a table",
    "table.cell": "cell of a table, and its padding",
    "fence": "code block: its background, plain code and padding",
    "fence.language": "quiet name of the language above a code block",
    "fence.wrap": "mark where a long line of code goes on",
    **{f"code.{path}": f"code highlighted as Pygments' Token.{path}" for path in sorted(TOKENS)},
}
"""Every style name that can occur, and what it is for."""
