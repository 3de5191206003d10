"""Which turns go when a conversation is too long."""

from __future__ import annotations

import pytest

from lmchat.engine.prediction.overflow import LlamaMessage, share_to_drop, without_oldest


def said(role: str, content: str) -> LlamaMessage:
    return {"role": role, "content": content}


SYSTEM = said("system", "Be kind.")


def conversation(turns: int) -> list[LlamaMessage]:
    pairs = ((said("user", f"question {n}"), said("assistant", f"answer {n}")) for n in range(turns))
    return [SYSTEM, *(message for pair in pairs for message in pair), said("user", "last")]


def test_the_oldest_turn_goes_first_and_whole() -> None:
    messages = conversation(3)
    assert without_oldest(messages, 0.01) == [SYSTEM, *messages[3:]]


def test_as_many_turns_go_as_their_share_of_the_text_asks_for() -> None:
    messages = conversation(9)
    shorter = without_oldest(messages, 0.5)
    assert shorter is not None
    assert shorter[0] == SYSTEM
    assert shorter[-1] == messages[-1]
    assert 0.35 < len(shorter) / len(messages) < 0.65
    assert shorter[1]["role"] == "user"


def test_the_system_prompt_and_the_last_turn_always_stay() -> None:
    assert without_oldest(conversation(3), 1.0) == [SYSTEM, said("user", "last")]
    assert without_oldest([SYSTEM, said("user", "only")], 0.5) is None
    assert without_oldest([SYSTEM], 0.5) is None


def test_a_turn_keeps_what_its_tools_answered() -> None:
    last = [said("user", "add"), said("assistant", ""), said("tool", "3"), said("assistant", "It is 3.")]
    assert without_oldest([said("user", "hello"), said("assistant", "hi"), *last], 0.9) == last


def test_a_conversation_that_begins_with_the_assistant_can_lose_that() -> None:
    assert without_oldest([said("assistant", "Welcome!"), said("user", "hi")], 0.1) == [said("user", "hi")]


@pytest.mark.parametrize(("tokens", "dropped"), [(901, 250), (1000, 250), (1150, 250), (1151, 500)])
def test_the_share_is_rounded_up_to_steps(tokens: int, dropped: int) -> None:
    assert share_to_drop(tokens, room=900, step=250) * tokens == pytest.approx(dropped)


def test_no_more_than_everything_can_go() -> None:
    assert share_to_drop(300, room=10, step=1000) == 1.0
