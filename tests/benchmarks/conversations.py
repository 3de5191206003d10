"""Long conversations to be read, generated, the same in every run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from lmchat.store.store import Store
from lmchat.values.chat import TextData
from lmchat.values.history import Provenance
from lmchat.values.prediction import LlmPredictionStats
from tests.benchmarks.replies import TOKEN, reply

LAST: Final = "The very end."
"""The last message."""
SERIAL: Final = rb"n\d{7}"
"""The pattern of the numbers of `numbered_lines`; a larger one stands further down."""
_TOKENS: Final = 500
_LINES: Final = 20


def write_conversation(folder: str, messages: int, text: Callable[[int], str]) -> None:
    """Make questions and answers in turn, in a store of their own in the folder of lmchat's data.

    Args:
        text: gives what stands in the message of a number, counted from 0.
    """
    store = Store.open(Path(folder) / "lmchat.db")
    conversation = store.create_conversation("A long one")
    stats = LlmPredictionStats(stop_reason="eosFound", predicted_tokens_count=_TOKENS)
    provenance = Provenance(server="a server")
    last: int | None = None
    for number in range(messages):
        part = TextData(LAST if number == messages - 1 else text(number))
        if number % 2 == 0:
            last = store.add_message(conversation.id, parent_id=last, role="user", parts=(part,)).id
        else:
            last = store.begin_answer(conversation.id, parent_id=last, provenance=provenance)
            store.finish_answer(last, parts=(part,), stats=stats, provenance=provenance)
    store.close()


def mixed_texts() -> Callable[[int], str]:
    """Texts of 2,000 characters with all that Markdown has."""
    text = "".join(reply("mixed", 20 * _TOKENS))
    size = TOKEN * _TOKENS
    return lambda number: text[number % 20 * size :][:size]


def numbered_lines(message: int) -> str:
    """A list of 20 items of about 100 characters, each with a number that occurs once."""
    first = message * _LINES
    words = "a line that is about as **long** as the column is wide, with `code` in it and some words"
    return "\n".join(f"- n{first + line:07} {words}" for line in range(_LINES))
