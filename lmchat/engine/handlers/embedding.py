"""The `embedding` namespace: the vector of a text."""

from __future__ import annotations

from lmchat.engine.handlers.lookup import ModelLookup
from lmchat.engine.models.instance import Instance
from lmchat.engine.serving.endpoints import Endpoint
from lmchat.protocol import endpoints as wire
from lmchat.values.errors import EngineError


class EmbeddingEndpoints:
    """Handlers of what only embedding models can do."""

    def __init__(self, lookup: ModelLookup) -> None:
        self._lookup = lookup

    def calls(self) -> dict[str, Endpoint]:
        """The calls."""
        return {"embedString": Endpoint(wire.EmbedString, self._embed_string)}

    async def _embed_string(self, request: wire.EmbedString) -> wire.Embedding:
        instance = await self._lookup.resolve(request.model_specifier)
        return wire.Embedding(embedding=(await embed(instance, request.input_string))[0])


async def embed(instance: Instance, text: str) -> tuple[tuple[float, ...], int]:
    """The vector of a text, of length 1, and how many tokens the text has.

    Raises:
        EngineError: the text is empty, or has more tokens than fit.
    """
    async with instance.in_use(), instance.turn("computingEmbedding"):
        tokens = len(await instance.worker.tokenize(text))
        if not text or not tokens:
            raise EngineError("There is no text to embed. Give at least one word.")
        if tokens > instance.context_length:
            raise EngineError(
                f"The text is too long to embed: {tokens} tokens, and {instance.context_length} fit. Split it up."
            )
        return await instance.worker.embed(text), tokens
