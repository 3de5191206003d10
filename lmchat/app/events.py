"""What happens in a conversation, for whoever shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from lmchat.values.history import MessageRecord
from lmchat.values.prediction import PredictionEvent


@dataclass(frozen=True, slots=True)
class BranchCut:
    """The branch goes on in another way after so many messages; those that were there are kept beside it."""

    length: int


@dataclass(frozen=True, slots=True)
class MessageAdded:
    """A message that the user said is on disk."""

    message: MessageRecord


@dataclass(frozen=True, slots=True)
class AnswerStarted:
    """The model has been asked, and its answer has a place on disk.

    The message has what the answer goes on from, if it continues another.
    """

    message: MessageRecord


@dataclass(frozen=True, slots=True)
class AnswerFinished:
    """The answer is on disk, whole or as far as it came; how it ended is in its stats."""

    message: MessageRecord


ConversationEvent: TypeAlias = BranchCut | MessageAdded | AnswerStarted | PredictionEvent | AnswerFinished
