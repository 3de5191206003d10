"""Where other programs keep their conversations and models on this machine. They are only read.

Sources: LM Studio's documentation, and huggingface_hub's on the environment variables that move its cache.
"""

from __future__ import annotations

import os
from pathlib import Path


def lm_studio_home() -> Path:
    """LM Studio's folder: the one that its pointer file names, else an old or the present usual one."""
    user = Path.home()
    try:
        named = (user / ".lmstudio-home-pointer").read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        named = ""
    if named:
        return Path(named)
    old = user / ".cache" / "lm-studio"
    return old if old.is_dir() else user / ".lmstudio"


def model_folders() -> tuple[Path, ...]:
    """The folders of models that LM Studio and Hugging Face's programs have fetched; they need not exist."""
    return (lm_studio_home() / "models", _hugging_face_cache())


def _hugging_face_cache() -> Path:
    if named := os.environ.get("HF_HUB_CACHE"):
        return Path(named).expanduser()
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(os.environ.get("HF_HOME") or caches / "huggingface").expanduser() / "hub"
