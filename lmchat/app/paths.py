"""Where lmchat keeps its things. Directories are made when they are asked for, readable by their owner only."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

from lmchat.values.errors import SettingsError

_NAME = "lmchat"


def config_file() -> Path:
    """The settings file; it need not exist. `LMCHAT_CONFIG_DIR` moves its folder."""
    folder = os.environ.get("LMCHAT_CONFIG_DIR") or platformdirs.user_config_dir(_NAME, appauthor=False)
    return Path(folder) / "config.toml"


def data_dir() -> Path:
    """The folder of everything that is kept. `LMCHAT_DATA_DIR` moves it."""
    return _private(Path(os.environ.get("LMCHAT_DATA_DIR") or platformdirs.user_data_dir(_NAME, appauthor=False)))


def store_file() -> Path:
    """The conversations."""
    return data_dir() / "lmchat.db"


def models_dir() -> Path:
    """The models that lmchat's own engine has."""
    return _private(data_dir() / "models")


def log_dir() -> Path:
    """What the engine and its workers write about themselves."""
    return _private(data_dir() / "logs")


def _private(folder: Path) -> Path:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as wrong:
        raise SettingsError(
            f"The folder {folder} cannot be made: {wrong.strerror or wrong}. "
            "Make it writable, or point LMCHAT_DATA_DIR at another."
        ) from wrong
    return folder
