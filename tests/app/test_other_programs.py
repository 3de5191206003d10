"""Where other programs keep their models."""

from __future__ import annotations

from pathlib import Path

import pytest

from lmchat.app.other_programs import lm_studio_home, model_folders


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with nothing in it."""
    for name in ("HF_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    return tmp_path


def test_usual_places(home: Path) -> None:
    assert model_folders() == (home / ".lmstudio" / "models", home / ".cache" / "huggingface" / "hub")


def test_an_older_lm_studio_and_one_that_was_moved(home: Path) -> None:
    (home / ".cache" / "lm-studio").mkdir(parents=True)
    assert lm_studio_home() == home / ".cache" / "lm-studio"
    (home / ".lmstudio-home-pointer").write_text(f"{home / 'big disk'}\n")
    assert lm_studio_home() == home / "big disk"


@pytest.mark.parametrize(
    ("variables", "place"),
    [
        ({"HF_HUB_CACHE": "c", "HF_HOME": "h", "XDG_CACHE_HOME": "x"}, "c"),
        ({"HF_HOME": "h", "XDG_CACHE_HOME": "x"}, "h/hub"),
        ({"XDG_CACHE_HOME": "x"}, "x/huggingface/hub"),
    ],
)
def test_a_cache_that_was_moved(variables: dict[str, str], place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert model_folders()[1] == Path(place)
