"""What tests of the commands share: lmchat run in this process, and stores with conversations in them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TypeAlias

import pytest

from lmchat import cli
from lmchat.app import paths
from lmchat.store.store import Store
from lmchat.values.history import ConversationDocument, ConversationSummary

HOSTILE = "\x1b]52;c;ZXZpbA==\x07\x1b[2J\u202edrow\x9b31m\ttab\nline \udc80"
ACTING = {"\x1b", "\x07", "\u202e", "\x9b"}


@dataclass(frozen=True)
class Done:
    """What a run left behind."""

    code: object
    data: bytes
    err: str

    @property
    def out(self) -> str:
        """Standard output as text."""
        return self.data.decode()

    @property
    def lines(self) -> list[list[str]]:
        """The fields of each line."""
        return [line.split("\t") for line in self.out.removesuffix("\n").split("\n") if line]


Run: TypeAlias = Callable[..., Done]


@pytest.fixture
def chats(capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run `lmchat chats` with these arguments, its output in a pipe."""

    def run(*arguments: object) -> Done:
        monkeypatch.setattr(sys, "argv", ["lmchat", "chats", *map(str, arguments)])
        capfdbinary.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main()
        data, err = capfdbinary.readouterr()
        assert b"Traceback" not in err
        assert b"fault of lmchat's own" not in err
        return Done(ended.value.code, data, err.decode())

    return run


@contextmanager
def opened_store() -> Iterator[Store]:
    """The store of the test, as another program has it open."""
    with closing(Store.open(paths.store_file())) as store:
        yield store


def put(*documents: ConversationDocument) -> list[ConversationSummary]:
    """Put conversations into the store."""
    with opened_store() as store:
        return [store.import_conversation(document) for document in documents]


def titles() -> set[str]:
    """The titles of the conversations that are listed."""
    with opened_store() as store:
        return {each.title for each in store.conversations()}
