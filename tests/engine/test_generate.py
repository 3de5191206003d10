"""Predictions by the real engine with the real model, through our own client."""

from __future__ import annotations

import asyncio
import json
from itertools import pairwise

import pytest

from lmchat.client.lmstudio import LMStudioBackend
from lmchat.values.chat import Chat
from lmchat.values.config import LlmLoadModelConfig, LlmPredictionConfig
from lmchat.values.errors import LMStudioPresetNotFoundError, LMStudioServerError
from lmchat.values.loading import ModelLoaded
from lmchat.values.prediction import (
    LlmPredictionFragment,
    PredictionEvent,
    PredictionFinished,
    PromptProgress,
    ToolCallFinished,
)
from tests.engine.engines import CONTEXT, ENDLESS, MODEL, EngineProcess, answer, grammar


def text_of(events: list[PredictionEvent]) -> str:
    return "".join(event.content for event in events if isinstance(event, LlmPredictionFragment))


def tokens_of(events: list[PredictionEvent]) -> int:
    return sum(event.tokens_count for event in events if isinstance(event, LlmPredictionFragment))


async def load(backend: LMStudioBackend, context_length: int) -> str:
    """Load the model, which must not be loaded, with a context of its own."""
    async for event in backend.load(MODEL, LlmLoadModelConfig(context_length=context_length), ttl=None):
        if isinstance(event, ModelLoaded):
            assert event.info.context_length == context_length
            return event.info.identifier
    raise AssertionError


async def test_an_answer_from_its_first_event_to_its_last(backend: LMStudioBackend) -> None:
    events, finished = await answer(backend, "Go on.", LlmPredictionConfig(max_tokens=12, structured=ENDLESS))
    progress = [event for event in events if isinstance(event, PromptProgress)]
    fragments = [event for event in events if isinstance(event, LlmPredictionFragment)]
    assert events == [*progress, *fragments]
    assert all(fragment.content and not fragment.is_structural for fragment in fragments)
    stats = finished.stats
    assert stats.stop_reason == "maxPredictedTokensReached"
    assert stats.predicted_tokens_count == tokens_of(events) == 12
    assert stats.prompt_tokens_count is not None
    assert stats.total_tokens_count == stats.prompt_tokens_count + 12
    assert stats.time_to_first_token_sec is not None
    assert stats.total_time_sec is not None
    assert 0 < stats.time_to_first_token_sec < stats.total_time_sec
    assert stats.tokens_per_second is not None
    assert stats.tokens_per_second > 0
    assert stats.stop_string is None
    assert finished.model_info is not None
    assert finished.model_info.identifier == MODEL
    assert finished.load_config.context_length == CONTEXT


async def test_progress_goes_from_nothing_to_everything(backend: LMStudioBackend) -> None:
    question = "Here is a list of words: " + "apple pear plum " * 80
    events, _ = await answer(backend, question, LlmPredictionConfig(max_tokens=1))
    progress = [event for event in events if isinstance(event, PromptProgress)]
    assert progress[0].progress == 0.0
    assert progress[-1].progress == 1.0
    assert len(progress) > 2
    assert all(before.progress < after.progress for before, after in pairwise(progress))
    for event in progress:
        details = event.details
        assert details is not None
        done = details.cached_token_count + details.processed_prompt_token_count
        assert done + details.unprocessed_prompt_token_count == details.total_prompt_token_count
        assert event.progress == pytest.approx(done / details.total_prompt_token_count)


async def test_a_second_turn_reads_only_what_is_new(backend: LMStudioBackend) -> None:
    chat = Chat("You are terse.")
    chat.add_user_message("Name a colour, and say a few words about it.")
    events, _ = await answer(backend, chat, LlmPredictionConfig(max_tokens=8))
    chat.add_assistant_response(text_of(events))
    chat.add_user_message("Another?")
    events, finished = await answer(backend, chat, LlmPredictionConfig(max_tokens=1))
    last = [event for event in events if isinstance(event, PromptProgress)][-1].details
    assert last is not None
    assert last.cached_token_count > last.processed_prompt_token_count > 0
    assert finished.stats.prompt_tokens_count == last.total_prompt_token_count


async def test_the_models_own_settings_hold_unless_the_client_says_otherwise(backend: LMStudioBackend) -> None:
    _, finished = await answer(backend, "Hi", LlmPredictionConfig(max_tokens=1))
    assert finished.prediction_config.temperature == 0.2
    assert finished.prediction_config.top_p_sampling == 0.9
    assert finished.prediction_config.repeat_penalty == 1.1
    config = LlmPredictionConfig(max_tokens=1, temperature=0.0, top_p_sampling=False, seed=7, stop_strings=["x"])
    _, finished = await answer(backend, "Hi", config)
    for name in ("max_tokens", "temperature", "top_p_sampling", "seed", "stop_strings"):
        assert getattr(finished.prediction_config, name) == getattr(config, name)
    assert finished.prediction_config.repeat_penalty == 1.1


async def test_the_same_seed_says_the_same(backend: LMStudioBackend) -> None:
    config = LlmPredictionConfig(max_tokens=12, temperature=1.5, seed=42)
    texts = {text_of((await answer(backend, "Tell me a story.", config))[0]) for _ in range(2)}
    assert len(texts) == 1


async def test_stop_reason_end_of_text(backend: LMStudioBackend) -> None:
    config = LlmPredictionConfig(structured=grammar('root ::= "yes"'))
    events, finished = await answer(backend, "Yes or no?", config)
    assert text_of(events) == "yes"
    assert finished.stats.stop_reason == "eosFound"
    assert finished.stats.predicted_tokens_count == tokens_of(events) + 1


async def test_stop_reason_stop_string(backend: LMStudioBackend) -> None:
    config = LlmPredictionConfig(structured=grammar('root ::= "one two three four"'), stop_strings=["zero", "three"])
    events, finished = await answer(backend, "Count.", config)
    assert text_of(events) == "one two "
    assert finished.stats.stop_reason == "stopStringFound"
    assert finished.stats.stop_string == "three"
    assert finished.stats.predicted_tokens_count == tokens_of(events)


async def test_stop_reason_tool_calls(backend: LMStudioBackend) -> None:
    config = LlmPredictionConfig(structured=grammar('root ::= "one two three"'), tool_call_stop_strings=["two"])
    events, finished = await answer(backend, "Count.", config)
    assert text_of(events) == "one "
    assert finished.stats.stop_reason == "toolCalls"
    assert not any(isinstance(event, ToolCallFinished) for event in events)


async def test_stop_reason_user_stopped_between_tokens(backend: LMStudioBackend) -> None:
    def at_first(event: PredictionEvent) -> bool:
        return isinstance(event, LlmPredictionFragment)

    events, finished = await answer(backend, "Go on.", LlmPredictionConfig(structured=ENDLESS), cancel_when=at_first)
    assert finished.stats.stop_reason == "userStopped"
    assert finished.stats.predicted_tokens_count == tokens_of(events)
    assert 1 <= tokens_of(events) < 100
    assert finished.model_info is not None


async def test_stop_reason_user_stopped_while_the_prompt_is_read(backend: LMStudioBackend) -> None:
    question = "Nobody has read this before: " + "stone river cloud " * 120
    events, finished = await answer(
        backend, question, LlmPredictionConfig(), cancel_when=lambda event: isinstance(event, PromptProgress)
    )
    assert finished.stats.stop_reason == "userStopped"
    assert text_of(events) == ""
    assert finished.stats.predicted_tokens_count == 0
    assert finished.stats.prompt_tokens_count is not None
    assert finished.stats.time_to_first_token_sec is None
    assert finished.stats.tokens_per_second is None


async def test_stop_reason_user_stopped_while_waiting_for_a_turn(backend: LMStudioBackend) -> None:
    first = await backend.predict(MODEL, Chat.from_history("Go on."), LlmPredictionConfig(structured=ENDLESS))
    await first.take()
    events, finished = await answer(
        backend, "Me too.", LlmPredictionConfig(), cancel_when=lambda event: isinstance(event, PromptProgress)
    )
    assert finished.stats.stop_reason == "userStopped"
    assert text_of(events) == ""
    await first.aclose()


async def test_stop_reason_context_length(backend: LMStudioBackend) -> None:
    await backend.unload(MODEL)
    model = await load(backend, 256)
    _, finished = await answer(backend, "Go on.", LlmPredictionConfig(structured=ENDLESS), model=model)
    assert finished.stats.stop_reason == "contextLengthReached"
    assert finished.stats.total_tokens_count == 256
    await backend.unload(model)
    await load(backend, CONTEXT)


async def test_stop_reason_model_unloaded(backend: LMStudioBackend) -> None:
    unloading: list[asyncio.Task[None]] = []

    def unload(event: PredictionEvent) -> bool:
        if isinstance(event, LlmPredictionFragment) and not unloading:
            unloading.append(asyncio.create_task(backend.unload(MODEL)))
        return False

    events, finished = await answer(backend, "Go on.", LlmPredictionConfig(structured=ENDLESS), cancel_when=unload)
    await unloading[0]
    assert finished.stats.stop_reason == "modelUnloaded"
    assert finished.stats.predicted_tokens_count == tokens_of(events) > 0
    assert await backend.loaded() == []
    await load(backend, CONTEXT)


async def test_a_worker_that_dies_is_an_error_and_the_next_request_loads_again(
    backend: LMStudioBackend, engine: EngineProcess
) -> None:
    def kill(event: PredictionEvent) -> bool:
        if isinstance(event, LlmPredictionFragment):
            for child in engine.children():
                child.kill()
        return False

    with pytest.raises(LMStudioServerError, match="worker ended"):
        await answer(backend, "Go on.", LlmPredictionConfig(structured=ENDLESS), cancel_when=kill)
    events, finished = await answer(backend, "Hi", LlmPredictionConfig(max_tokens=2, structured=ENDLESS))
    assert tokens_of(events) == 2
    assert finished.load_config.context_length == CONTEXT
    assert [info.identifier for info in await backend.loaded()] == [MODEL]


async def test_fragments_are_whole_characters(backend: LMStudioBackend) -> None:
    config = LlmPredictionConfig(structured=grammar('root ::= "👩🏽‍🚀 é 漢"'))
    events, _ = await answer(backend, "Say it.", config)
    assert text_of(events) == "👩🏽‍🚀 é 漢"
    assert "\ufffd" not in "".join(repr(event) for event in events)


async def test_reasoning_is_told_from_the_answer(backend: LMStudioBackend) -> None:
    config = LlmPredictionConfig(structured=grammar('root ::= "<think>so be it</think>done"'))
    events, _ = await answer(backend, "Think.", config)
    by_type: dict[str, str] = {}
    for event in events:
        if isinstance(event, LlmPredictionFragment):
            by_type[event.reasoning_type] = by_type.get(event.reasoning_type, "") + event.content
    assert list(by_type.items()) == [
        ("reasoningStartTag", "<think>"),
        ("reasoning", "so be it"),
        ("reasoningEndTag", "</think>"),
        ("none", "done"),
    ]


async def test_reasoning_can_be_left_alone(backend: LMStudioBackend) -> None:
    config = LlmPredictionConfig(
        structured=grammar('root ::= "<think>x</think>y"'), reasoning_parsing={"enabled": False}
    )
    events, _ = await answer(backend, "Think.", config)
    assert {event.reasoning_type for event in events if isinstance(event, LlmPredictionFragment)} == {"none"}


SCHEMA = {
    "type": "object",
    "properties": {"n": {"$ref": "#/$defs/digit"}},
    "required": ["n"],
    "additionalProperties": False,
    "$defs": {"digit": {"type": "integer", "minimum": 0, "maximum": 9}},
}


async def test_a_schema_holds(backend: LMStudioBackend) -> None:
    config = LlmPredictionConfig(structured={"type": "json", "jsonSchema": SCHEMA}, max_tokens=40)
    events, _ = await answer(backend, "Give me a digit.", config)
    given = json.loads(text_of(events))
    assert list(given) == ["n"]
    assert given["n"] in range(10)


async def test_a_bad_grammar_is_a_clear_error(backend: LMStudioBackend) -> None:
    with pytest.raises(LMStudioServerError, match="grammar"):
        await answer(backend, "Hi", LlmPredictionConfig(structured=grammar("root ::= (")))


async def test_a_preset_that_nobody_has(backend: LMStudioBackend) -> None:
    stream = await backend.predict(MODEL, Chat.from_history("Hi"), LlmPredictionConfig(), preset="mine")
    with pytest.raises(LMStudioPresetNotFoundError):
        await stream.take()


async def test_files_are_refused(backend: LMStudioBackend) -> None:
    chat = Chat()
    image = {"type": "file", "name": "cat.png", "identifier": "1", "sizeBytes": 3, "fileType": "image"}
    chat.add_user_message(["What is this?", image])
    with pytest.raises(LMStudioServerError, match="reads text only"):
        await answer(backend, chat, LlmPredictionConfig())
    assert "What is this?" in await backend.apply_prompt_template(MODEL, chat)


async def test_tools_in_the_history_reach_the_model(backend: LMStudioBackend) -> None:
    chat = Chat()
    chat.add_user_message("What is 1 + 2?")
    call = {"toolCallRequest": {"name": "add", "id": "1", "arguments": {"a": 1}}, "type": "toolCallRequest"}
    chat.append({"role": "assistant", "content": [call]})
    chat.add_tool_result({"content": "the sum is 3", "tool_call_id": "1"})
    assert "the sum is 3" in await backend.apply_prompt_template(MODEL, chat)
    _, finished = await answer(backend, chat, LlmPredictionConfig(max_tokens=1))
    assert finished.stats.predicted_tokens_count == 1


def long_chat(turns: int) -> Chat:
    chat = Chat("Remember the password: swordfish.")
    for number in range(turns):
        chat.add_user_message(f"Message number {number}: " + "blah " * 40)
        chat.add_assistant_response("I see. " * 5)
    chat.add_user_message("And what now?")
    return chat


async def test_a_long_conversation_loses_its_oldest_turns(backend: LMStudioBackend) -> None:
    chat = long_chat(10)
    whole = await backend.count_tokens(MODEL, await backend.apply_prompt_template(MODEL, chat))
    assert whole > CONTEXT
    _, finished = await answer(backend, chat, LlmPredictionConfig(max_tokens=2, structured=ENDLESS))
    assert finished.stats.stop_reason == "maxPredictedTokensReached"
    assert finished.stats.prompt_tokens_count is not None
    assert finished.stats.prompt_tokens_count <= CONTEXT - 2


async def test_a_long_conversation_can_be_made_to_fail(backend: LMStudioBackend) -> None:
    config = LlmPredictionConfig(context_overflow_policy="stopAtLimit")
    with pytest.raises(LMStudioServerError, match=rf"too long: \d+ tokens, and {CONTEXT} fit"):
        await answer(backend, long_chat(10), config)


async def test_a_last_message_that_is_too_long_alone_fails(backend: LMStudioBackend) -> None:
    with pytest.raises(LMStudioServerError, match="too long"):
        await answer(backend, "blah " * 600, LlmPredictionConfig())


async def test_an_empty_conversation_is_an_error(backend: LMStudioBackend) -> None:
    with pytest.raises(LMStudioServerError, match="empty"):
        await answer(backend, Chat(), LlmPredictionConfig())


async def test_predictions_take_turns_in_order(backend: LMStudioBackend) -> None:
    done: list[int] = []

    async def ask(number: int) -> PredictionFinished:
        _, finished = await answer(backend, f"Number {number}", LlmPredictionConfig(max_tokens=3, structured=ENDLESS))
        done.append(number)
        return finished

    results = await asyncio.gather(*(ask(number) for number in range(3)))
    assert [result.stats.predicted_tokens_count for result in results] == [3, 3, 3]
    assert done == [0, 1, 2]
