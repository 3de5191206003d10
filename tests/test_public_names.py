"""The names of `import lmchat as lms`: complete, the same for programs and type checkers, each of them real."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import pytest

import lmchat


def test_the_stub_lists_the_same_names() -> None:
    stub = Path(lmchat.__file__).with_name("__init__.pyi")
    tree = ast.parse(stub.read_text(encoding="utf-8"))
    listed = {alias.asname for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert listed == set(dir(lmchat))


@pytest.mark.parametrize("name", dir(lmchat))
def test_a_name_is_what_its_home_has(name: str) -> None:
    assert getattr(lmchat, name) is not None


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'lm'"):
        _ = lmchat.lm  # type: ignore[attr-defined]  # that it does not exist is the point


def test_the_names_of_the_official_sdk_for_conversations_are_here() -> None:
    official = {
        "llm",
        "Chat",
        "Client",
        "AsyncClient",
        "LLM",
        "PredictionStream",
        "LMStudioError",
        "configure_default_client",
    }
    assert official <= set(dir(lmchat))


@pytest.mark.parametrize("name", dir(lmchat))
def test_what_is_public_says_what_it_is(name: str) -> None:
    found = getattr(lmchat, name)
    if not inspect.isclass(found) and not inspect.isfunction(found):
        return
    assert inspect.cleandoc(found.__doc__ or "")
    own = (member for key, member in vars(found).items() if not key.startswith("_")) if inspect.isclass(found) else ()
    silent = [each for each in own if inspect.isfunction(each) and not inspect.getdoc(each)]
    assert silent == []
