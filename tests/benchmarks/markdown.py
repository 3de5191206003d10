"""What it costs to draw a reply while it is written: `python -m tests.benchmarks.markdown`.

Each kind of text is fed four characters at a time (about a token) and its lines are read every forty pieces. The costs
of 20,000 and of 80,000 characters are compared: four times the text should cost about four times as much.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from lmchat.markdown import Markdown

SMALL, LARGE = 20_000, 80_000
PIECE = 4
PIECES_A_FRAME = 40
WIDTH = 100

_PROSE = (
    "The **renderer** keeps what it has drawn, and only the *open* block is looked at again; see `lines` or the "
    "[notes](https://example.org/notes) for how it knows. A sentence more makes it about as long as they are. "
)
_CODE = 'def area(radius: float) -> float:\n    """The area of a circle."""\n    return 3.14159 * radius**2  # pi\n\n'
_MIXED = (
    f"## A heading\n\n{_PROSE}{_PROSE}\n\n- first **item** with some text that may wrap when the screen is narrow\n"
    f"- second item, `code`\n  - nested\n\n```python\n{_CODE}{_CODE}```\n\n| Name | Value |\n|------|------:|\n"
    "| alpha | 1 |\n| beta | 2 |\n\n1. One step\n2. Another step\n\n> A quote that says something.\n\n"
)


def _repeat(head: str, unit: str) -> Callable[[int], str]:
    return lambda size: (head + unit * (size // len(unit) + 1))[:size]


KINDS: dict[str, Callable[[int], str]] = {
    "mixed": _repeat("", _MIXED),
    "fence": _repeat("```python\n", _CODE),
    "table": _repeat(
        "| Name | Meaning | Count |\n|---|---|--:|\n", "| `alpha` | the **first** of them, always | 1 |\n"
    ),
    "list": _repeat("", "- an item with **bold** text and `code` that goes on for a while\n"),
    "paragraph": _repeat("", _PROSE),
    "paragraph of lines": _repeat("", _PROSE.strip() + "\n"),
    "fence in a list": _repeat("1. Run this:\n   ```python\n", "   " + _CODE.strip().replace("\n", "\n   ") + "\n\n"),
    "quote": _repeat("", f"> {_PROSE.strip()}\n"),
    "Chinese": _repeat("", "渲染器保留已经绘制的内容，只重新解析最后一个打开的块。"),
    "unclosed markup": _repeat("**never `closed [", "words and *more words "),
    "formulas": _repeat("", "So $x_i^2 + \\frac{a}{b}$ and\n\n$$\n\\sum_{i=1}^n x_i \\\\\n= \\sqrt{y}\n$$\n\n"),
    # One line that does not end.
    "word": _repeat("", "abcdefghij"),
    "word in an item": _repeat("- ", "abcdefghij"),
    "word in a cell": _repeat("| a | b |\n|---|---|\n| ", "abcdefghij"),
    "brackets in a cell": _repeat("| a | b |\n|---|---|\n| ", "[[a"),
    "word in a heading": _repeat("# ", "abcdefghij"),
    "word in a link": _repeat("[a](http://", "abcdefghij"),
    "word in HTML": _repeat("<div ", "abcdefghij"),
    "word in a formula": _repeat("$$\n", "abcdefghij"),
    "word in $": _repeat("so $", "abcdefghij"),
    "line of code": _repeat("```js\n", "f(x,1);"),
    "Chinese code": _repeat("```\n", "渲染器"),
    "indented code": _repeat("    ", "f(x,1);"),
    "marks": _repeat("a", "\u0301\u0302"),
    "marks in code": _repeat("```\na", "\u0301\u0302"),
    "joined emoji": _repeat("a ", "\U0001f468\u200d"),
    "open brackets": _repeat("", "["),
    "backslashes": _repeat("", "\\["),
    "dollars": _repeat("", "$"),
    "fractions": _repeat("$", "\\frac{"),
    "blanks": _repeat("a", " "),
    "backticks": _repeat("a ", "`a``"),
    "stars": _repeat("", "*a_"),
    "entities": _repeat("", "&#1"),
    "blank lines": _repeat("    a", "\n"),
}


def cost(text: str) -> float:
    """CPU seconds for feeding text and reading its lines as it grows."""
    start = time.process_time()
    markdown = Markdown(WIDTH)
    for number, at in enumerate(range(0, len(text), PIECE)):
        markdown.feed(text[at : at + PIECE])
        if number % PIECES_A_FRAME == 0:
            len(markdown.lines)
    markdown.finish()
    len(markdown.lines)
    return time.process_time() - start


def main(chosen: list[str]) -> None:
    """Print a table of costs and growth, of the kinds chosen or of all."""
    cost(KINDS["mixed"](SMALL))
    print(f"{'text':<24}{'20k, s':>8}{'80k, s':>8}{'growth':>8}")
    for name, make in KINDS.items():
        if chosen and name not in chosen:
            continue
        small = min(cost(make(SMALL)) for _ in range(3))
        large = min(cost(make(LARGE)) for _ in range(2))
        print(f"{name:<24}{small:>8.3f}{large:>8.3f}{large / small:>7.1f}x")


if __name__ == "__main__":
    main(sys.argv[1:])
