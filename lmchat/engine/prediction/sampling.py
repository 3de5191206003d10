"""What a client asks of a prediction, and llama-server's words for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from lmchat.engine.models.gguf import GgufInfo
from lmchat.engine.prediction.tools import call_schema, instructions, offered
from lmchat.protocol.kvconfig import KVConfig, KVField, prediction_fields, read_prediction
from lmchat.values.config import LlmPredictionConfig

_DEFAULTS: Final = LlmPredictionConfig(
    temperature=0.8, top_k_sampling=40, top_p_sampling=0.95, min_p_sampling=0.05, repeat_penalty=1.1
)
"""Those of LM Studio's configuration schema."""
_OWN_DEFAULTS: Final = {
    "smollm2": LlmPredictionConfig(temperature=0.2, top_p_sampling=0.9, repeat_penalty=1.1, max_tokens=1024),
}
"""What suits a model, by the model's own name of itself. This one repeats itself without end if nothing stops it."""

_PREFIX: Final = "llm.prediction."
_OFF: Final = {"top_p": 1.0, "min_p": 0.0, "repeat_penalty": 1.0, "xtc_probability": 0.0, "typical_p": 1.0}
"""The values at which a sampler does nothing, where that is not 0."""


class Settings:
    """The settings of one prediction: the model's own, overridden by what the client sends."""

    def __init__(self, given: Mapping[str, Any], model: GgufInfo) -> None:
        self._given = given
        self.config: Final = _merged(_DEFAULTS, _own_defaults(model), read_prediction(given))
        self.tools, self.tool_mode = offered(given.get(_PREFIX + "tools"), given.get(_PREFIX + "toolChoice"))
        self._template_has_tools = model.mentions_tools

    @property
    def kv(self) -> KVConfig:
        """All that held, as clients are told."""
        extra = (KVField(key, self._given[key]) for key in _EXTRA_KEYS if key in self._given)
        return KVConfig((*prediction_fields(self.config).fields, *extra))

    @property
    def max_tokens(self) -> int | None:
        """Tokens to predict at most; None: as many as there is room for."""
        return self.config.max_tokens or None

    @property
    def stop_at_limit(self) -> bool:
        """Whether a conversation that does not fit is to fail."""
        return self.config.context_overflow_policy == "stopAtLimit"

    @property
    def system_prompt(self) -> str:
        """What to tell the model when the conversation itself has no system prompt."""
        prompt = self._given.get(_PREFIX + "systemPrompt")
        return prompt if isinstance(prompt, str) else ""

    @property
    def tool_instructions(self) -> str:
        """What the model has to be told about tools besides what its template says; empty when that is nothing."""
        return instructions(self.tools) if self.tools and not self._template_has_tools else ""

    @property
    def log_probs(self) -> int | None:
        """How many candidates to tell of each token, 0 and up; None: nothing is told of tokens."""
        wanted = self.config.log_probs
        return None if wanted is None or wanted is False else int(wanted)

    @property
    def reasoning_tags(self) -> tuple[str, str] | None:
        """What opens and closes the model's reasoning; None when it is not to be told apart."""
        try:
            parsing = msgspec.convert(self.config.reasoning_parsing or {}, _ReasoningParsing)
        except msgspec.ValidationError:
            parsing = _ReasoningParsing()
        if not parsing.enabled or not parsing.start_string or not parsing.end_string:
            return None
        return parsing.start_string, parsing.end_string

    @property
    def tool_stop_strings(self) -> tuple[str, ...]:
        """The stop strings that mean that the model wants a tool."""
        return tuple(self.config.tool_call_stop_strings or ())

    @property
    def draft_model(self) -> str | None:
        """The name of the model that is to draft; None: none is."""
        return self.config.draft_model or None

    def template_options(self) -> dict[str, Any]:
        """What the model's chat template is told."""
        options: dict[str, Any] = {}
        if self.config.enable_thinking is not None:
            options["chat_template_kwargs"] = {"enable_thinking": self.config.enable_thinking}
        if self.tools and self._template_has_tools:
            options["tools"] = msgspec.to_builtins(self.tools)
        return options

    def request(self) -> dict[str, Any]:
        """The fields of a completion request."""
        config = self.config
        fields = {
            "temperature": config.temperature,
            "top_k": None if config.top_k_sampling is None else int(config.top_k_sampling),
            "top_p": config.top_p_sampling,
            "min_p": config.min_p_sampling,
            "repeat_penalty": config.repeat_penalty,
            "presence_penalty": config.presence_penalty,
            "frequency_penalty": config.frequency_penalty,
            "xtc_probability": config.xtc_probability,
            "xtc_threshold": config.xtc_threshold,
            "seed": None if config.seed is False else config.seed,
            "n_predict": self.max_tokens or -1,
            "stop": [text for text in (*(config.stop_strings or ()), *self.tool_stop_strings) if text],
            "n_probs": None if self.log_probs is None else max(1, self.log_probs),
            **({"json_schema": call_schema(self.tools)} if self.tool_mode == "required" and self.tools else {}),
            **self._drafting(),
            **_structure(config.structured or {}),
            **_extra(self._given),
        }
        return {
            name: _OFF.get(name, 0) if value is False else value for name, value in fields.items() if value is not None
        }

    def _drafting(self) -> dict[str, Any]:
        """How drafts are made; a worker with a draft model makes none for whoever did not ask for them."""
        if self.draft_model is None:
            return {"speculative.n_max": 0}
        most, least = _draft_sizes(self.config)
        return {
            "speculative.n_max": most,
            "speculative.n_min": least,
            "speculative.p_min": self.config.speculative_decoding_min_continue_drafting_probability,
        }


def _draft_sizes(config: LlmPredictionConfig) -> tuple[int | None, int | None]:
    """Tokens of a draft at most, and at least for it to count."""
    exact = config.speculative_decoding_num_draft_tokens_exact
    if exact is not None:
        return exact, exact
    return config.speculative_decoding_max_tokens_to_draft, config.speculative_decoding_min_draft_length_to_consider


class _ReasoningParsing(msgspec.Struct, frozen=True, rename="camel"):
    enabled: bool = True
    start_string: str = "<think>"
    end_string: str = "</think>"


class _Mirostat(msgspec.Struct, frozen=True, rename="camel"):
    version: int = 0
    learning_rate: float = 0.1
    target_entropy: float = 5.0


_TYPICAL: Final = _PREFIX + "llama.locallyTypicalSampling"
_MIROSTAT: Final = _PREFIX + "llama.mirostatSampling"
_LOGIT_BIAS: Final = _PREFIX + "llama.logitBias"
_EXTRA_KEYS: Final = (_TYPICAL, _MIROSTAT, _LOGIT_BIAS)
"""Settings that the SDKs have no option for, and that may come all the same."""


def _own_defaults(model: GgufInfo) -> LlmPredictionConfig:
    name = (model.basename or model.name or model.path.name).lower()
    return next((config for family, config in _OWN_DEFAULTS.items() if family in name), LlmPredictionConfig())


def _merged(*configs: LlmPredictionConfig) -> LlmPredictionConfig:
    """Options from several origins; what a later one says holds."""
    said = (msgspec.structs.asdict(config).items() for config in configs)
    return LlmPredictionConfig(**{name: value for items in said for name, value in items if value is not None})


def _structure(structured: Mapping[str, Any]) -> dict[str, Any]:
    """What keeps the answer in a form. A missing schema stands for any JSON object."""
    match structured.get("type"):
        case "json":
            return {"json_schema": structured.get("jsonSchema") or {"type": "object"}}
        case "gbnf":
            return {"grammar": structured.get("gbnfGrammar") or ""}
    return {}


def _extra(given: Mapping[str, Any]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    match given.get(_TYPICAL):
        case {"checked": True, "value": int() | float() as share} if share is not False:
            fields["typical_p"] = share
    match given.get(_LOGIT_BIAS):
        case list() as pairs:
            fields["logit_bias"] = [_bias(pair) for pair in pairs]
    try:
        mirostat = msgspec.convert(given.get(_MIROSTAT), _Mirostat)
    except msgspec.ValidationError:
        return fields
    return {
        **fields,
        "mirostat": mirostat.version,
        "mirostat_eta": mirostat.learning_rate,
        "mirostat_tau": mirostat.target_entropy,
    }


def _bias(pair: Any) -> Any:
    """llama-server writes a token that must not come with false."""
    match pair:
        case [token, "-inf"]:
            return [token, False]
    return pair
