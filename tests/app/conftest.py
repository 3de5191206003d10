"""What tests of the program's middle share: models of its own, and no server but those that a test starts."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from lmchat.app import paths
from lmchat.client import discovery


@pytest.fixture
def own_model(packaged_model: Path) -> Path:
    """The packaged model where lmchat looks for it, so that nothing is fetched."""
    place = paths.models_dir().joinpath(*packaged_model.parts[-3:])
    place.parent.mkdir(parents=True)
    try:
        os.link(packaged_model, place)
    except OSError:
        shutil.copyfile(packaged_model, place)
    return place


@pytest.fixture
def local_ports(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The ports on which an LM Studio of this machine is looked for: none, until a test adds one."""
    ports: list[int] = []
    monkeypatch.setattr(discovery, "API_PORTS", ports)
    return ports


@pytest.fixture
def no_process_left() -> Iterator[None]:
    """A test ends as it began, as far as processes go."""
    before = set(psutil.Process().children(recursive=True))
    yield
    _, alive = psutil.wait_procs(set(psutil.Process().children(recursive=True)) - before, timeout=3)
    assert alive == []


def engines() -> list[psutil.Process]:
    """The engines that run under this process; tests of other folders may have left some for those that come."""
    children: list[psutil.Process] = psutil.Process().children()
    return [child for child in children if "lmchat.engine" in child.cmdline()]
