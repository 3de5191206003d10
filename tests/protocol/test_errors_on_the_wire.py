from __future__ import annotations

from typing import Any

import msgspec
import pytest

from lmchat.protocol.errors import SerializedError, exception, failure, model_not_found, path_not_found
from lmchat.values.errors import LMStudioModelNotFoundError, LMStudioPresetNotFoundError, LMStudioServerError


def test_codes_become_exceptions() -> None:
    missing = exception(model_not_found({"identifier": "x"}, ["a", "b"]), "RPC error")
    assert type(missing) is LMStudioModelNotFoundError
    assert "Loaded: a, b." in str(missing)
    nowhere = exception(path_not_found("x", ["a"]), "Model get/load error")
    assert type(nowhere) is LMStudioModelNotFoundError
    assert str(nowhere).startswith("Model get/load error: ")
    preset = exception(SerializedError(title="t", display_data={"code": "generic.presetNotFound"}), "x")
    assert type(preset) is LMStudioPresetNotFoundError


def test_the_text_has_title_cause_and_suggestion() -> None:
    text = str(exception(failure("It broke", cause="the cause", suggestion="do this"), "RPC error"))
    assert text == "RPC error: It broke\nthe cause\ndo this"


@pytest.mark.parametrize(
    "raw",
    [
        {},
        {"title": 3, "cause": [], "suggestion": {}, "displayData": 1},
        {"displayData": {"code": ["x"]}},
        {"stack": "s"},
    ],
)
def test_odd_errors_are_still_errors(raw: dict[str, Any]) -> None:
    error = exception(msgspec.convert(raw, SerializedError), "RPC error")
    assert type(error) is LMStudioServerError
    assert str(error) == "RPC error: Unknown error"


def test_the_total_is_told_and_the_sample_is_short() -> None:
    display = model_not_found({}, [str(n) for n in range(9)]).display_data
    assert (len(display["loadedModelsSample"]), display["totalLoadedModels"]) == (5, 9)
