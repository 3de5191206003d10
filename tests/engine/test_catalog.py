"""Model files on disk, and their names."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from lmchat.engine.models.catalog import Catalog
from lmchat.engine.models.matching import matching
from lmchat.protocol.child_process import Alias
from lmchat.values.model import EmbeddingModelInfo, LlmInfo, Quantization
from tests.engine.engines import place_model
from tests.engine.test_gguf import model_file, tensor


def write_model(path: Path, **metadata: Any) -> Path:
    """A file with the description of a model, and no weights."""
    described = {"general.architecture": "llama", "general.file_type": 15, "llama.context_length": 2048}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(model_file({**described, **metadata}, [tensor("weights", 1000, 1000)]))
    return path


def keys(catalog: Catalog) -> list[str]:
    return [entry.info.model_key for entry in catalog.entries()]


def test_a_model_is_described_as_its_file_describes_itself(tmp_path: Path) -> None:
    write_model(tmp_path / "Acme" / "Tiny-Chat-GGUF" / "Tiny-Chat-1B.Q4_K_M.gguf")
    (entry,) = Catalog(tmp_path).entries()
    assert entry.info == LlmInfo(
        model_key="tiny-chat-1b",
        format="gguf",
        display_name="Tiny Chat 1B",
        path="Acme/Tiny-Chat-GGUF/Tiny-Chat-1B.Q4_K_M.gguf",
        publisher="Acme",
        indexed_model_identifier="Acme/Tiny-Chat-GGUF/Tiny-Chat-1B.Q4_K_M.gguf",
        size_bytes=entry.path.stat().st_size,
        params_string="1M",
        architecture="llama",
        quantization=Quantization("Q4_K_M", 4),
        max_context_length=2048,
    )


def test_keys_tell_models_apart(tmp_path: Path) -> None:
    write_model(tmp_path / "a" / "r" / "chat-q4_k_m.gguf")
    write_model(tmp_path / "a" / "r" / "chat-q8_0.gguf", **{"general.file_type": 7})
    write_model(tmp_path / "b" / "r" / "chat-q8_0.gguf", **{"general.file_type": 7})
    catalog = Catalog(tmp_path)
    assert keys(catalog) == ["chat", "chat@q8_0", "chat@q8_0-2"]
    assert matching(catalog.entries(), "chat@q4_k_m")[0].info.model_key == "chat"


def test_files_lie_at_any_depth_and_names_may_be_given(tmp_path: Path) -> None:
    write_model(tmp_path / "models" / "deep" / "er" / "and" / "deeper" / "one.gguf")
    write_model(tmp_path / "models" / "flat.gguf")
    mine = write_model(tmp_path / "elsewhere" / "mine.gguf")
    catalog = Catalog(tmp_path / "models", [mine])
    assert keys(catalog) == ["mine", "one", "flat"]
    assert all(entry.info.publisher and entry.info.indexed_model_identifier for entry in catalog.entries())


def test_embedding_models_are_models_of_their_own_kind(tmp_path: Path) -> None:
    write_model(tmp_path / "embed.gguf", **{"general.architecture": "bert", "bert.context_length": 512})
    write_model(tmp_path / "chat.gguf")
    chat, embedder = Catalog(tmp_path).entries()
    assert isinstance(chat.info, LlmInfo)
    assert isinstance(embedder.info, EmbeddingModelInfo)
    assert (embedder.info.model_key, embedder.info.max_context_length) == ("embed", 512)


def test_one_chat_model_can_be_an_embedding_model_too(tmp_path: Path) -> None:
    path = write_model(tmp_path / "acme" / "Chat-1B.gguf")
    write_model(tmp_path / "other.gguf")
    catalog = Catalog(tmp_path, also_embeds=path)
    assert keys(catalog) == ["chat-1b", "other", "text-embedding-chat-1b"]
    chat, _, embedder = catalog.entries()
    assert isinstance(embedder.info, EmbeddingModelInfo)
    assert "weak" in embedder.info.display_name
    assert (embedder.path, embedder.info.path) == (chat.path, chat.info.path)


def test_an_alias_is_a_model_of_its_own_with_the_same_weights(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_model(tmp_path / "acme" / "Chat-1B.gguf")
    write_model(tmp_path / "other.gguf")
    aliases = {"helper": Alias("acme/chat"), "other": Alias("chat-1b"), "lost": Alias("nothing")}
    catalog = Catalog(tmp_path, aliases=aliases)
    assert keys(catalog) == ["chat-1b", "other", "helper"]
    chat, _, helper = catalog.entries()
    assert helper.path == chat.path
    assert helper.info.display_name == "helper"
    assert matching(catalog.entries(), "helper") == [helper]
    assert matching(catalog.entries(), "acme/chat")[0] == chat
    assert "no model nothing" in caplog.text


def test_an_alias_says_what_it_is_told_to_say(tmp_path: Path) -> None:
    write_model(tmp_path / "acme" / "Chat-1B.gguf")
    path = "lab/Sharp-GGUF/sharp.gguf"
    alias = Alias("chat-1b", name="Sharp Chat", path=path, context=1024, vision=True, tools=True)
    _, sharp, long = Catalog(tmp_path, aliases={"sharp": alias, "long": Alias("chat-1b", context=10**6)}).entries()
    info = sharp.info
    assert isinstance(info, LlmInfo)
    assert (info.model_key, info.display_name, info.max_context_length) == ("sharp", "Sharp Chat", 1024)
    assert (info.path, info.indexed_model_identifier, info.publisher) == (path, path, "lab")
    assert (info.vision, info.trained_for_tool_use) == (True, True)
    assert long.info.max_context_length == 2048


def test_models_of_other_programs_are_found_once(tmp_path: Path) -> None:
    write_model(tmp_path / "ours" / "acme" / "r" / "first.gguf")
    write_model(tmp_path / "studio" / "lab" / "Two-GGUF" / "two.gguf")
    cache = tmp_path / "hub" / "models--org--My--Model-GGUF"
    blob = write_model(cache / "blobs" / "abc")
    snapshots = [cache / "snapshots" / revision / "three.gguf" for revision in ("1", "2")]
    for link in snapshots:
        link.parent.mkdir(parents=True)
        place_model(blob, link)
    catalog = Catalog(tmp_path / "ours", other_folders=[tmp_path / "studio", tmp_path / "hub", tmp_path / "none"])
    found = [entry.info.path for entry in catalog.entries()]
    linked = snapshots[0].is_symlink()
    assert found[:3] == ["acme/r/first.gguf", "lab/Two-GGUF/two.gguf", "org/My--Model-GGUF/three.gguf"]
    assert len(found) == (3 if linked else 4)


def test_what_is_no_model_of_its_own_is_left_out(tmp_path: Path) -> None:
    write_model(tmp_path / "mmproj.gguf", **{"general.architecture": "clip"})
    write_model(tmp_path / "big-00001-of-00002.gguf", **{"split.no": 0, "split.count": 2})
    write_model(tmp_path / "big-00002-of-00002.gguf", **{"split.no": 1, "split.count": 2})
    write_model(tmp_path / ".fetch-1" / "half.gguf")
    assert keys(Catalog(tmp_path)) == ["big"]


def test_a_broken_file_is_left_out_with_a_word_and_explained_when_asked_for(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "p" / "r").mkdir(parents=True)
    broken = tmp_path / "p" / "r" / "broken.Q4_0.gguf"
    broken.write_bytes(b"GGUF and then nothing")
    write_model(tmp_path / "p" / "r" / "whole.gguf")
    catalog = Catalog(tmp_path)
    with caplog.at_level(logging.WARNING):
        assert keys(catalog) == ["whole"]
        assert keys(catalog) == ["whole"]
    assert [record for record in caplog.messages if "broken" in record] == caplog.messages[:1]
    for name in ("p/r/broken.Q4_0.gguf", str(broken), "broken"):
        fault = catalog.fault(name)
        assert fault is not None
        assert "broken.Q4_0.gguf" in str(fault)
    assert catalog.fault("whole") is None


def test_the_list_follows_the_disk(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path / "not-there-yet")
    assert keys(catalog) == []
    path = write_model(tmp_path / "not-there-yet" / "one.gguf")
    assert keys(catalog) == ["one"]
    write_model(path, **{"llama.context_length": 512, "general.name": "longer description"})
    assert catalog.entries()[0].info.max_context_length == 512
    path.unlink()
    assert keys(catalog) == []


def test_a_folder_that_holds_itself_is_walked_once(tmp_path: Path) -> None:
    write_model(tmp_path / "a" / "one.gguf")
    try:
        (tmp_path / "a" / "again").symlink_to(tmp_path, target_is_directory=True)
    except OSError:
        pytest.skip("this system has no links")
    assert keys(Catalog(tmp_path)) == ["one"]


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("llama-3.2-1b-instruct", ["llama-3.2-1b-instruct"]),
        ("LLAMA-3.2-1B-Instruct", ["llama-3.2-1b-instruct"]),
        ("hugging-quants/llama-3.2-1b-instruct", ["llama-3.2-1b-instruct"]),
        ("hugging-quants/", ["llama-3.2-1b-instruct", "other"]),
        ("hugging", []),
        ("llama", []),
        ("", []),
    ],
)
def test_names_mean_models(tmp_path: Path, name: str, found: list[str]) -> None:
    folder = tmp_path / "hugging-quants"
    write_model(folder / "Llama-3.2-1B-Instruct-Q8_0-GGUF" / "llama-3.2-1b-instruct-q8_0.gguf")
    write_model(folder / "Other-GGUF" / "other.gguf")
    assert [entry.info.model_key for entry in matching(Catalog(tmp_path).entries(), name)] == found


def test_a_model_may_be_named_by_its_file(tmp_path: Path) -> None:
    path = write_model(tmp_path / "x" / "one.gguf")
    catalog = Catalog(tmp_path)
    assert matching(catalog.entries(), str(path)) == catalog.entries()
    assert matching(catalog.entries(), "X/One.gguf") == catalog.entries()
