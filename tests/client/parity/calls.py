"""Calls as a program makes them, the same for LM Studio's own SDK and for this library: each is given either of them.

Together they use every option that the official SDK has.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from tests.client.test_async_services import PNG

Call = Callable[[Any, Any], Any]
"""Gets the library and a client of it."""

SCHEMA: Final = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
KEY: Final = "scripted-model"
EMBEDDER: Final = "scripted-embedding"

PREDICTION: Final[dict[str, Any]] = {
    "maxTokens": 10,
    "temperature": 0.5,
    "topKSampling": 40,
    "topPSampling": 0.9,
    "minPSampling": 0.05,
    "repeatPenalty": 1.1,
    "stopStrings": ["a", "\n"],
    "toolCallStopStrings": ["</call>"],
    "contextOverflowPolicy": "truncateMiddle",
    "cpuThreads": 2,
    "draftModel": "tiny",
    "reasoningParsing": {"enabled": True, "startString": "<t>", "endString": "</t>"},
    "speculativeDecodingNumDraftTokensExact": 2,
    "speculativeDecodingMinDraftLengthToConsider": 1,
    "speculativeDecodingMinContinueDraftingProbability": 0.5,
    "promptTemplate": {
        "type": "jinja",
        "jinjaPromptTemplate": {"template": "{{ messages[0].content }}"},
        "stopStrings": ["<end>"],
    },
    "structured": {"type": "json", "jsonSchema": SCHEMA},
    "rawTools": {"type": "none"},
}
"""Options of a prediction, by the names of the protocol."""

LOAD: Final[dict[str, Any]] = {
    "contextLength": 1024,
    "seed": 7,
    "evalBatchSize": 256,
    "flashAttention": True,
    "keepModelInMemory": False,
    "tryMmap": False,
    "useFp16ForKVCache": True,
    "offloadKVCacheToGpu": False,
    "numExperts": 2,
    "ropeFrequencyBase": 10000.0,
    "ropeFrequencyScale": 0.5,
    "llamaKCacheQuantizationType": "q8_0",
    "llamaVCacheQuantizationType": "f16",
    "gpuStrictVramCap": True,
    "gpu": {"ratio": 0.5, "mainGpu": 1, "splitStrategy": "favorMainGpu", "disabledGpus": [2]},
}
EMBEDDING_LOAD: Final[dict[str, Any]] = {
    "contextLength": 512,
    "keepModelInMemory": True,
    "tryMmap": True,
    "ropeFrequencyBase": 1.0,
    "ropeFrequencyScale": 1.0,
    "gpu": {"ratio": "max"},
}


def responding(*arguments: Any, **options: Any) -> Call:
    return lambda sdk, client: client.llm.model().respond(*(arguments or ("hi",)), **options).content


def completing(*arguments: Any, **options: Any) -> Call:
    return lambda sdk, client: client.llm.model().complete(*(arguments or ("Once",)), **options).content


def with_chat(build: Callable[[Any, Any, Any], Any]) -> Call:
    """A conversation that a function makes of the library, a client and an empty `Chat`."""

    def call(sdk: Any, client: Any) -> Any:
        chat = sdk.Chat()
        replaced = build(sdk, client, chat)
        return client.llm.model().respond(chat if replaced is None else replaced).content

    return call


def conversation(sdk: Any, client: Any, chat: Any) -> None:
    chat.add_system_prompt("Be brief.")
    chat.add_user_message("One")
    chat.add_user_message("Two")
    chat.add_assistant_response("Yes")
    chat.add_user_message("Three")


def pictures(sdk: Any, client: Any, chat: Any) -> None:
    chat.add_user_message("What is this?", images=[client.prepare_image(PNG, "dot.png")])


def entries(sdk: Any, client: Any, chat: Any) -> None:
    for role, text in (("system", "S"), ("user", "U"), ("assistant", "A"), ("user", "V")):
        chat.add_entry(role, text)


def copied(sdk: Any, client: Any, chat: Any) -> Any:
    chat.add_user_message("One")
    other = chat.copy()
    chat.add_user_message("not asked")
    return other


def from_history(history: Any) -> Callable[[Any, Any, Any], Any]:
    return lambda sdk, client, chat: sdk.Chat.from_history(history)


def streaming(sdk: Any, client: Any) -> Any:
    with client.llm.model().respond_stream("hi") as stream:
        return [fragment.content for fragment in stream]


def cancelling(sdk: Any, client: Any) -> Any:
    stream = client.llm.model().respond_stream("hold")
    for _ in stream:
        stream.cancel()
    return stream.result().stats.stop_reason


def structured_class(sdk: Any, client: Any) -> Any:
    class Answer(sdk.BaseModel):  # type: ignore[misc]  # whichever library it is
        a: int

    return client.llm.model().respond("hi", response_format=Answer).parsed


def snake_case(sdk: Any, client: Any) -> Any:
    config = {"max_tokens": 3, "top_k_sampling": 4, "context_overflow_policy": "stopAtLimit"}
    return client.llm.model().respond("hi", config=config).content


def config_class(sdk: Any, client: Any) -> Any:
    config = sdk.LlmPredictionConfig(max_tokens=3, temperature=0.25, stop_strings=["x"])
    return client.llm.model().respond("hi", config=config).content


def load_config_class(sdk: Any, client: Any) -> Any:
    config = sdk.LlmLoadModelConfig(context_length=100, flash_attention=True)
    return client.llm.load_new_instance(KEY, config=config).identifier


def _asked(chat: Any, question: str) -> Any:
    chat.add_user_message(question)
    return chat


def _loading(config: dict[str, Any]) -> Call:
    return lambda sdk, client: client.llm.load_new_instance(KEY, config=config).identifier


def downloading(sdk: Any, client: Any) -> Any:
    (found,) = client.repository.search_models("tiny")
    (option,) = found.get_download_options()
    return option.download()


CALLS: Final[dict[str, Call]] = {
    "respond": responding(),
    "respond to a history as text": responding("Just this"),
    "respond to a history as data": responding({"messages": [{"role": "user", "content": "hi"}]}),
    "respond to a conversation": with_chat(conversation),
    "respond to entries": with_chat(entries),
    "respond to an image": with_chat(pictures),
    "respond to a copy": with_chat(copied),
    "respond to a system prompt and a question": with_chat(
        lambda sdk, client, chat: _asked(sdk.Chat("Be brief."), "hi"),
    ),
    "respond to Chat.from_history of text": with_chat(from_history("hi")),
    "respond to Chat.from_history of data": with_chat(
        from_history({"messages": [{"role": "system", "content": "S"}, {"role": "user", "content": "U"}]})
    ),
    **{f"respond with {name}": responding(config={name: value}) for name, value in PREDICTION.items()},
    **{
        f"respond with contextOverflowPolicy {policy}": responding(config={"contextOverflowPolicy": policy})
        for policy in ("stopAtLimit", "truncateMiddle", "rollingWindow")
    },
    "respond with no limit of tokens": responding(config={"maxTokens": False}),
    "respond with no stop strings": responding(config={"stopStrings": []}),
    "respond with all options": responding(config={key: PREDICTION[key] for key in PREDICTION if key != "structured"}),
    "respond with names in snake case": snake_case,
    "respond with LlmPredictionConfig": config_class,
    "respond with a schema": responding(response_format=SCHEMA),
    "respond with a BaseModel": structured_class,
    "respond with a preset": responding(preset="mine"),
    "respond_stream": streaming,
    "respond_stream, cancelled": cancelling,
    "complete": completing(),
    "complete with options": completing(config={"maxTokens": 5, "stopStrings": ["x"], "temperature": 0.0}),
    "complete with a schema": completing(response_format=SCHEMA),
    "complete with a preset": completing(preset="mine"),
    "complete_stream": lambda sdk, client: [one.content for one in client.llm.model().complete_stream("Once")],
    "llm.model": lambda sdk, client: client.llm.model().identifier,
    "llm.model by key": lambda sdk, client: client.llm.model(KEY).identifier,
    "llm.model with a TTL": lambda sdk, client: client.llm.model(KEY, ttl=60).identifier,
    "llm.model without a TTL": lambda sdk, client: client.llm.model(KEY, ttl=None).identifier,
    "llm.model with options of the load": lambda sdk, client: client.llm.model(KEY, config=LOAD).identifier,
    **{f"llm.load_new_instance with {name}": _loading({name: value}) for name, value in LOAD.items()},
    **{
        f"llm.load_new_instance with gpu {split}": _loading({"gpu": {"splitStrategy": split, "ratio": "off"}})
        for split in ("evenly", "favorMainGpu")
    },
    "llm.load_new_instance with gpu ratio": _loading({"gpu": {"ratio": "max"}}),
    "llm.load_new_instance": lambda sdk, client: client.llm.load_new_instance(KEY).identifier,
    "llm.load_new_instance, named": lambda sdk, client: client.llm.load_new_instance(KEY, "second", ttl=9).identifier,
    "llm.load_new_instance with LlmLoadModelConfig": load_config_class,
    "llm.list_loaded": lambda sdk, client: [one.identifier for one in client.llm.list_loaded()],
    "llm.list_downloaded": lambda sdk, client: [one.model_key for one in client.llm.list_downloaded()],
    "llm.unload": lambda sdk, client: client.llm.unload(KEY),
    "llm.get_model_info": lambda sdk, client: client.llm.get_model_info(KEY).display_name,
    "model.get_info": lambda sdk, client: client.llm.model().get_info().path,
    "model.get_load_config": lambda sdk, client: client.llm.model().get_load_config().context_length,
    "model.get_context_length": lambda sdk, client: client.llm.model().get_context_length(),
    "model.tokenize": lambda sdk, client: client.llm.model().tokenize("a"),
    "model.tokenize, several": lambda sdk, client: client.llm.model().tokenize(["a", "b"]),
    "model.count_tokens": lambda sdk, client: client.llm.model().count_tokens("a"),
    "model.apply_prompt_template": lambda sdk, client: client.llm.model().apply_prompt_template("hi"),
    "model.apply_prompt_template with options": lambda sdk, client: client.llm.model().apply_prompt_template(
        "hi", {"omitBosToken": True, "omitEosToken": True}
    ),
    "model.unload": lambda sdk, client: client.llm.model().unload(),
    "embedding.model": lambda sdk, client: client.embedding.model().identifier,
    "embedding.load_new_instance": lambda sdk, client: client.embedding.load_new_instance(EMBEDDER, "other").identifier,
    "embedding.load_new_instance with options": lambda sdk, client: (
        client.embedding.load_new_instance(EMBEDDER, config=EMBEDDING_LOAD).identifier
    ),
    "embedding.list_loaded": lambda sdk, client: [one.identifier for one in client.embedding.list_loaded()],
    "embedding.list_downloaded": lambda sdk, client: [one.model_key for one in client.embedding.list_downloaded()],
    "embed": lambda sdk, client: client.embedding.model().embed("a"),
    "embed, several": lambda sdk, client: client.embedding.model().embed(["a", "b"]),
    "embedding tokenize": lambda sdk, client: client.embedding.model().tokenize("a"),
    "embedding count_tokens": lambda sdk, client: client.embedding.model().count_tokens("a"),
    "embedding get_context_length": lambda sdk, client: client.embedding.model().get_context_length(),
    "list_downloaded_models": lambda sdk, client: [one.path for one in client.list_downloaded_models()],
    "list_downloaded_models of a kind": lambda sdk, client: len(client.list_downloaded_models("embedding")),
    "list_loaded_models": lambda sdk, client: [one.identifier for one in client.list_loaded_models()],
    "list_loaded_models of a kind": lambda sdk, client: [one.identifier for one in client.list_loaded_models("llm")],
    "a listed model": lambda sdk, client: client.list_downloaded_models("llm")[0].model(ttl=5).identifier,
    "a listed model, another instance": lambda sdk, client: (
        client.list_downloaded_models("llm")[0].load_new_instance(instance_identifier="second").identifier
    ),
    "prepare_image of bytes": lambda sdk, client: client.prepare_image(PNG, "dot.png").identifier,
    "prepare_image of bytes without a name": lambda sdk, client: client.prepare_image(PNG).identifier,
    "search_models": lambda sdk, client: len(client.repository.search_models("tiny")),
    "search_models with options": lambda sdk, client: len(
        client.repository.search_models("tiny", limit=3, compatibility_types=["gguf", "safetensors"])
    ),
    "download": downloading,
}
