"""A real engine process with the real model, shared by all tests that leave it as it was."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import msgspec
import pytest

from lmchat.client.lmstudio import LMStudioBackend
from lmchat.engine.models.packaged import packaged_model_path
from lmchat.protocol.child_process import EngineOptions
from tests.engine.engines import CONTEXT, EngineProcess, client_of, place_model, running_engine


@pytest.fixture(scope="session")
def models_folder(packaged_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A models folder as it is when the packaged model has been fetched."""
    folder = tmp_path_factory.mktemp("models")
    place_model(packaged_model, packaged_model_path(folder))
    return folder


@pytest.fixture(scope="session")
def engine_options(models_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> EngineOptions:
    """Those of an engine on any port, without a model loaded."""
    logs = tmp_path_factory.mktemp("logs")
    return EngineOptions(models_folder=str(models_folder), logs_folder=str(logs), port=0, context_length=CONTEXT)


@pytest.fixture(scope="session")
def engine(engine_options: EngineOptions) -> Iterator[EngineProcess]:
    """An engine with the packaged model loaded under its key."""
    with running_engine(msgspec.structs.replace(engine_options, preload=True)) as engine:
        yield engine


@pytest.fixture
async def backend(engine: EngineProcess) -> AsyncIterator[LMStudioBackend]:
    """A client of the shared engine."""
    async with client_of(engine) as backend:
        yield backend
