"""The lines between an engine and its worker process: one order down, one answer up, each a JSON object on a line.

The worker stays alive for as long as its standard input is open. Everything after the answer goes over HTTP.
"""

from __future__ import annotations

import os

import msgspec


def spare_core_threads() -> int:
    """All cores that this process may use but one, at least one.

    llama.cpp's threads spin while they wait for each other, so a core that anything else wants stalls all of them.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, cores - 1)


class Layout(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How llama.cpp is to lay out a model; it decides itself about whatever is None."""

    gpu_layers: int | None = None
    """Layers that go onto GPUs, 0 and up; more than there are means all."""
    main_gpu: int | None = None
    kv_on_gpu: bool | None = None
    """Where the context's cache is, when layers are on a GPU."""
    flash_attention: bool | None = None
    key_type: str | None = None
    """How keys are stored in the context's cache, by ggml's name such as `q8_0`."""
    value_type: str | None = None
    rope_base: float | None = None
    rope_scale: float | None = None
    mmap: bool | None = None
    lock: bool | None = None
    """Keep the weights from being swapped out."""
    direct_io: bool | None = None
    seed: int | None = None
    """For predictions that bring none."""


class WorkerOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How to load one model. Sizes are in tokens unless the name says otherwise."""

    model_path: str
    context_length: int = 4096
    """Of each of the parallel requests; no more than the model was made for is given."""
    threads: int = msgspec.field(default_factory=spare_core_threads)
    """For generation and for prompts alike: two different numbers make both wait for each other."""
    batch_size: int = 128
    """Prompt tokens between two looks at whether the request was given up; small keeps cancelling quick."""
    embedding: bool = False
    """Give vectors of texts. A text is then read at once, so the batch is as large as the context."""
    mean_pooling: bool = False
    """Average the vectors of a text's tokens, whatever the file says."""
    parallel: int = 1
    """Requests that are answered at the same time; each has a context of its own."""
    draft_path: str | None = None
    """A smaller model of the same vocabulary, which proposes tokens that the model only has to check."""
    cache_mib: int = 256
    """Memory for the prompts of earlier conversations, in MiB."""
    alias: str = "model"
    """The name that replies carry instead of the file's path."""
    layout: Layout = Layout()


class WorkerOrder(msgspec.Struct, frozen=True):
    """The line that the worker waits for. The key comes this way because a command line can be read by others."""

    options: WorkerOptions
    api_key: str


class WorkerReady(msgspec.Struct, frozen=True, tag_field="event", tag="ready"):
    """The model is loaded and the address answers."""

    url: str
    load_seconds: float


class WorkerFailed(msgspec.Struct, frozen=True, tag_field="event", tag="error"):
    """The worker could not get ready, and ends now.

    `stage` is `order` (the line made no sense), `import` (no llama.cpp here) or `load` (the model did not load).
    """

    stage: str
    message: str


WorkerAnswer = WorkerReady | WorkerFailed
