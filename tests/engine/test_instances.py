"""Loaded models with real workers: shared loads, names, idle time, eviction, death."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from lmchat.engine.faults import RequestError
from lmchat.engine.models.catalog import Catalog
from lmchat.engine.models.entry import CatalogEntry
from lmchat.engine.models.instance import Instance, LoadOrder
from lmchat.engine.models.instances import Instances
from lmchat.engine.worker.llama import LlamaWorker
from lmchat.engine.worker.protocol import WorkerOptions
from lmchat.protocol.endpoints import InstanceSpecifier, ModelQuery, QuerySpecifier, by_identifier
from lmchat.values.config import LlmLoadModelConfig
from lmchat.values.errors import EngineError
from lmchat.values.model import EmbeddingModelInfo, LlmInfo
from tests.engine.engines import place_model
from tests.engine.test_catalog import write_model


def workers() -> list[psutil.Process]:
    return [child for child in psutil.Process().children() if "lmchat.engine.worker" in child.cmdline()]


@pytest.fixture
def entries(packaged_model: Path, tmp_path: Path) -> dict[str, CatalogEntry]:
    """Three models on disk: two that load, and one that does not."""
    for name in ("alpha", "beta"):
        place_model(packaged_model, tmp_path / "acme" / name / f"{name}.gguf")
    write_model(tmp_path / "acme" / "hollow" / "hollow.gguf")
    return {entry.info.model_key: entry for entry in Catalog(tmp_path).entries()}


@pytest.fixture
async def instances(tmp_path: Path) -> AsyncIterator[Instances]:
    async def start(order: LoadOrder) -> LlamaWorker:
        options = WorkerOptions(model_path=str(order.entry.path), context_length=order.context_length)
        return await LlamaWorker.start(options, log=tmp_path / f"{order.reference}.log")

    instances = Instances(start, default_context=300)
    yield instances
    await instances.aclose()
    assert workers() == []


async def load(instances: Instances, order: LoadOrder) -> Instance:
    async with instances.loading(order) as going_on:
        return await going_on.done()


async def gone(instances: Instances) -> None:
    for _ in range(500):
        if not instances.loaded(LlmInfo):
            return
        await asyncio.sleep(0.01)
    raise AssertionError("a model is still loaded")


async def test_all_who_want_a_model_at_the_same_time_share_its_load(
    instances: Instances, entries: dict[str, CatalogEntry]
) -> None:
    async def want() -> Instance:
        return await load(instances, instances.order_under_way(entries["alpha"]) or instances.order(entries["alpha"]))

    one, other = await asyncio.gather(want(), want())
    assert one is other
    assert instances.loaded(LlmInfo) == [one]
    assert instances.loaded(EmbeddingModelInfo) == []
    assert one.info.context_length == 512
    assert len(workers()) == 1


async def test_instances_have_names_of_their_own(instances: Instances, entries: dict[str, CatalogEntry]) -> None:
    orders = []
    for identifier in (None, None, "mine"):
        orders.append(instances.order(entries["alpha"], identifier=identifier))
        await load(instances, orders[-1])
    assert [order.identifier for order in orders] == ["alpha", "alpha:2", "mine"]
    with pytest.raises(RequestError, match="already exists"):
        instances.order(entries["beta"], identifier="mine")
    for specifier, found in (
        (by_identifier("alpha:2"), "alpha:2"),
        (by_identifier("acme/alpha"), "alpha"),
        (QuerySpecifier(query=ModelQuery(path="acme/alpha/alpha.gguf")), "alpha"),
        (QuerySpecifier(query=ModelQuery()), "alpha"),
        (InstanceSpecifier(instance_reference=orders[2].reference), "mine"),
        (by_identifier("beta"), None),
        (QuerySpecifier(query=ModelQuery(vision=True)), None),
        (QuerySpecifier(query=ModelQuery(domain="embedding")), None),
    ):
        instance = instances.find(specifier, LlmInfo)
        assert (instance and instance.identifier) == found


async def test_a_model_that_is_not_used_for_its_time_goes(
    instances: Instances, entries: dict[str, CatalogEntry]
) -> None:
    instance = await load(instances, instances.order(entries["alpha"], ttl=0.05))
    async with instance.in_use():
        assert instance.seconds_left() == 0.05
        done, _ = await asyncio.wait({asyncio.create_task(gone(instances))}, timeout=0.2)
        assert not done
    await gone(instances)
    await instance.worker.wait()


async def test_a_model_wanted_on_demand_makes_way_for_the_next(
    instances: Instances, entries: dict[str, CatalogEntry]
) -> None:
    kept = await load(instances, instances.order(entries["alpha"], identifier="kept"))
    first = await load(instances, instances.order(entries["alpha"], on_demand=True))
    async with first.in_use(), instances.loading(instances.order(entries["beta"], on_demand=True)) as going_on:
        assert going_on.evicted == []
        second = await going_on.done()
    async with instances.loading(instances.order(entries["beta"], on_demand=True)) as going_on:
        assert going_on.evicted == [first, second]
        third = await going_on.done()
    assert instances.loaded(LlmInfo) == [kept, third]
    assert first.worker.returncode is not None


async def test_a_load_that_nobody_wants_any_more_ends(instances: Instances, entries: dict[str, CatalogEntry]) -> None:
    order = instances.order(entries["alpha"])
    async with instances.loading(order), instances.loading(order) as going_on:
        pass
    with pytest.raises(asyncio.CancelledError):
        await going_on.task
    assert workers() == []
    assert instances.order(entries["alpha"]).identifier == "alpha"


async def test_a_model_that_does_not_load_leaves_nothing(
    instances: Instances, entries: dict[str, CatalogEntry]
) -> None:
    with pytest.raises(EngineError, match="hollow"):
        await load(instances, instances.order(entries["hollow"]))
    assert instances.loaded(LlmInfo) == []
    assert instances.order_under_way(entries["hollow"]) is None
    with pytest.raises(EngineError, match="no sense"):
        instances.order(entries["alpha"], config=LlmLoadModelConfig(context_length=-1))


async def test_a_worker_that_died_is_replaced_when_it_is_wanted(
    instances: Instances, entries: dict[str, CatalogEntry]
) -> None:
    instance = await load(instances, instances.order(entries["alpha"]))
    (worker,) = workers()
    worker.kill()
    await gone(instances)
    assert not instance.unloading
    revived = await instances.revived(by_identifier("alpha"), LlmInfo)
    assert revived is not None
    assert revived is not instance
    assert revived.order == instance.order
    assert await instances.revived(by_identifier("alpha"), LlmInfo) is None


async def test_one_turn_at_a_time_and_who_leaves_the_queue_is_not_waited_for(
    instances: Instances, entries: dict[str, CatalogEntry]
) -> None:
    instance = await load(instances, instances.order(entries["alpha"]))
    order: list[str] = []

    async def take(name: str) -> None:
        async with instance.turn():
            order.append(name)

    async with instance.turn():
        tasks = [asyncio.create_task(take(name)) for name in ("first", "second", "third")]
        await asyncio.sleep(0)
        assert instance.queued == 3
        tasks[1].cancel()
        await asyncio.wait({tasks[1]})
        assert instance.queued == 2
    await asyncio.gather(*tasks, return_exceptions=True)
    assert order == ["first", "third"]
    assert instance.status == "idle"
