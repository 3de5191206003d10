"""Models that work together, and predictions of one model at the same time; the packaged model drafts for itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator

import lmstudio as sdk
import msgspec
import pytest

import lmchat as lms
from lmchat.client.lmstudio import LMStudioBackend
from lmchat.protocol.child_process import EngineOptions
from lmchat.values.config import LlmPredictionConfig
from lmchat.values.errors import LMStudioServerError
from lmchat.values.prediction import LlmPredictionFragment, PredictionEvent
from tests.engine.engines import ENDLESS, MODEL, EngineProcess, answer, client_of, running_engine

PLAIN = LlmPredictionConfig(temperature=0.0, max_tokens=24)


@pytest.fixture(scope="module")
def own(engine_options: EngineOptions) -> Iterator[EngineProcess]:
    """An engine whose model these tests may load again."""
    with running_engine(msgspec.structs.replace(engine_options, preload=True)) as engine:
        yield engine


@pytest.fixture
async def client(own: EngineProcess) -> AsyncIterator[LMStudioBackend]:
    async with client_of(own) as backend:
        yield backend


async def test_a_draft_model_works_for_who_names_it_and_for_nobody_else(
    client: LMStudioBackend, own: EngineProcess
) -> None:
    _, alone = await answer(client, "Name three birds.", PLAIN)
    assert alone.stats.used_draft_model_key is None
    drafting = msgspec.structs.replace(PLAIN, draft_model=MODEL, speculative_decoding_max_tokens_to_draft=4)
    events, drafted = await answer(client, "Name three birds.", drafting)
    stats = drafted.stats
    assert stats.used_draft_model_key == MODEL
    assert stats.total_draft_tokens_count and stats.accepted_draft_tokens_count
    assert stats.rejected_draft_tokens_count is not None
    assert stats.accepted_draft_tokens_count + stats.rejected_draft_tokens_count == stats.total_draft_tokens_count
    assert stats.predicted_tokens_count == sum(e.tokens_count for e in events if isinstance(e, LlmPredictionFragment))
    _, without = await answer(client, "Name three birds.", PLAIN)
    assert without.stats.used_draft_model_key is None
    assert without.stats.total_draft_tokens_count is None
    assert len(own.children()) == 1
    assert [info.identifier for info in await client.loaded()] == [MODEL]


def test_the_official_sdk_names_a_draft_model(own: EngineProcess) -> None:
    with sdk.Client(str(own.address)) as client:
        result = client.llm.model().respond("Name a fish.", config={"draftModel": MODEL, "maxTokens": 12})
    assert result.stats.used_draft_model_key == MODEL
    assert result.stats.total_draft_tokens_count


async def test_a_draft_model_that_is_not_there(client: LMStudioBackend) -> None:
    with pytest.raises(LMStudioServerError, match="nobody"):
        await answer(client, "Hi", LlmPredictionConfig(draft_model="nobody"))
    await answer(client, "Hi", LlmPredictionConfig(max_tokens=1))


async def test_predictions_of_one_model_run_at_the_same_time_if_it_was_loaded_so(own: EngineProcess) -> None:
    endless = LlmPredictionConfig(structured=ENDLESS)
    seen: dict[str, int] = {"a": 0, "b": 0}
    both = asyncio.Event()

    def counting(name: str) -> Callable[[PredictionEvent], bool]:
        def until_both(event: PredictionEvent) -> bool:
            seen[name] += isinstance(event, LlmPredictionFragment)
            if min(seen.values()) > 3:
                both.set()
            return both.is_set()

        return until_both

    config = {"contextLength": 256, "maxParallelPredictions": 2}
    async with client_of(own) as client, lms.AsyncClient(str(own.address)) as library:
        pair = await library.llm.load_new_instance(MODEL, "pair", config=config)
        assert pair.identifier == "pair"
        info = await client.model_info("pair")
        assert info.context_length == 256
        assert (await client.load_config("pair")).max_parallel_predictions == 2
        async with asyncio.timeout(120):
            one, other = await asyncio.gather(
                *(answer(client, f"Go on, {name}.", endless, model="pair", cancel_when=counting(name)) for name in seen)
            )
        assert one[1].stats.stop_reason == other[1].stats.stop_reason == "userStopped"
        await client.unload("pair")
