"""`lmchat ask` as scripts use it: files, schemas, code and thoughts; output, errors and exit codes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from lmchat.console.writers import code_of
from tests.scripted_server import STATS, Scene, fragment, scripted_server, success
from tests.test_cli import HOSTILE, asked, lmchat, texts

FENCED = "Here:\n\n```sh\nls\n```\n\nand\n\n~~~\npwd\n~~~\n"


async def hello(scene: Scene) -> None:
    await scene.say("Hello there you")


async def fenced(scene: Scene) -> None:
    await scene.send(fragment("I think", "reasoning"), *(fragment(piece) for piece in FENCED), success(**STATS))
    await scene.close()


def file(folder: Path, name: str, content: str | bytes) -> str:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return str(path)


@pytest.mark.parametrize(
    ("prompt", "given", "question"),
    [
        (("Sum up",), None, "Sum up\n\nnotes.txt:\n\nOne\nTwo"),
        ((), None, "notes.txt:\n\nOne\nTwo"),
        (("Sum up",), b"piped\n", "Sum up\n\nnotes.txt:\n\nOne\nTwo\n\npiped"),
    ],
)
async def test_a_file_is_part_of_the_question(
    tmp_path: Path, prompt: tuple[str, ...], given: bytes | None, question: str
) -> None:
    notes = file(tmp_path, "notes.txt", "One\nTwo\n")
    async with scripted_server(hello) as server:
        done = await lmchat("ask", *prompt, "-f", notes, "--host", server.host, given=given)
    assert (done.code, done.out) == (0, "Hello there you\n")
    assert asked(server.scenes[0]) == [question]
    assert texts() == [question, "Hello there you"]


async def test_several_files_keep_their_order_and_odd_bytes_do_no_harm(tmp_path: Path) -> None:
    files = [file(tmp_path, "b.txt", b"caf\xe9"), file(tmp_path, "a.txt", HOSTILE)]
    async with scripted_server(hello) as server:
        done = await lmchat("ask", "-f", files[0], "-f", files[1], "--host", server.host)
    assert done.code == 0
    assert asked(server.scenes[0]) == [f"b.txt:\n\ncaf\ufffd\n\na.txt:\n\n{HOSTILE}"]


@pytest.mark.parametrize(
    ("name", "content", "code", "said"),
    [
        ("there.txt", None, 1, "cannot be read: No such file or directory. Check the path."),
        ("image.png", b"\x89PNG\r\n\x1a\n\0\0", 2, "is no text. Give a text file"),
        ("long.txt", b"x" * (4 * 2**20 + 1), 2, "has more than 4 MB. Give the part of it that matters."),
    ],
)
async def test_a_file_that_is_no_question(
    tmp_path: Path, name: str, content: bytes | None, code: int, said: str
) -> None:
    path = str(tmp_path / name) if content is None else file(tmp_path, name, content)
    done = await lmchat("ask", "hi", "-f", path, "--host", "127.0.0.1:9")
    assert (done.code, done.out) == (code, "")
    assert said in done.err
    assert len(done.err.splitlines()) <= 2


async def test_a_pipe_that_brings_too_much() -> None:
    done = await lmchat("ask", "hi", "--host", "127.0.0.1:9", given=b"y\n" * (2 * 2**20 + 1))
    assert (done.code, done.out) == (2, "")
    assert done.err.splitlines() == ["lmchat: Standard input has more than 4 MB. Give the part of it that matters."]


async def test_empty_files_and_nothing_else_are_no_question(tmp_path: Path) -> None:
    done = await lmchat("ask", "--host", "127.0.0.1:9", given=b" \n")
    assert done.code == 2
    assert "There is nothing to ask" in done.err


async def test_an_answer_in_a_form(tmp_path: Path) -> None:
    form = {"type": "object", "properties": {"a": {"type": "integer"}}}

    async def script(scene: Scene) -> None:
        await scene.say('{"a": 1}')

    async with scripted_server(script) as server:
        path = file(tmp_path, "form.json", json.dumps(form))
        done = await lmchat("ask", "hi", "--schema", path, "--host", server.host)
    assert (done.code, json.loads(done.out)) == (0, {"a": 1})
    (layer,) = server.scenes[0].parameter["predictionConfigStack"]["layers"]
    fields = {field["key"]: field["value"] for field in layer["config"]["fields"]}
    assert fields["llm.prediction.structured"] == {"type": "json", "jsonSchema": form}


@pytest.mark.parametrize(
    ("content", "code", "said"),
    [
        ("{", 2, "is no JSON: "),
        ("[" * 100_000, 2, "is no JSON: "),
        ("[1]", 2, "holds no JSON schema, which is an object"),
        (None, 1, "cannot be read"),
    ],
)
async def test_a_form_that_is_none(tmp_path: Path, content: str | None, code: int, said: str) -> None:
    path = str(tmp_path / "form.json") if content is None else file(tmp_path, "form.json", content)
    done = await lmchat("ask", "hi", "--schema", path, "--host", "127.0.0.1:9")
    assert (done.code, done.out) == (code, "")
    assert said in done.err


@pytest.mark.parametrize("option", ["-x", "--code"])
async def test_code_alone(option: str) -> None:
    async with scripted_server(fenced) as server:
        done = await lmchat("ask", "hi", option, "--host", server.host)
    assert (done.code, done.out) == (0, "ls\n\npwd\n")
    assert texts()[-1] == FENCED


async def test_an_answer_without_code_is_printed_as_it_is() -> None:
    async with scripted_server(hello) as server:
        done = await lmchat("ask", "hi", "-x", "--host", server.host)
    assert (done.code, done.out) == (0, "Hello there you\n")


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ("```\nopen", "open"),
        ("- item\n\n  ```py\n  x = 1\n  ```\n", "x = 1\n"),
        ("`inline` only", "`inline` only"),
        ("````\n```\ninner\n```\n````", "```\ninner\n```\n"),
        ("", ""),
    ],
)
def test_what_counts_as_code(answer: str, code: str) -> None:
    assert code_of(answer) == code


@pytest.mark.parametrize(("options", "seen"), [((), False), (("--reasoning",), True), (("--reasoning", "-x"), True)])
async def test_thoughts_are_shown_only_when_asked_for_and_apart(options: tuple[str, ...], seen: bool) -> None:
    async with scripted_server(fenced) as server:
        done = await lmchat("ask", "hi", *options, "--host", server.host)
    assert "I think" not in done.out
    assert ("I think" in done.err.splitlines()) is seen


async def test_two_forms_of_one_answer_are_refused() -> None:
    done = await lmchat("ask", "hi", "--json", "-x")
    assert (done.code, done.out) == (2, "")
    assert "two forms of the same answer" in done.err


async def test_help_has_examples_and_the_exit_codes() -> None:
    done = await lmchat("ask", "--help")
    assert done.code == 0
    for word in ("git diff | lmchat ask", "--schema", "--reasoning", "exit code is 0", "130"):
        assert word in done.out


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
async def test_each_shell_gets_a_script_of_its_own(shell: str) -> None:
    done = await lmchat("completion", shell)
    assert (done.code, done.err) == (0, "")
    assert f"_LMCHAT_COMPLETE={shell}_complete" in done.out


async def test_a_shell_that_is_not_known() -> None:
    done = await lmchat("completion", "cmd")
    assert done.code == 2
    assert "'bash', 'zsh', 'fish'" in done.err


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not here")
@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("lmchat ", {"ask", "chats", "serve", "completion"}),
        ("lmchat ask --sch", {"--schema"}),
        ("lmchat com", {"completion"}),
    ],
)
async def test_bash_completes(monkeypatch: pytest.MonkeyPatch, words: str, offered: set[str]) -> None:
    monkeypatch.setenv("_LMCHAT_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", str(len(words.split(" ")) - 1))
    done = await lmchat()
    assert {line.partition(",")[2] for line in done.out.splitlines()} >= offered
