"""The command line as a shell sees it: standard output, standard error and exit code, for good input and for bad."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import struct
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from lmchat.app import paths
from lmchat.protocol import child_process
from lmchat.protocol.errors import failure
from lmchat.store.store import Store
from lmchat.values.history import MessageRecord
from tests.app.talks import until
from tests.scripted_server import INSTANCE, STATS, Scene, fragment, scripted_server, success
from tests.signals import hears_ctrl_c

HOSTILE = "\x1b]52;c;ZXZpbA==\x07\x1b[2J\u202edrow\x9b31m"
_ACTING = {"\x1b", "\x07", "\u202e", "\x9b"}

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="Windows has neither these signals nor these terminals")


@dataclass(frozen=True)
class Done:
    """What a run left behind."""

    code: int
    out: str
    err: str

    @property
    def last_line(self) -> str:
        return self.err.rstrip("\n").rpartition("\n")[2]


async def start(*arguments: str, stdin: int = DEVNULL, stdout: int = PIPE, stderr: int = PIPE) -> Process:
    """Start lmchat."""
    return await asyncio.create_subprocess_exec(
        *child_process.command("tests.other_ports"),
        *arguments,
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        env=child_process.environment(),
        **hears_ctrl_c(),
    )


async def end(process: Process, given: bytes | None = None) -> Done:
    """Wait for its end, not forever; no run of it may show a traceback."""
    try:
        async with asyncio.timeout(30):
            out, err = await process.communicate(given)
    except TimeoutError:
        process.kill()
        raise
    assert process.returncode is not None
    done = Done(process.returncode, (out or b"").decode(), (err or b"").decode())
    assert "Traceback" not in done.err
    return done


async def lmchat(*arguments: str, given: bytes | None = None) -> Done:
    """Run lmchat with nothing on standard input, or with what is given."""
    return await end(await start(*arguments, stdin=DEVNULL if given is None else PIPE), given)


def kept() -> list[MessageRecord]:
    """The messages of the latest conversation."""
    with closing(Store.open(paths.store_file())) as store:
        latest = store.latest_conversation()
        return [] if latest is None else store.branch(latest.id)


def texts() -> list[str]:
    return [message.text for message in kept()]


async def hello(scene: Scene) -> None:
    await scene.say("Hello there you")


async def held(scene: Scene) -> None:
    await scene.say_until_cancelled("one two three")


def asked(scene: Scene) -> list[str]:
    """The texts of a request."""
    return ["".join(part["text"] for part in message["content"]) for message in scene.parameter["history"]["messages"]]


# Asking


async def test_the_answer_alone_is_on_standard_output() -> None:
    async with scripted_server(hello) as server:
        done = await lmchat("ask", "hi", "there", "--host", server.host)
    assert (done.code, done.out) == (0, "Hello there you\n")
    assert done.err.splitlines() == ["Looking for LM Studio …", f"Scripted Model on LM Studio at {server.host}"]
    assert asked(server.scenes[0]) == ["hi there"]
    assert texts() == ["hi there", "Hello there you"]


@pytest.mark.parametrize(
    ("arguments", "given", "question"),
    [
        ((), b"from a pipe\n", "from a pipe"),
        (("Summarise this",), b"line 1\nline 2\n", "Summarise this\n\nline 1\nline 2"),
        (("hi",), b"", "hi"),
        (("hi",), b"\xff\x00\r\n", "hi\n\n\ufffd\x00\n"),
    ],
)
async def test_standard_input_is_added(arguments: tuple[str, ...], given: bytes, question: str) -> None:
    async with scripted_server(hello) as server:
        done = await lmchat("ask", *arguments, "--host", server.host, given=given)
    assert done.code == 0
    assert asked(server.scenes[0]) == [question]


@pytest.mark.parametrize("given", [None, b"", b" \n\n"])
async def test_nothing_to_ask(given: bytes | None) -> None:
    done = await lmchat("ask", given=given)
    assert (done.code, done.out) == (2, "")
    assert "nothing to ask" in done.last_line


@posix_only
async def test_an_argument_that_is_not_utf_8() -> None:
    async with scripted_server(hello) as server:
        done = await lmchat("ask", os.fsdecode(b"caf\xe9"), "-s", os.fsdecode(b"\xff"), "--host", server.host)
    assert (done.code, done.out) == (0, "Hello there you\n")
    assert asked(server.scenes[0]) == ["\ufffd", "caf\ufffd"]


async def test_options_before_the_command_hold_for_it() -> None:
    async with scripted_server(hello) as server:
        before = ("--host", server.host, "-s", "Brief.", "--set", "seed=1", "--set", "temperature=1")
        done = await lmchat(*before, "ask", "hi", "--set", "temperature=0.5")
    assert done.code == 0
    assert asked(server.scenes[0]) == ["Brief.", "hi"]
    layers = server.scenes[0].parameter["predictionConfigStack"]["layers"]
    fields = {field["key"]: field["value"] for layer in layers for field in layer["config"]["fields"]}
    assert fields["llm.prediction.temperature"] == 0.5
    assert any("seed" in key for key in fields)


async def test_json_is_one_event_a_line() -> None:
    async def script(scene: Scene) -> None:
        await scene.send({"type": "promptProcessingProgress", "progress": 0.5}, fragment("hm", "reasoning"))
        await scene.send(fragment("4\n2"), success(**STATS))
        await scene.close()

    async with scripted_server(script) as server:
        done = await lmchat("ask", "hi", "--json", "--host", server.host)
    events = [json.loads(line) for line in done.out.splitlines()]
    assert done.code == 0
    assert events[0] == {"event": "started", "version": 1}
    assert events[1] == {"event": "prompt_progress", "progress": 0.5}
    assert events[2] == {"event": "fragment", "content": "hm", "tokens": 1, "reasoning": True}
    assert events[3] == {"event": "fragment", "content": "4\n2", "tokens": 1, "reasoning": False}
    last = events[4]
    assert (last["event"], last["text"], last["error"], last["model"]) == ("finished", "4\n2", None, "scripted-model")
    assert last["stats"]["stopReason"] == "eosFound"
    assert last["message"] == kept()[-1].id
    assert len(events) == 5


async def test_stats_are_on_standard_error() -> None:
    async with scripted_server(hello) as server:
        done = await lmchat("ask", "hi", "--stats", "--host", server.host)
    figures = dict(line.split(":", 1) for line in done.err.splitlines()[2:])
    assert done.out == "Hello there you\n"
    assert {name: value.strip() for name, value in figures.items()} == {
        "model": "Scripted Model",
        "server": f"LM Studio at {server.host}",
        "prompt tokens": "10",
        "predicted tokens": "3",
        "time to first token": "0.500 s",
        "tokens per second": "42.00",
        "stop reason": "eosFound",
    }


async def test_what_the_model_thought_is_not_part_of_the_answer() -> None:
    async def script(scene: Scene) -> None:
        await scene.send(fragment("<think>", "reasoningStartTag"), fragment("secret", "reasoning"))
        await scene.send(fragment("</think>", "reasoningEndTag"), fragment("42"), success(**STATS))
        await scene.close()

    async with scripted_server(script) as server:
        done = await lmchat("ask", "hi", "--host", server.host)
    assert done.out == "42\n"
    assert "secret" not in done.err
    assert kept()[-1].reasoning == "secret"


# Going on


async def test_continue_goes_on_with_the_last_conversation_and_resume_with_any() -> None:
    async with scripted_server(hello) as server:
        for arguments in (["one"], ["two"], ["-c", "three"], ["-r", "1", "four"]):
            assert (await lmchat("ask", *arguments, "--host", server.host)).code == 0
    assert asked(server.scenes[1]) == ["two"]
    assert asked(server.scenes[2]) == ["two", "Hello there you", "three"]
    assert asked(server.scenes[3]) == ["one", "Hello there you", "four"]


async def test_continue_without_a_conversation_begins_one() -> None:
    async with scripted_server(hello) as server:
        assert (await lmchat("ask", "-c", "hi", "--host", server.host)).code == 0
    assert texts() == ["hi", "Hello there you"]


@pytest.mark.parametrize("number", ["99", "-5", "99999999999999999999"])
async def test_a_conversation_that_does_not_exist(number: str) -> None:
    done = await lmchat("ask", "-r", number, "hi", "--host", "127.0.0.1:1")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("lmchat: There is no")
    assert kept() == []


# Usage


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("ask", "hi", "--host", "localhost"), "'localhost' is no address of a server. Give host:port"),
        (("ask", "hi", "--host", "ftp://x:1"), "is no address of a server"),
        (("ask", "hi", "--set", "temprature=1"), "Did you mean 'temperature'?"),
        (("ask", "hi", "--set", "temperature=hot"), "temperature"),
        (("ask", "hi", "--set", "temperature"), "Write name=value"),
        (("ask", "hi", "-r", "first"), "'first' is not a valid integer"),
        (("ask", "hi", "-c", "-r", "1"), "-c and -r name two conversations"),
        (("ask", "hi", "-c", "-s", "Be brief."), "-s is for new conversations"),
        (("ask", "hi", "--set", "maxTokens=0"), "max_tokens takes 1 or more"),
        (("ask", "hi", "--set", "temperature=-1"), "temperature takes 0 or more"),
        (("ask", "hi", "--nonsense"), "No such option"),
        (("--host", "x:1", "serve"), "Write --host after the word serve"),
        (("-s", "Be brief.", "serve"), "`lmchat serve` has no option --system"),
        (("serve", "--api-token", "secret"), "The API token does not have LM Studio's form"),
        (("serve", "-p", "99999"), "99999"),
        (("nonsense",), "No such command 'nonsense'"),
        ((), "The chat needs a terminal. In a pipe or a script, use `lmchat ask`."),
    ],
)
async def test_wrong_usage(arguments: tuple[str, ...], said: str) -> None:
    done = await lmchat(*arguments)
    assert (done.code, done.out) == (2, "")
    assert said in done.last_line
    assert not paths.data_dir().joinpath("lmchat.db").exists()


async def test_help_and_version_are_data() -> None:
    for arguments in (["--help"], ["ask", "-h"], ["--version"]):
        done = await lmchat(*arguments)
        assert (done.code, done.err) == (0, "")
        assert done.out


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ('model = "x"\nhost = \n', "host =", "line 2"),
        ("theme = 5\n", "theme = 5", "takes text in quotes"),
        ('\nmodle = "x"\n', 'modle = "x"', "did you mean 'model'"),
        ("[prediction]\ntemperature = 'hot'\n", "temperature = 'hot'", "line 2"),
    ],
)
async def test_a_broken_settings_file_is_shown_where_it_is_broken(text: str, line: str, reason: str) -> None:
    paths.config_file().parent.mkdir(parents=True)
    paths.config_file().write_text(text)
    done = await lmchat("ask", "hi")
    first, shown, advice = done.err.splitlines()
    assert done.code == 2
    assert first.startswith(f"lmchat: {paths.config_file()}, line ")
    assert reason in first
    assert shown.strip() == line
    assert advice == "Mend the line, or take it out."


# Servers


async def test_a_model_that_the_server_does_not_have() -> None:
    async with scripted_server(hello) as server:
        done = await lmchat("ask", "hi", "-m", "gpt-9", "--host", server.host)
    assert (done.code, done.out) == (3, "")
    assert "lmchat: Model get/load error: No loaded model fits" in done.err
    assert texts() == ["hi"]


async def test_a_server_without_a_loaded_model() -> None:
    async with scripted_server(hello) as server:
        server.loaded = []
        done = await lmchat("ask", "hi", "--host", server.host)
    assert done.code == 3
    assert done.last_line.endswith("It has: scripted-model. Load one there, or name one with -m.")


async def test_a_server_that_cannot_be_reached() -> None:
    async with scripted_server(hello) as server:
        host = server.host
    done = await lmchat("ask", "hi", "--host", host)
    assert (done.code, done.out) == (3, "")
    assert done.err.count("not reachable") == 1
    assert done.last_line.startswith(f"lmchat: LM Studio is not reachable at {host}.")
    assert texts() == ["hi"]


@asynccontextmanager
async def answers(reply: bytes | None) -> AsyncIterator[str]:
    """A server that says the same to everyone, or nothing at all; gives its address."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        if reply is None:
            await reader.read()
        else:
            writer.write(reply)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno", "is not LM Studio"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", "is not LM Studio"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "is not LM Studio"),
        (b"\x00\xff" * 50_000, "is not LM Studio"),
        (b"", "is not"),
        (None, "is not reachable"),
        (b'HTTP/1.1 200 OK\r\nContent-Length: 17\r\n\r\n{"lmstudio":true}', "is not reachable"),
    ],
    ids=["404", "200", "ssh", "garbage", "nothing", "silence", "greets but speaks no more"],
)
async def test_a_server_that_is_not_lm_studio(reply: bytes | None, said: str) -> None:
    async with answers(reply) as host:
        done = await lmchat("ask", "hi", "--host", host)
    assert (done.code, done.out) == (3, "")
    assert done.last_line.startswith("lmchat: ")
    assert said in done.last_line
    assert host in done.last_line
    assert texts() == ["hi"]


async def test_a_server_that_fails_in_the_middle() -> None:
    async def script(scene: Scene) -> None:
        await scene.send(fragment("half an "))
        await scene.fail(failure("The GPU fell over"))

    async with scripted_server(script) as server:
        done = await lmchat("ask", "hi", "--host", server.host)
        as_json = await lmchat("ask", "hi", "--host", server.host, "--json")
    assert (done.code, done.out) == (1, "half an \n")
    assert done.last_line == "lmchat: Chat response error: The GPU fell over"
    assert as_json.code == 1
    assert "The GPU fell over" in json.loads(as_json.out.splitlines()[-1])["error"]
    assert texts() == ["hi", "half an "]


async def test_a_connection_lost_in_the_middle() -> None:
    async def script(scene: Scene) -> None:
        await scene.send(fragment("half an "))
        await scene.drop()

    async with scripted_server(script) as server:
        done = await lmchat("ask", "hi", "--host", server.host)
    assert (done.code, done.out) == (1, "half an \n")
    assert f"The connection to {server.host} was lost" in done.last_line
    assert texts() == ["hi", "half an "]


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        ("stopStringFound", 0),
        ("somethingNew", 0),
        ("maxPredictedTokensReached", 4),
        ("contextLengthReached", 4),
        ("modelUnloaded", 1),
        ("failed", 1),
    ],
)
async def test_the_exit_code_tells_how_the_answer_ended(reason: str, code: int) -> None:
    async def script(scene: Scene) -> None:
        await scene.send(fragment("and so on"), success(reason, **STATS))
        await scene.close()

    async with scripted_server(script) as server:
        done = await lmchat("ask", "hi", "--host", server.host)
    assert (done.code, done.out) == (code, "and so on\n")
    assert done.last_line.startswith("lmchat: ") == (code == 1)


# Hostile text


async def hostile(scene: Scene) -> None:
    await scene.send(fragment(HOSTILE), success(**STATS) | {"modelInfo": {**INSTANCE, "displayName": HOSTILE}})
    await scene.close()


async def hostile_to_the_end(scene: Scene) -> None:
    await scene.send(fragment(HOSTILE), {"type": f"unheard-of {HOSTILE}"})
    await scene.fail(failure(HOSTILE, suggestion=HOSTILE))


async def test_a_pipe_gets_the_text_as_it_came() -> None:
    async with scripted_server(hostile) as server:
        server.loaded = [{**INSTANCE, "displayName": HOSTILE}]
        done = await lmchat("ask", "hi", "--stats", "--host", server.host)
        as_json = await lmchat("ask", "hi", "--json", "--host", server.host)
        server.script = hostile_to_the_end
        failed = await lmchat("ask", "hi", "--host", server.host)
    assert done.out == failed.out == f"{HOSTILE}\n"
    assert json.loads(as_json.out.splitlines()[1])["content"] == HOSTILE
    assert kept()[1].text == HOSTILE
    for run in (done, as_json, failed):
        assert _ACTING.isdisjoint(run.err)
    assert failed.code == 1


@posix_only
@pytest.mark.parametrize("option", ["--stats", "--json"])
async def test_a_terminal_gets_nothing_that_acts(option: str) -> None:
    async with scripted_server(hostile) as server:
        server.loaded = [{**INSTANCE, "displayName": HOSTILE}]
        answered = await on_terminal("ask", "hi", option, "--host", server.host)
        server.script = hostile_to_the_end
        failed = await on_terminal("ask", "hi", option, "--host", server.host)
    for screen in (answered, failed):
        # The one sequence of our own takes a line of narration away.
        assert _ACTING.isdisjoint(screen.replace("\r\x1b[K", ""))
        assert "⟨U+202E⟩drow⟨U+009B⟩31m" in screen
    assert "Chat response error" in failed


async def on_terminal(*arguments: str) -> str:
    """Run lmchat with a terminal for its output; gives what the terminal got."""
    ours, theirs = os.openpty()
    try:
        process = await start(*arguments, stdout=theirs, stderr=theirs)
    finally:
        os.close(theirs)
    screen = await asyncio.to_thread(read_all, ours)
    await end(process)
    return screen.decode()


def read_all(terminal: int) -> bytes:
    """All that comes to a terminal until nobody has it open any more."""
    pieces = []
    try:
        while piece := os.read(terminal, 65536):
            pieces.append(piece)
    except OSError:
        # Linux's way to say that it is over.
        pass
    finally:
        os.close(terminal)
    return b"".join(pieces)


# The store


async def test_a_damaged_store_is_kept_aside_and_the_answer_comes() -> None:
    paths.store_file().write_bytes(b"this was a database once, before the disk failed; now it is not " * 20)
    async with scripted_server(hello) as server:
        done = await lmchat("ask", "hi", "--host", server.host)
    (aside,) = paths.data_dir().glob("lmchat.db.corrupt-*")
    assert (done.code, done.out) == (0, "Hello there you\n")
    assert str(aside) in done.err
    assert aside.read_bytes().startswith(b"this was a database once")
    assert texts() == ["hi", "Hello there you"]


async def test_a_newer_store_is_refused_and_left_as_it_is() -> None:
    Store.open(paths.store_file()).close()
    with closing(sqlite3.connect(paths.store_file())) as db:
        db.execute("PRAGMA user_version = 1000000")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    before = paths.store_file().read_bytes()
    done = await lmchat("ask", "hi", "--host", "127.0.0.1:1")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("lmchat: The conversations were kept by a newer lmchat")
    assert len(done.err.splitlines()) <= 2
    assert paths.store_file().read_bytes() == before


async def test_a_data_folder_that_cannot_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("LMCHAT_DATA_DIR", str(tmp_path / "file" / "data"))
    done = await lmchat("ask", "hi", "--host", "127.0.0.1:1")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"lmchat: The folder {tmp_path / 'file' / 'data'} cannot be made")


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="this user may write everywhere")
async def test_a_data_folder_that_cannot_be_written() -> None:
    folder = paths.data_dir()
    folder.chmod(0o500)
    try:
        done = await lmchat("ask", "hi", "--host", "127.0.0.1:1")
    finally:
        folder.chmod(0o700)
    assert (done.code in (1, 2), done.out) == (True, "")
    assert "LMCHAT_DATA_DIR" in done.last_line


@posix_only
async def test_a_disk_that_fills_up_while_answering() -> None:
    async def script(scene: Scene) -> None:
        await scene.send(fragment("word " * 50_000))
        await scene.say("the end")

    async with scripted_server(script) as server:
        await lmchat("ask", "hi", "--host", "127.0.0.1:1")
        command = f"ulimit -f 200; exec {sys.executable} -m lmchat ask -c again --host {server.host}"
        process = await asyncio.create_subprocess_exec(
            "bash", "-c", command, stdin=DEVNULL, stdout=PIPE, stderr=PIPE, env=child_process.environment()
        )
        done = await end(process)
    assert done.code == 1
    assert done.out == "word " * 50_000 + "the end\n"
    assert done.last_line.startswith("lmchat: The disk")
    assert done.err.count("The disk") == 1
    assert texts()[:2] == ["hi", "again"]


# Ends


@posix_only
async def test_ctrl_c_keeps_what_came() -> None:
    async with scripted_server(held) as server:
        process = await start("ask", "hi", "--host", server.host)
        assert process.stdout is not None
        assert await process.stdout.readexactly(len("one two three ")) == b"one two three "
        process.send_signal(signal.SIGINT)
        done = await end(process)
        await asyncio.wait_for(server.scenes[0].cancelled.wait(), 5)
    assert (done.code, done.out) == (130, "\n")
    assert "`lmchat -c`" in done.last_line
    question, answer = kept()
    assert (question.text, answer.text) == ("hi", "one two three ")
    assert answer.stats is not None
    assert answer.stats.stop_reason == "userStopped"


@posix_only
async def test_ctrl_c_before_an_answer_keeps_the_question() -> None:
    async with scripted_server(hello) as server:
        server.silent.add("listLoaded")
        process = await start("ask", "hi", "--host", server.host)
        await until(lambda: bool(server.calls))
        process.send_signal(signal.SIGINT)
        done = await end(process)
    assert (done.code, done.out) == (130, "")
    assert texts() == ["hi"]


@posix_only
async def test_a_reader_that_has_had_enough() -> None:
    left = asyncio.Event()

    async def talk(scene: Scene) -> None:
        await scene.send(fragment("enough"))
        await left.wait()
        await scene.send(fragment("more"))
        await scene.cancelled.wait()

    async with scripted_server(talk) as server:
        process = await start("ask", "hi", "--host", server.host)
        assert process.stdout is not None
        assert await process.stdout.read(5)
        process.stdout._transport.close()  # type: ignore[attr-defined]  # there is no public way to close this end
        left.set()
        done = await end(process)
        await asyncio.wait_for(server.scenes[0].cancelled.wait(), 5)
    assert done.code == 0
    assert len(done.err.splitlines()) == 2
    assert texts() == ["hi", "enoughmore"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is always full")
async def test_an_output_that_is_full() -> None:
    async with scripted_server(hello) as server:
        full = os.open("/dev/full", os.O_WRONLY)
        try:
            done = await end(await start("ask", "hi", "--host", server.host, stdout=full))
        finally:
            os.close(full)
    assert done.code == 1
    assert done.last_line.startswith("lmchat: The answer cannot be written to standard output")


@posix_only
@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
async def test_streams_that_are_not_there(closed: str) -> None:
    async with scripted_server(hello) as server:
        command = f"exec {sys.executable} -m lmchat ask hi --host {server.host} {closed}"
        process = await asyncio.create_subprocess_exec(
            "bash", "-c", command, stdin=DEVNULL, stdout=PIPE, stderr=PIPE, env=child_process.environment()
        )
        done = await end(process)
    assert done.code == 0
    assert done.out == ("" if ">&-" in closed.split() else "Hello there you\n")
    assert texts() == ["hi", "Hello there you"]


async def test_a_terminal_that_knows_no_unicode(monkeypatch: pytest.MonkeyPatch) -> None:
    async def script(scene: Scene) -> None:
        await scene.say("Žluťoučký 🐎")

    monkeypatch.setenv("PYTHONIOENCODING", "ascii:strict")
    async with scripted_server(script) as server:
        done = await lmchat("ask", "hi", "--host", server.host)
    assert (done.code, done.out) == (0, "Žluťoučký 🐎\n")


# Our own engine


def gguf(path: Path, architecture: str) -> Path:
    """A GGUF file that says what it is, and holds nothing."""

    def string(text: str) -> bytes:
        return struct.pack("<Q", len(text)) + text.encode()

    entry = string("general.architecture") + struct.pack("<I", 8) + string(architecture)
    path.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + entry)
    return path


async def test_a_file_of_ones_own_is_answered_with(packaged_model: Path) -> None:
    done = await lmchat("ask", "Say hello.", "-m", str(packaged_model), "--stats", "--set", "maxTokens=8")
    assert done.code in (0, 4)
    assert done.out.strip()
    assert "lmchat's engine" in done.err
    assert "predicted tokens:" in done.err


async def test_a_file_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = tmp_path / "missing.gguf"
    by_option = await lmchat("ask", "hi", "-m", str(missing))
    monkeypatch.setenv("LMCHAT_MODEL", str(missing))
    by_variable = await lmchat("ask", "hi")
    for done in (by_option, by_variable):
        assert (done.code, done.out) == (3, "")
        assert done.last_line.startswith(f"lmchat: There is no file {missing}.")


@pytest.mark.parametrize("kind", ["broken", "empty", "truncated", "foreign"])
async def test_a_file_that_is_no_model(kind: str, tmp_path: Path, packaged_model: Path) -> None:
    file = tmp_path / f"{kind}.gguf"
    match kind:
        case "broken":
            file.write_bytes(b"<!DOCTYPE html>")
        case "empty":
            file.touch()
        case "truncated":
            with packaged_model.open("rb") as whole:
                file.write_bytes(whole.read(3_000_000))
        case "foreign":
            gguf(file, "alien-9000")
    done = await lmchat("ask", "hi", "-m", str(file))
    assert (done.code, done.out) == (3, "")
    assert file.name in done.last_line
    assert "another GGUF file" in done.last_line
    assert texts() == ["hi"]


@posix_only
async def test_ctrl_c_while_the_engine_answers_leaves_no_process(packaged_model: Path) -> None:
    process = await start("ask", "Write a long story about a horse.", "-m", str(packaged_model))
    assert process.stdout is not None
    first = await process.stdout.read(1)
    family = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGINT)
    done = await end(process)
    assert done.code == 130
    assert family
    assert psutil.wait_procs(family, timeout=3)[1] == []
    assert (first.decode() + done.out).strip() == kept()[-1].text.strip()


async def test_a_fault_of_our_own_is_said_and_its_trace_kept() -> None:
    program = (
        "import sys; sys.argv = ['lmchat', 'ask', 'hi']\n"
        "from lmchat import cli\n"
        "cli.paths.config_file = lambda: 1 / 0\n"
        "cli.main()\n"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, stdin=DEVNULL, stdout=PIPE, stderr=PIPE, env=child_process.environment()
    )
    done = await end(process)
    trace = paths.log_dir() / "crash.log"
    assert (done.code, done.out) == (1, "")
    assert done.err.count("\n") == 1
    assert "ZeroDivisionError" in done.err
    assert str(trace) in done.err
    assert "Traceback" in trace.read_text()


# What is not kept


def kept_files() -> dict[str, bytes]:
    """All that lmchat has left on disk but models, by name."""
    folders = [paths.data_dir(), paths.config_file().parent]
    files = [file for folder in folders for file in folder.rglob("*") if file.is_file()]
    return {str(file): file.read_bytes() for file in files if "models" not in file.parts}


@pytest.mark.parametrize("option", ["before", "after"])
async def test_private_leaves_nothing(option: str) -> None:
    async with scripted_server(hello) as server:
        arguments = ["--private", "ask"] if option == "before" else ["ask", "--private"]
        done = await lmchat(*arguments, "hi", "there", "--host", server.host)
        as_json = await lmchat(*arguments, "hi", "--json", "--host", server.host)
    assert (done.code, done.out) == (0, "Hello there you\n")
    last = json.loads(as_json.out.splitlines()[-1])
    assert (last["text"], last["conversation"], last["message"]) == ("Hello there you", None, None)
    assert kept_files() == {}
    assert asked(server.scenes[0]) == ["hi there"]


async def test_private_leaves_nothing_when_it_fails() -> None:
    async with scripted_server(hostile_to_the_end) as server:
        failed = await lmchat("ask", "--private", "a secret", "--host", server.host)
        server.script = held
        process = await start("ask", "--private", "a secret", "--host", server.host)
        assert process.stdout is not None
        await process.stdout.readexactly(len("one two three "))
        process.kill()
        await process.wait()
    assert failed.code == 1
    assert "kept" not in failed.err
    assert kept_files() == {}


@posix_only
async def test_private_says_nothing_of_keeping_when_it_is_stopped() -> None:
    async with scripted_server(held) as server:
        process = await start("ask", "--private", "hi", "--host", server.host)
        assert process.stdout is not None
        await process.stdout.readexactly(len("one two three "))
        process.send_signal(signal.SIGINT)
        done = await end(process)
    assert (done.code, done.last_line) == (130, "Stopped.")
    assert kept_files() == {}


async def test_private_with_an_engine_of_our_own_leaves_no_word_of_it(packaged_model: Path) -> None:
    done = await lmchat("ask", "--private", "Say zebrafinch.", "-m", str(packaged_model), "--set", "maxTokens=12")
    assert done.code in (0, 4)
    for name, content in kept_files().items():
        assert b"zebrafinch" not in content, name
        assert done.out.strip().encode() not in content, name


@pytest.mark.parametrize("option", [["-c"], ["-r", "1"]])
async def test_private_is_for_new_conversations(option: list[str]) -> None:
    done = await lmchat("ask", "hi", "--private", *option)
    assert (done.code, done.out) == (2, "")
    assert "--private is for a new conversation" in done.last_line


async def test_a_fault_in_private_leaves_no_words_of_it() -> None:
    program = (
        "import sys; sys.argv = ['lmchat', '--private', 'ask', 'hi']\n"
        "from lmchat import cli\n"
        "def fault(): raise KeyError('a secret')\n"
        "cli.paths.config_file = fault\n"
        "cli.main()\n"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, stdin=DEVNULL, stdout=PIPE, stderr=PIPE, env=child_process.environment()
    )
    done = await end(process)
    assert (done.code, done.out) == (1, "")
    assert "kept" not in done.err
    trace = (paths.log_dir() / "crash.log").read_text()
    assert "in fault" in trace
    assert "KeyError: " not in trace


@posix_only
async def test_private_on_a_terminal_leaves_nothing() -> None:
    from tests.terminal import CTRL_N, CTRL_Q, ENTER, Terminal

    async with scripted_server(hello) as server:

        def talk() -> int:
            with Terminal("--private", "--host", server.host) as terminal:
                terminal.wait_for("Scripted Model")
                terminal.type("a secret" + ENTER)
                terminal.wait_for("Hello there you")
                terminal.type(CTRL_N)
                terminal.wait_for("Type a question below")
                terminal.type("a draft")
                terminal.wait_for("a draft")
                terminal.type(CTRL_Q)
                return terminal.wait_for_end()

        assert await asyncio.to_thread(talk) == 0
    assert kept_files() == {}
