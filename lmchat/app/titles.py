"""Titles for conversations: the first words at once, and a model's idea of one when nobody waits for it."""

from __future__ import annotations

from contextlib import aclosing
from typing import Final

from lmchat.app.model_connection import ReadyModel
from lmchat.values.chat import Chat
from lmchat.values.config import LlmPredictionConfig
from lmchat.values.prediction import Prediction

_LENGTH: Final = 60
_EXCERPT: Final = 1_500
"""Characters of each message that the model is shown; the beginning says what a conversation is about."""
_ASK: Final = "Give this conversation a title of two to six words. Answer with the title alone."
_CONFIG: Final = LlmPredictionConfig(temperature=0.0, max_tokens=24)


def first_words(text: str) -> str:
    """A title made of the first words of what was said."""
    line = " ".join(text.split())
    if len(line) <= _LENGTH:
        return line
    return line[:_LENGTH].rsplit(" ", 1)[0] + " …"


async def ask_for_title(model: ReadyModel, question: str, answer: str) -> str:
    """A title by a model, in one line; empty when nothing of use came. Cancelling stops the model.

    Raises:
        LMStudioError: the model could not be asked.
    """
    chat = Chat("You give conversations short, plain titles.")
    chat.add_user_message(f"Question:\n{question[:_EXCERPT]}\n\nAnswer:\n{answer[:_EXCERPT]}\n\n{_ASK}")
    prediction = Prediction()
    stream = await model.backend.predict(model.info.identifier, chat, _CONFIG)
    async with aclosing(stream):
        while prediction.finished is None:
            for event in await stream.take():
                prediction.feed(event)
    lines = [line.strip() for line in prediction.answer.splitlines() if line.strip()]
    return first_words(lines[0].removeprefix("Title:").strip("\"'“”*# ")) if lines else ""
