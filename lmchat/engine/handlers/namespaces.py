"""All that the server offers, namespace by namespace."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from lmchat.engine.handlers.model import ModelEndpoints
from lmchat.engine.handlers.repository import RepositoryEndpoints
from lmchat.engine.handlers.system import SystemEndpoints
from lmchat.engine.models.catalog import Catalog
from lmchat.engine.models.instances import Instances
from lmchat.engine.models.preload import Preload
from lmchat.engine.serving.endpoints import Endpoints
from lmchat.protocol.discovery import NAMESPACES
from lmchat.values.model import EmbeddingModelInfo, LlmInfo


def all_namespaces(
    models_folder: Path, catalog: Catalog, instances: Instances, preload: Preload
) -> Mapping[str, Endpoints]:
    """The endpoints of each namespace; one without any accepts clients, and knows nothing that they ask."""
    models = {kind: ModelEndpoints(kind, catalog, instances, preload) for kind in (LlmInfo, EmbeddingModelInfo)}
    served = {
        "llm": models[LlmInfo].llm(),
        "embedding": models[EmbeddingModelInfo].embedding(),
        "system": SystemEndpoints(catalog).table(),
        "repository": RepositoryEndpoints(models_folder).table(),
    }
    return {name: served.get(name, Endpoints()) for name in NAMESPACES}
