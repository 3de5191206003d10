"""What is easy to miss in a server of LM Studio's protocol: nine rules, by number, on the wire with the real model."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import lmstudio as sdk
import msgspec
import pytest

from lmchat.protocol.child_process import EngineOptions
from tests.engine.engines import EMBEDDER, MODEL, EngineProcess, running_engine
from tests.engine.test_model_endpoints import conversation, kinds
from tests.engine.wire import Wire, session

TREE = {
    "$ref": "#/$defs/Leaf",
    "$defs": {
        "Leaf": {
            "type": "object",
            "properties": {"kind": {"enum": ["oak", "elm"]}},
            "required": ["kind"],
            "additionalProperties": False,
        }
    },
}


async def ending(wire: Wire) -> dict[str, Any]:
    """The success of the prediction that is under way, which nothing but its close follows."""
    success: dict[str, Any] = (await wire.packet("success"))["message"]
    assert (await wire.receive())["type"] == "channelClose"
    return success


async def text_of(wire: Wire, structured: dict[str, Any]) -> str:
    """What the model says within a form."""
    fields = [
        {"key": "llm.prediction.structured", "value": structured},
        {"key": "llm.prediction.maxPredictedTokens", "value": {"checked": True, "value": 60}},
    ]
    await wire.predict(wire.next_channel(), fields=fields)
    said = ""
    while (message := (await wire.receive())["message"])["type"] != "success":
        said += message["fragment"]["content"] if message["type"] == "fragment" else ""
    assert (await wire.receive())["type"] == "channelClose"
    return said


async def test_1_an_unknown_channel_gets_one_warning_that_names_it_and_nothing_else(engine: EngineProcess) -> None:
    async with session(engine) as wire:
        await wire.send(type="channelCreate", endpoint="paintPicture", channelId=1, creationParameter={"size": 3})
        warning = await wire.receive()
        assert warning["type"] == "communicationWarning"
        assert "paintPicture" in warning["warning"]
        assert await wire.silent()


async def test_2_unloading_a_stranger_finds_no_model_matching_the_query(engine: EngineProcess) -> None:
    async with session(engine) as wire:
        reply = await wire.call("unloadModel", identifier="stranger")
        assert reply["error"]["displayData"]["code"] == "generic.noModelMatchingQuery"


async def test_3_an_unknown_preset_ends_the_channel_before_anything_is_generated(engine: EngineProcess) -> None:
    async with session(engine) as wire:
        parameter = {
            "modelSpecifier": {"type": "query", "query": {}},
            "history": {"messages": []},
            "predictionConfigStack": {"layers": []},
            "fuzzyPresetIdentifier": "no such preset",
        }
        await wire.send(type="channelCreate", endpoint="predict", channelId=1, creationParameter=parameter)
        reply = await wire.receive()
        assert reply["type"] == "channelError"
        assert reply["error"]["displayData"]["code"] == "generic.presetNotFound"
        assert await wire.silent()


async def test_4_a_cancel_after_the_first_fragment_stops_the_user_s_answer(engine: EngineProcess) -> None:
    async with session(engine) as wire:
        await wire.predict()
        await wire.packet("fragment")
        await wire.send(type="channelSend", channelId=1, message={"type": "cancel"})
        stats = (await ending(wire))["stats"]
        assert stats["stopReason"] == "userStopped"
        # The grammar has no end, and the context room for more.
        assert stats["predictedTokensCount"] < 400


@pytest.fixture(scope="module")
def empty(engine_options: EngineOptions) -> Iterator[EngineProcess]:
    """An engine on which nothing is loaded."""
    with running_engine(msgspec.structs.replace(engine_options, context_length=256)) as engine:
        yield engine


async def test_5_names_that_are_taken_already_exist_and_the_engine_s_own_are_numbered(empty: EngineProcess) -> None:
    async with session(empty) as wire:
        names = []
        for _ in range(2):
            packets = await conversation(wire, "loadModel", modelKey=MODEL)
            names.append(packets[-2]["info"]["identifier"])
        assert names == [MODEL, f"{MODEL}:2"]
        (refusal,) = await conversation(wire, "loadModel", modelKey=MODEL, identifier=MODEL)
        assert refusal["type"] == "channelError"
        assert "already exists" in json.dumps(refusal["error"])
        for name in names:
            assert "error" not in await wire.call("unloadModel", identifier=name)


async def test_6_the_beginning_of_a_path_finds_the_loaded_instance(engine: EngineProcess) -> None:
    async with session(engine) as wire:
        (loaded,) = (await wire.call("listLoaded"))["result"]
        prefix = "/".join(loaded["path"].split("/")[:2])
        packets = await conversation(wire, "getOrLoad", identifier=prefix)
        assert kinds(packets) == ["alreadyLoaded", "channelClose"]
        assert packets[0]["info"]["instanceReference"] == loaded["instanceReference"]


async def test_7_grammars_and_schemas_with_a_reference_at_the_root_hold(engine: EngineProcess) -> None:
    async with session(engine) as wire:
        assert await text_of(wire, {"type": "gbnf", "gbnfGrammar": 'root ::= "yes" | "no"'}) in ("yes", "no")
        said = await text_of(wire, {"type": "json", "jsonSchema": TREE})
        assert json.loads(said)["kind"] in ("oak", "elm")


async def test_8_a_success_has_its_four_members(engine: EngineProcess) -> None:
    async with session(engine) as wire:
        await wire.predict(
            fields=[{"key": "llm.prediction.maxPredictedTokens", "value": {"checked": True, "value": 1}}]
        )
        success = await ending(wire)
        assert {"stats", "modelInfo", "loadModelConfig", "predictionConfig"} <= success.keys()


def test_8_and_python_reads_both_configurations(engine: EngineProcess) -> None:
    config: Any = {"maxTokens": 1, "temperature": 0.5, "stopStrings": ["#"], "topKSampling": 3}
    with sdk.Client(str(engine.address)) as client:
        result = client.llm.model().respond("Hi", config=config)
    assert result.load_config.context_length
    assert (result.prediction_config.temperature, result.prediction_config.max_tokens) == (0.5, 1)
    assert result.prediction_config.stop_strings == ["#"]


async def test_9_what_makes_way_is_told_of_in_full_also_across_namespaces(empty: EngineProcess) -> None:
    async with session(empty) as llm, session(empty, "embedding") as embedding:
        *_, loaded, _ = await conversation(llm, "getOrLoad", identifier=MODEL, loadTtlMs=60000)
        evicting, *_, _ = await conversation(embedding, "getOrLoad", identifier=EMBEDDER, loadTtlMs=60000)
        assert evicting["type"] == "unloadingOtherJITModel"
        told, known = evicting["info"], loaded["info"]
        assert (told["type"], told["modelKey"], told["identifier"]) == ("llm", MODEL, MODEL)
        assert told["instanceReference"] == known["instanceReference"]
        assert told.keys() == known.keys()
        assert "error" not in await embedding.call("unloadModel", identifier=EMBEDDER)
