"""How much memory a model would take, before it is loaded."""

from __future__ import annotations

import os
from typing import Final

from lmchat.engine.models.instance import LoadOrder, worker_options
from lmchat.engine.models.layout import layout_of
from lmchat.values.errors import EngineError
from lmchat.values.loading import MemoryUsage, ModelUsageEstimate

# Bytes that a number takes, with its share of the block's scales. Source: the block structures of ggml.
_BYTES: Final = {
    "f32": 4.0, "f16": 2.0, "bf16": 2.0, "q8_0": 34 / 32, "q5_1": 24 / 32, "q5_0": 22 / 32, "q4_1": 20 / 32,
    "q4_0": 18 / 32, "iq4_nl": 18 / 32,
}  # fmt: skip


def usage_estimate(order: LoadOrder) -> ModelUsageEstimate:
    """The weights and the context's cache; buffers for computing, some ten to hundred MB, come on top.

    Nothing is counted for graphics memory: what there is of it is known only once a model is loaded.
    """
    gguf, layout = order.entry.gguf, layout_of(order.config, order.entry.gguf)
    number = (_BYTES[layout.key_type or "f16"] + _BYTES[layout.value_type or "f16"]) / 2
    context = round((gguf.cached_numbers or 0) * number) * order.context_length * worker_options(order).parallel
    total = gguf.size_bytes + context
    memory = MemoryUsage(
        confidence="low" if gguf.cached_numbers is None else "high",
        model_vram_bytes=0,
        context_vram_bytes=0,
        total_vram_bytes=0,
        model_bytes=gguf.size_bytes,
        context_bytes=context,
        total_bytes=total,
    )
    installed = _installed_bytes()
    return ModelUsageEstimate(memory=memory, passes_guardrails=installed is None or total < installed)


def require_memory(order: LoadOrder) -> None:
    """Refuse a load that this machine cannot hold: the system would end programs to make room for it, or swap for ever.

    Raises:
        EngineError: the estimate is more than the memory that is installed.
    """
    estimate = usage_estimate(order)
    if not estimate.passes_guardrails:
        needed, there = estimate.memory.total_bytes / 1e9, (_installed_bytes() or 0) / 1e9
        raise EngineError(
            f"{order.entry.info.display_name} would take about {needed:.1f} GB with a context of "
            f"{order.context_length:,} tokens, and this machine has {there:.1f} GB. "
            "Load a smaller model, or one with a shorter context."
        )


def _installed_bytes() -> int | None:
    """The machine's memory; None where the system does not say in a portable way."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None
