"""The `runtime` and `plugins` namespaces. There is one runtime, and plugins are accepted and never called."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Coroutine
from typing import Any, Final

from lmchat.engine.faults import RequestError
from lmchat.engine.serving.channel import ServerChannel
from lmchat.engine.serving.endpoints import Endpoint, Endpoints
from lmchat.protocol.engine_endpoints import Ready, superjson_map
from lmchat.protocol.errors import failure

_FIXED_RUNTIME: Final = "The runtime of this server is a part of it, and cannot be changed"
_NO_SURVEY: Final = "This server does not survey hardware"
_NO_PLUGINS: Final = "This server does not run plugins"


def runtime_endpoints() -> Endpoints:
    """What can be asked about runtimes: there are none to choose from."""
    calls = {
        "listEngines": Endpoint(None, _nothing_to_list),
        "searchRuntimeExtensions": Endpoint(Any, _nothing_found),
        "getEngineSelections": Endpoint(None, _selections),
        "selectEngine": Endpoint(Any, refuse_call(_FIXED_RUNTIME)),
        "removeEngine": Endpoint(Any, refuse_call(_FIXED_RUNTIME)),
        "surveyHardware": Endpoint(Any, refuse_call(_NO_SURVEY)),
    }
    return Endpoints(calls, {"downloadRuntimeExtension": Endpoint(Any, refuse_channel(_FIXED_RUNTIME))})


def plugin_endpoints() -> Endpoints:
    """What plugin processes tell a server, which is taken note of, and what clients want from plugins."""
    told = ("setConfigSchematics", "setGlobalConfigSchematics", "pluginInitCompleted", "reportError")
    calls = {name: Endpoint(Any, _accept) for name in (*told, "reindexPlugins")}
    hooks = ("setPromptPreprocessor", "setToolsProvider", "setGenerator", "setPredictionLoopHandler")
    channels = {name: Endpoint(Any, _stay_open) for name in hooks}
    wanted = {
        name: Endpoint(Any, refuse_channel(_NO_PLUGINS)) for name in ("startToolUseSession", "generateWithGenerator")
    }
    return Endpoints(calls, {**channels, **wanted, "registerDevelopmentPlugin": Endpoint(Any, _register)})


def refuse_call(reason: str) -> Callable[[Any], Coroutine[Any, Any, None]]:
    """A handler that says why there is no answer."""

    async def refuse(_: Any) -> None:
        raise RequestError(failure(reason))

    return refuse


def refuse_channel(reason: str) -> Callable[[Any, ServerChannel], Coroutine[Any, Any, None]]:
    """A handler that says why the channel ends at once."""

    async def refuse(_: Any, __: ServerChannel) -> None:
        raise RequestError(failure(reason))

    return refuse


async def _nothing_to_list() -> list[Any]:
    return []


async def _nothing_found(_: Any) -> list[Any]:
    return []


async def _selections() -> dict[str, Any]:
    return superjson_map({})


async def _accept(_: Any) -> None:
    return


async def _stay_open(_: Any, channel: ServerChannel) -> None:
    """Until the plugin goes: nothing here ever asks it for anything."""
    await channel.stopped()


async def _register(_: Any, channel: ServerChannel) -> None:
    await channel.send(Ready(client_identifier=f"plugin-{secrets.token_hex(8)}", client_passkey=secrets.token_hex(16)))
    await channel.stopped()
