"""Where things are kept, and for whose eyes."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from lmchat.app import paths
from lmchat.values.errors import SettingsError


def test_two_variables_move_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LMCHAT_DATA_DIR", str(tmp_path / "d"))
    monkeypatch.setenv("LMCHAT_CONFIG_DIR", str(tmp_path / "c"))
    assert paths.config_file() == tmp_path / "c" / "config.toml"
    assert paths.store_file().parent == paths.models_dir().parent == paths.log_dir().parent == tmp_path / "d"


def test_looking_for_the_settings_makes_nothing(tmp_path: Path) -> None:
    paths.config_file()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps folders private by other means")
def test_folders_are_for_their_owner_only() -> None:
    old = os.umask(0)
    try:
        assert {folder.stat().st_mode & 0o777 for folder in (paths.data_dir(), paths.log_dir())} == {0o700}
    finally:
        os.umask(old)


def test_a_folder_that_cannot_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("LMCHAT_DATA_DIR", str(tmp_path / "file" / "data"))
    with pytest.raises(SettingsError, match="LMCHAT_DATA_DIR") as caught:
        paths.store_file()
    assert str(tmp_path / "file" / "data") in str(caught.value)
