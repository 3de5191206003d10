"""All that the server offers, namespace by namespace."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from lmchat.engine.handlers.diagnostics import DiagnosticsEndpoints
from lmchat.engine.handlers.embedding import EmbeddingEndpoints
from lmchat.engine.handlers.extensions import plugin_endpoints, runtime_endpoints
from lmchat.engine.handlers.files import FileEndpoints
from lmchat.engine.handlers.llm import LlmEndpoints
from lmchat.engine.handlers.loading import LoadEndpoints
from lmchat.engine.handlers.lookup import ModelLookup
from lmchat.engine.handlers.model import ModelEndpoints
from lmchat.engine.handlers.repository import RepositoryEndpoints
from lmchat.engine.handlers.system import SystemEndpoints
from lmchat.engine.logstream import LogStream
from lmchat.engine.models.catalog import Catalog
from lmchat.engine.models.instances import Instances
from lmchat.engine.models.preload import Preload
from lmchat.engine.serving.endpoints import Endpoints
from lmchat.engine.uploads import Uploads
from lmchat.protocol.discovery import NAMESPACES
from lmchat.protocol.kvconfig import read_embedding_load, read_load
from lmchat.values.model import EmbeddingModelInfo, LlmInfo


def all_namespaces(
    models_folder: Path,
    catalog: Catalog,
    instances: Instances,
    preload: Preload,
    uploads: Uploads,
    logs: LogStream,
) -> Mapping[str, Endpoints]:
    """The endpoints of each namespace."""
    llms = ModelLookup(LlmInfo, catalog, instances, preload)
    embedders = ModelLookup(EmbeddingModelInfo, catalog, instances, preload)
    llm = LlmEndpoints(llms, uploads, logs)
    served = {
        "llm": Endpoints(
            {**ModelEndpoints(llms, instances, read_load).calls(), **llm.calls()},
            {**LoadEndpoints(llms, instances, read_load).channels(), **llm.channels()},
        ),
        "embedding": Endpoints(
            {
                **ModelEndpoints(embedders, instances, read_embedding_load).calls(),
                **EmbeddingEndpoints(embedders).calls(),
            },
            LoadEndpoints(embedders, instances, read_embedding_load).channels(),
        ),
        "system": SystemEndpoints(catalog).table(),
        "files": FileEndpoints(uploads).table(),
        "diagnostics": DiagnosticsEndpoints(logs).table(),
        "runtime": runtime_endpoints(),
        "plugins": plugin_endpoints(),
        "repository": RepositoryEndpoints(models_folder, catalog).table(),
    }
    assert served.keys() == set(NAMESPACES)
    return served
