"""The worker process by itself, spoken to as its parent would."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import msgspec

from lmchat.engine.worker.protocol import WorkerAnswer, WorkerFailed, WorkerOptions, WorkerOrder, WorkerReady

ROOT = Path(__file__).parents[2]


@contextmanager
def worker_process(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    with (tmp_path / "worker.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "lmchat.engine.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            cwd=ROOT,
        )
    with process:
        try:
            yield process
        finally:
            process.kill()


def ask(process: subprocess.Popen[bytes], line: bytes) -> WorkerReady | WorkerFailed:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(line + b"\n")
    process.stdin.flush()
    answer: WorkerReady | WorkerFailed = msgspec.json.decode(process.stdout.readline(), type=WorkerAnswer)
    return answer


def order(model: Path) -> bytes:
    return msgspec.json.encode(WorkerOrder(WorkerOptions(model_path=str(model)), "the key"))


def test_ready_then_guarded_by_the_key_then_gone_with_its_standard_input(tmp_path: Path, packaged_model: Path) -> None:
    with worker_process(tmp_path) as process:
        answer = ask(process, order(packaged_model))
        assert isinstance(answer, WorkerReady)
        assert answer.url.startswith("http://127.0.0.1:")
        assert answer.load_seconds > 0
        with httpx.Client(base_url=answer.url, trust_env=False) as client:
            assert client.post("/tokenize", json={"content": "x"}).status_code == httpx.codes.UNAUTHORIZED
            client.headers["Authorization"] = "Bearer the key"
            assert client.post("/tokenize", json={"content": "x"}).json()["tokens"]
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(10) == 0
        assert process.stdout is not None
        assert process.stdout.read() == b""


def test_an_order_that_makes_no_sense_is_refused(tmp_path: Path) -> None:
    with worker_process(tmp_path) as process:
        answer = ask(process, b'{"options": 5}')
        assert isinstance(answer, WorkerFailed)
        assert answer.stage == "order"
        assert process.wait(10) == 0


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    model = tmp_path / "no-model.gguf"
    model.write_bytes(b"nothing of the kind")
    with worker_process(tmp_path) as process:
        answer = ask(process, order(model))
        assert isinstance(answer, WorkerFailed)
        assert answer.stage == "load"
        assert process.wait(10) == 0


def test_no_order_no_work(tmp_path: Path) -> None:
    with worker_process(tmp_path) as process:
        output, _ = process.communicate(timeout=10)
        assert output == b""
        assert process.returncode == 0


def test_importing_the_worker_loads_nothing_heavy() -> None:
    heavy = ("xllamacpp", "httpx", "textual", "rich", "asyncio")
    code = f"import lmchat.engine.worker.__main__, sys; print([name for name in {heavy} if name in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", code], cwd=ROOT, text=True).strip() == "[]"
