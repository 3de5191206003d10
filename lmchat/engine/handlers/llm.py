"""The `llm` namespace: predictions, and what concerns their prompts and settings."""

from __future__ import annotations

from lmchat.engine.faults import RequestError
from lmchat.engine.handlers.lookup import ModelLookup
from lmchat.engine.logstream import LogStream
from lmchat.engine.models.instance import Instance
from lmchat.engine.prediction.generate import Answer
from lmchat.engine.prediction.prompt import formatted
from lmchat.engine.prediction.sampling import Settings
from lmchat.engine.prediction.tally import Tally
from lmchat.engine.serving.channel import ServerChannel
from lmchat.engine.serving.endpoints import Endpoint
from lmchat.engine.uploads import Uploads
from lmchat.protocol import endpoints as wire
from lmchat.protocol.errors import preset_not_found
from lmchat.protocol.kvconfig import KVConfig


class LlmEndpoints:
    """Handlers of what only language models can do."""

    def __init__(self, lookup: ModelLookup, uploads: Uploads, logs: LogStream) -> None:
        self._lookup = lookup
        self._uploads = uploads
        self._logs = logs

    def calls(self) -> dict[str, Endpoint]:
        """The calls."""
        return {
            "applyPromptTemplate": Endpoint(wire.ApplyPromptTemplate, self._apply_prompt_template),
            "getBasePredictionConfig": Endpoint(wire.SpecifierParameter, self._get_base_prediction_config),
            "preloadDraftModel": Endpoint(wire.PreloadDraftModel, self._preload_draft_model),
        }

    def channels(self) -> dict[str, Endpoint]:
        """The channels."""
        return {
            "predict": Endpoint(wire.Predict, self._predict),
            "completeRawText": Endpoint(wire.CompleteRawText, self._predict),
        }

    async def _apply_prompt_template(self, request: wire.ApplyPromptTemplate) -> wire.FormattedPrompt:
        instance = await self._lookup.resolve(request.specifier)
        given = request.prediction_config_stack.collapse()
        if (tools := request.opts.get("toolDefinitions")) is not None:
            given["llm.prediction.tools"] = {"type": "toolArray", "tools": tools}
        settings = Settings(given, instance.order.entry.gguf)
        async with instance.in_use():
            return wire.FormattedPrompt(formatted=await formatted(instance, request.history, settings, self._uploads))

    async def _get_base_prediction_config(self, request: wire.SpecifierParameter) -> KVConfig:
        instance = await self._lookup.resolve(request.specifier)
        return Settings({}, instance.order.entry.gguf).kv

    async def _preload_draft_model(self, request: wire.PreloadDraftModel) -> None:
        await self._draft_with(await self._lookup.resolve(request.specifier), request.draft_model_key)

    async def _predict(self, request: wire.Predict | wire.CompleteRawText, channel: ServerChannel) -> None:
        tally = Tally()
        if request.fuzzy_preset_identifier is not None:
            raise RequestError(preset_not_found(request.fuzzy_preset_identifier))
        instance = await channel.unless_stopped(self._lookup.resolve(request.model_specifier))
        settings = Settings(request.prediction_config_stack.collapse(), instance.order.entry.gguf)
        if settings.draft_model is not None:
            tally.draft_model = await channel.unless_stopped(self._draft_with(instance, settings.draft_model))
        await Answer(instance, request, channel, tally, self._uploads, self._logs).give()

    async def _draft_with(self, instance: Instance, name: str) -> str:
        """Have a model draft for a loaded one; gives its key. Raises RequestError when there is none of that name."""
        if not (entries := await self._lookup.entries(name)):
            raise await self._lookup.missing(name)
        await self._lookup.draft_with(instance, entries[0])
        return entries[0].info.model_key
