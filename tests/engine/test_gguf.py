"""The reader of model files: a real one, written ones, and hostile ones."""

from __future__ import annotations

import os
import struct
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from lmchat.engine.models.gguf import GgufInfo, read_gguf
from lmchat.values.errors import EngineError

UINT32, FLOAT32, BOOL, STRING, ARRAY, UINT64 = 4, 6, 7, 8, 9, 10


def text(value: str) -> bytes:
    return struct.pack("<Q", len(value.encode())) + value.encode()


def entry(key: str, value: Any) -> bytes:
    return text(key) + typed(value)


def typed(value: Any) -> bytes:
    match value:
        case bool():
            return struct.pack("<I?", BOOL, value)
        case int():
            return struct.pack("<II", UINT32, value)
        case float():
            return struct.pack("<If", FLOAT32, value)
        case str():
            return struct.pack("<I", STRING) + text(value)
        case list():
            kind = typed(value[0])[:4]
            return (
                struct.pack("<I", ARRAY) + kind + struct.pack("<Q", len(value)) + b"".join(typed(v)[4:] for v in value)
            )
    raise AssertionError(value)


def tensor(name: str, *dimensions: int) -> bytes:
    shape = struct.pack("<I", len(dimensions)) + b"".join(struct.pack("<Q", size) for size in dimensions)
    return text(name) + shape + struct.pack("<IQ", 3, 0)


def model_file(metadata: dict[str, Any], tensors: list[bytes], *, version: int = 3) -> bytes:
    head = b"GGUF" + struct.pack("<IQQ", version, len(tensors), len(metadata))
    return head + b"".join(entry(key, value) for key, value in metadata.items()) + b"".join(tensors) + bytes(64)


CHAT: dict[str, Any] = {
    "general.architecture": "llama",
    "general.name": "Some Model",
    "general.basename": "some",
    "general.size_label": "1.5B",
    "general.file_type": 15,
    "llama.context_length": 32768,
    "llama.rope.freq_base": 10000.0,
    "tokenizer.ggml.tokens": ["<s>", "a", "b", ""],
    "tokenizer.ggml.scores": [0.0, 1.0],
    "tokenizer.ggml.add_bos_token": True,
    "tokenizer.chat_template": "{% if tools %}{{ tools }}{% endif %}",
}
TENSORS = [tensor("token_embd.weight", 576, 49152), tensor("output_norm.weight", 576)]
WHOLE = model_file(CHAT, TENSORS)


def read(tmp_path: Path, data: bytes) -> GgufInfo:
    path = tmp_path / "model.gguf"
    path.write_bytes(data)
    return read_gguf(path)


def test_the_packaged_model_describes_itself(packaged_model: Path) -> None:
    info = read_gguf(packaged_model)
    assert (info.kind, info.architecture, info.basename) == ("llm", "llama", "smollm2")
    assert (info.quantization, info.bits, info.context_length) == ("Q4_1", 4, 8192)
    assert (info.parameters, info.parameters_label) == (134_515_008, "135M")
    assert info.size_bytes == packaged_model.stat().st_size
    assert info.has_chat_template
    assert not info.mentions_tools
    assert info.split is None


def test_everything_that_a_chat_model_says(tmp_path: Path) -> None:
    info = read(tmp_path, WHOLE)
    assert (info.name, info.size_label, info.parameters_label) == ("Some Model", "1.5B", "1.5B")
    assert (info.quantization, info.bits, info.context_length) == ("Q4_K_M", 4, 32768)
    assert info.parameters == 576 * 49152 + 576
    assert info.has_chat_template
    assert info.mentions_tools


def test_a_file_that_says_little(tmp_path: Path) -> None:
    info = read(tmp_path, model_file({"general.architecture": "new"}, [tensor("w", 3_400_000_000)], version=2))
    assert (info.name, info.quantization, info.bits, info.context_length) == (None, None, None, None)
    assert (info.kind, info.has_chat_template, info.parameters_label) == ("llm", False, "3.4B")


@pytest.mark.parametrize(
    ("metadata", "kind"),
    [
        ({"general.architecture": "clip"}, "mmproj"),
        ({"general.architecture": "qwen", "general.type": "mmproj"}, "mmproj"),
        ({"general.architecture": "llama", "general.type": "adapter"}, "adapter"),
        ({"general.architecture": "nomic-bert"}, "embedding"),
        ({"general.architecture": "qwen3", "qwen3.pooling_type": 3}, "embedding"),
        ({"general.architecture": "qwen3", "qwen3.pooling_type": 0}, "llm"),
    ],
)
def test_what_kind_of_model_it_is(tmp_path: Path, metadata: dict[str, Any], kind: str) -> None:
    assert read(tmp_path, model_file(metadata, [])).kind == kind


@pytest.mark.parametrize(
    ("file_type", "name", "bits"), [(0, "F32", 32), (1, "F16", 16), (32, "BF16", 16), (7, "Q8_0", 8), (30, "IQ4_XS", 4)]
)
def test_quantisation(tmp_path: Path, file_type: int, name: str, bits: int) -> None:
    info = read(tmp_path, model_file({"general.architecture": "llama", "general.file_type": file_type}, []))
    assert (info.quantization, info.bits) == (name, bits)


def test_one_part_of_a_split_model(tmp_path: Path) -> None:
    metadata = {"general.architecture": "llama", "split.no": 1, "split.count": 3}
    assert read(tmp_path, model_file(metadata, [])).split == (1, 3)


def test_values_of_an_unexpected_type_are_as_good_as_none(tmp_path: Path) -> None:
    metadata = {"general.architecture": "llama", "general.name": 5, "llama.context_length": "long", "split.count": True}
    info = read(tmp_path, model_file(metadata, []))
    assert (info.name, info.context_length, info.split) == (None, None, None)


HUGE = 2**63 - 1
HEAD = b"GGUF" + struct.pack("<I", 3)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"GGU",
        b"GGUF",
        b"GGML" + bytes(100),
        b"GGUF" + struct.pack(">IQQ", 3, 0, 1) + bytes(100),
        HEAD + struct.pack("<QQ", HUGE, 0),
        HEAD + struct.pack("<QQ", 0, HUGE),
        HEAD + struct.pack("<QQ", 0, 0),
        HEAD + struct.pack("<QQQ", 0, 1, HUGE),
        HEAD + struct.pack("<QQ", 0, 1) + text("k") + struct.pack("<I", 99),
        HEAD + struct.pack("<QQ", 0, 1) + text("k") + struct.pack("<IQ", STRING, HUGE),
        HEAD + struct.pack("<QQ", 0, 1) + text("k") + struct.pack("<IIQ", ARRAY, UINT64, HUGE),
        HEAD + struct.pack("<QQ", 0, 1) + text("k") + struct.pack("<IIQ", ARRAY, STRING, HUGE),
        HEAD + struct.pack("<QQ", 0, 1) + text("k") + struct.pack("<IIQ", ARRAY, ARRAY, 1) * 1000,
        HEAD + struct.pack("<QQ", 1, 0) + text("t") + struct.pack("<I", 2**31),
    ],
)
def test_what_makes_no_sense_is_an_engine_error(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(EngineError, match=r"model\.gguf is not a model that can be used"):
        read(tmp_path, data)


def test_a_description_without_end_is_not_read_to_its_end(tmp_path: Path) -> None:
    path, long = tmp_path / "model.gguf", 32 * 1024 * 1024
    with path.open("wb") as file:
        file.write(HEAD + struct.pack("<QQ", 0, 3))
        for key in "abc":
            file.write(text(key) + struct.pack("<IQ", STRING, long))
            file.seek(long, os.SEEK_CUR)
        file.write(b"end")
    with pytest.raises(EngineError, match="too long"):
        read_gguf(path)


@given(st.integers(0, len(WHOLE) - 65))
def test_a_header_cut_anywhere_is_an_engine_error(tmp_path_factory: pytest.TempPathFactory, length: int) -> None:
    with pytest.raises(EngineError):
        read(tmp_path_factory.getbasetemp(), WHOLE[:length])


@settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.integers(0, len(WHOLE) - 1), st.binary(min_size=1, max_size=9)), min_size=1, max_size=6))
def test_a_mutated_header_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, bytes]]
) -> None:
    data = bytearray(WHOLE)
    for place, new in changes:
        data[place : place + len(new)] = new
    try:
        info = read(tmp_path_factory.getbasetemp(), bytes(data))
    except EngineError:
        return
    assert info.size_bytes == len(data)
    assert info.parameters >= 0


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="There is no model file"):
        read_gguf(tmp_path / "none.gguf")


def test_a_folder_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="no regular file"):
        read_gguf(tmp_path)


@pytest.mark.skipif(sys.platform == "win32", reason="named pipes")
def test_a_pipe_is_no_model_and_nobody_waits_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.gguf")
    with pytest.raises(EngineError, match="no regular file"):
        read_gguf(tmp_path / "pipe.gguf")
