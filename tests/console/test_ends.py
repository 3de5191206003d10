"""The commands on a real terminal, and how they end when somebody leaves, interrupts, or has no room."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sys
from contextlib import closing
from pathlib import Path

import pytest
from msgspec.structs import replace

from lmchat.exchange import Format, write
from lmchat.store.store import Store
from tests.console.conftest import ACTING, HOSTILE, opened_store, put, titles
from tests.exchange.documents import FULL, document, message
from tests.test_cli import end, lmchat, posix_only, start

if sys.platform != "win32":
    from tests.terminal import ENTER, Terminal

_BOLD = re.compile("\x1b\\[1m(.*?)\x1b\\[22m")
CTRL_C, CTRL_D = "\x03", "\x04"


def drawn(*arguments: str, columns: int = 80) -> tuple[int, str]:
    """The exit code, and all that a terminal got."""
    with Terminal("chats", *arguments, columns=columns) as terminal:
        code = terminal.wait_for_end()
        return code, bytes(terminal.output).decode().replace("\r\n", "\n")


# Terminals


@posix_only
@pytest.mark.parametrize("columns", [40, 80, 200])
def test_a_table_fits_the_terminal(columns: int) -> None:
    put(
        document(message(1, "user", "x"), title="A long title, as it is written by people who type a lot " * 4),
        document(message(1, "user", "x"), title="とても長いタイトル" * 20),
        document(message(1, "user", "x"), title="short"),
    )
    code, screen = drawn("list", columns=columns)
    assert code == 0
    with Terminal("chats", columns=columns) as terminal:
        terminal.wait_for_end()
        rows = [row for row in terminal.text.split("\n") if row]
    assert len(rows) == 4
    assert rows[0].split() == ["ID", "Last", "message", "Messages", "Title"]
    assert [row.split()[0] for row in rows[1:]] == ["3", "2", "1"]
    assert len({row.index("2023-") for row in rows[1:]}) == 1
    assert all("#one" in row for row in rows[1:]) or columns == 40
    assert "…" in rows[2]
    assert "\t" not in screen


@posix_only
@pytest.mark.parametrize(
    "arguments",
    [
        ("list",),
        ("list", "--json"),
        ("search", "findme"),
        ("search", "findme", "--json"),
        ("show", "1"),
        ("show", "1", "--tree"),
        ("show", "1", "--json"),
        ("export", "1"),
        ("export", "1", "--format", "html"),
        ("delete", "--undo", "1"),
    ],
)
def test_a_terminal_gets_nothing_that_acts(arguments: tuple[str, ...]) -> None:
    answer = message(2, "assistant", f"findme {HOSTILE}", parent=1, error=HOSTILE)
    put(replace(document(message(1, "user", f"findme {HOSTILE}"), answer, title=f"findme {HOSTILE}"), tags=(HOSTILE,)))
    code, screen = drawn(*arguments)
    assert code == 0
    assert ACTING.isdisjoint(_BOLD.sub(r"\1", screen))
    assert "52;c;" in screen


@posix_only
def test_what_was_looked_for_stands_out() -> None:
    put(document(message(1, "user", "a word " * 30 + "then needle in hay"), title="Hay"))
    code, screen = drawn("search", "needle")
    assert code == 0
    assert _BOLD.findall(screen) == ["needle"]
    assert len(screen.splitlines()) == 2


@posix_only
def test_a_conversation_to_be_read() -> None:
    put(FULL)
    code, screen = drawn("show", "1")
    assert code == 0
    assert "lmchat text" not in screen
    for words in ("A title", "Weather?", "> I had better ask.", "Tool call: weather", "It is **clear**.", "Thanks."):
        assert words in screen
    assert "Cannot say." not in screen
    assert "2 messages in other versions" in screen


@posix_only
def test_a_terminal_is_not_flooded() -> None:
    put(*(document(message(1, "user", "x"), title=f"title {number}") for number in range(35)))
    _, screen = drawn("list")
    assert screen.count("title ") == 30
    assert "newest 30" in screen
    _, screen = drawn("list", "--limit", "33")
    assert screen.count("title ") == 33
    _, screen = drawn("list", "--json")
    assert screen.count("title ") == 35


@posix_only
@pytest.mark.parametrize(("answer", "code", "left"), [("y", 0, set()), ("n", 1, {"one"}), ("", 1, {"one"})])
def test_it_asks_before_it_deletes(answer: str, code: int, left: set[str]) -> None:
    put(document(message(1, "user", "x"), title="one"))
    with Terminal("chats", "delete", "1") as terminal:
        terminal.wait_for("Delete 1 conversation? [y/N]:")
        terminal.type(answer + ENTER)
        assert terminal.wait_for_end() == code
        assert "one" in terminal.text
    assert titles() == left


@posix_only
@pytest.mark.parametrize("key", [CTRL_C, CTRL_D])
def test_leaving_the_question_deletes_nothing(key: str) -> None:
    put(document(message(1, "user", "x"), title="one"))
    with Terminal("chats", "delete", "--purge", "1") as terminal:
        # The space comes last, when it is being waited for an answer.
        terminal.wait_for(lambda _: terminal.output.endswith(b"Remove for good 1 conversation? [y/N]: "))
        terminal.type(key)
        assert terminal.wait_for_end() == 130
        assert "Traceback" not in terminal.text
    assert titles() == {"one"}


# Ends


@posix_only
@pytest.mark.parametrize(
    "arguments", [("list",), ("list", "--json"), ("search", "x"), ("export", "--all", "--format", "json")]
)
async def test_a_reader_that_has_had_enough(arguments: tuple[str, ...]) -> None:
    put(*(document(message(1, "user", "x" * 2000), title=f"x {number} {'y' * 1000}") for number in range(300)))
    process = await start("chats", *arguments)
    assert process.stdout is not None
    await process.stdout.read(1)
    process.stdout._transport.close()  # type: ignore[attr-defined]  # there is no public way to close this end
    done = await end(process)
    assert (done.code, done.err) == (0, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is always full")
@pytest.mark.parametrize("arguments", [("list",), ("search", "x"), ("show", "1"), ("export", "1"), ("path",)])
async def test_an_output_that_is_full(arguments: tuple[str, ...]) -> None:
    put(document(message(1, "user", "x"), title="x"))
    full = os.open("/dev/full", os.O_WRONLY)
    try:
        done = await end(await start("chats", *arguments, stdout=full))
    finally:
        os.close(full)
    assert done.code == 1
    assert done.err.startswith("lmchat: Nothing more can be written to standard output")
    assert len(done.err.splitlines()) == 1


@posix_only
async def test_ctrl_c_keeps_what_came_in(tmp_path: Path) -> None:
    path = tmp_path / "many.json"
    documents = [document(message(1, "user", "x"), title=str(number)) for number in range(3000)]
    path.write_bytes(write(documents, Format.JSON))
    process = await start("chats", "import", "--again", str(path))
    assert process.stderr is not None
    assert b"many.json: 1 of 3,000" in await process.stderr.readline()
    await asyncio.sleep(0.1)
    process.send_signal(signal.SIGINT)
    done = await end(process)
    assert (done.code, done.out) == (130, "")
    assert done.err == "Stopped. What has come in until now is kept.\n"
    with opened_store() as store:
        assert 0 < len(store.conversations(limit=5000)) < 3000


@posix_only
async def test_a_disk_that_is_full(tmp_path: Path) -> None:
    put(document(message(1, "user", "x" * 3_000_000), title="large"))
    folder = tmp_path / "out"
    folder.mkdir()
    for command in (f"export 1 -o {folder}/a.md", f"export --all -o {folder}", f"backup {folder}/b.db"):
        program = f"trap '' XFSZ; ulimit -f 200; exec {sys.executable} -m lmchat chats {command}"
        process = await asyncio.create_subprocess_exec(
            "bash", "-c", program, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        done = await end(process)
        assert (done.code, done.out) == (1, "")
        assert 1 <= len(done.err.splitlines()) <= 2
        assert list(folder.iterdir()) == []


async def test_a_store_that_was_damaged_is_told_of() -> None:
    put(FULL)
    from lmchat.app import paths

    paths.store_file().write_bytes(b"this was a database once " * 1000)
    done = await lmchat("chats", "list")
    assert (done.code, done.out) == (0, "")
    assert "was damaged" in done.err


@posix_only
async def test_streams_that_are_not_there() -> None:
    put(FULL)
    for closed in ("<&-", ">&-", "2>&-", "<&- >&- 2>&-"):
        program = f"exec {sys.executable} -m lmchat chats list {closed}"
        process = await asyncio.create_subprocess_exec(
            "bash", "-c", program, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        done = await end(process)
        assert (done.code, done.err) == (0, "")


async def test_a_backup_of_a_store_in_use_has_all_of_one_moment(tmp_path: Path) -> None:
    put(FULL)
    with opened_store() as store:
        made = await lmchat("chats", "backup", str(tmp_path / "b.db"))
        store.create_conversation("later")
    assert (made.code, made.out) == (0, f"{tmp_path / 'b.db'}\n")
    with closing(Store.open(tmp_path / "b.db")) as copy:
        assert [each.title for each in copy.conversations()] == ["A title"]


async def test_an_unreadable_terminal_encoding(monkeypatch: pytest.MonkeyPatch) -> None:
    put(document(message(1, "user", "x"), title="Žluťoučký 🐎"))
    monkeypatch.setenv("PYTHONIOENCODING", "ascii:strict")
    done = await lmchat("chats", "list")
    assert (done.code, "Žluťoučký 🐎" in done.out) == (0, True)
    assert json.loads((await lmchat("chats", "list", "--json")).out)["title"] == "Žluťoučký 🐎"
