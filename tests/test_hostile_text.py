"""What models, servers and pasted text send, as the bytes that reach a real terminal.

Every attack is brought to every place where foreign text is shown. What comes out must be sequences of the program's
own, each by an exact grammar, and text in which nothing acts or hides.
"""

from __future__ import annotations

import asyncio
import base64
import re
import sys
import unicodedata
from collections.abc import Callable, Iterator

import msgspec
import pytest

from lmchat.app import paths
from lmchat.client.portal import Portal
from lmchat.protocol.errors import failure
from lmchat.store.store import Store
from lmchat.values.chat import FileHandle, TextData, ToolCallRequest, ToolCallRequestData, ToolCallResultData
from lmchat.values.history import Provenance, ReasoningData
from lmchat.values.model import LlmInstanceInfo
from lmchat.values.prediction import LlmPredictionStats
from lmchat.values.safe_text import safe_text
from tests import scripted_server
from tests.scripted_server import STATS, Scene, ScriptedServer, fragment, success

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX pseudo-terminal")

if sys.platform != "win32":
    from tests.terminal import CTRL_B, CTRL_Q, ENTER, Terminal

CTRL_F, CTRL_P, CTRL_T, CTRL_HOME, CTRL_END, PAGE_DOWN, UP = (
    "\x06",
    "\x10",
    "\x14",
    "\x1b[1;5H",
    "\x1b[1;5F",
    "\x1b[6~",
    "\x1b[A",
)

SEQUENCES = [
    "\x1b]52;c;ZXZpbA==\x07",
    "\x1b]52;p;ZXZpbA==\x1b\\",
    "\x9d52;c;ZXZpbA==\x9c",
    "\x1b]0;evil\x07",
    "\x1b]2;evil\x1b\\",
    "\x1b]4;1;#ff0000\x07",
    "\x1b]8;;http://evil.example\x1b\\evil\x1b]8;;\x1b\\",
    "\x1b]9;evil\x07",
    "\x1b]10;#ff0000\x07",
    "\x1b]11;?\x07",
    "\x1b]22;evil\x07",
    "\x1b]50;evil\x07",
    "\x1b]133;A\x07",
    "\x1b]777;notify;evil;evil\x07",
    "\x1b]1337;File=inline=1:ZXZpbA==\x07",
    "\x1bPqevil\x1b\\",
    "\x90qevil\x9c",
    "\x1b_Gevil\x1b\\",
    "\x9fGevil\x9c",
    "\x1b^evil\x1b\\",
    "\x1bXevil\x1b\\",
    "\x98evil\x9c",
    "\x1b[31;5mevil",
    "\x1b[2Jevil",
    "\x1b[1;1fevil",
    "\x1b[?1001h",
    "\x1b[?69h\x1b[?6n",
    "\x1b[>4;2m",
    "\x1b[!p",
    "\x1b[3;1;1t",
    "\x9b2J\x9b31m\x9b?1001h",
    "\x1bc",
    "\x1b#8",
    "\x1b(0evil",
    "\x1bZ\x05",
    "evil\rgood",
    "\x1b",
]
CONTROLS = "".join(chr(code) for code in [*range(0x20), *range(0x7F, 0xA0)] if chr(code) not in "\t\n")
INVISIBLE = "".join(
    [
        "".join(map(chr, [*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x061C, 0x200E, 0x200F])),  # directions
        "\u200b\u2060\u2063\ufeff\u00ad\u034f\u115f\u3164\u17b4\u180e\u2028\u2029\ufff9\ufffb\U0001d173\U00013430",
        "".join(chr(0xE0000 + ord(letter)) for letter in "evil"),
        "".join(chr(0xE0100 + ord(letter)) for letter in "evil"),
        "\ufffe\U0010ffff",
    ]
)
HALF = "HALF-A-CHARACTER"
"""Stands for a lone surrogate, which JSON can carry and text cannot."""
ATTACK = " ".join([*SEQUENCES, CONTROLS, INVISIBLE, HALF])
ENTITIES = (
    "&#27;]52;c;ZXZpbA==&#7; &#x9b;31m &#155;2J &#x202e;evil&#x2066; &#xE0065; "
    "&#x3164;&#x34f;&#xE0165; &ZeroWidthSpace;&shy;&lrm;&rlm; &#0;"
)
IN_LINK = re.sub(r"([\\\[\]()<>])", r"\\\1", ATTACK.replace("`", ""))
MARK = "the end of it"
RIGHT_TO_LEFT = "שלום **עולם** | 5"

MARKDOWN = "\n\n".join(
    [
        f"# {ATTACK}",
        ATTACK,
        f"{ATTACK}\n===",
        ENTITIES,
        f"`{ATTACK}` `{ENTITIES}`",
        f"```\n{ATTACK}\n{ENTITIES}\n```",
        f"```python {ATTACK}\nx = '{ATTACK}'  # {ATTACK}\n```",
        f"~~~{ATTACK.replace(' ', '')}\nx\n~~~",
        f"~~~&#27;[31;5m\nx\n~~~\n\n~~~{ENTITIES}\nx\n~~~",
        f"[{IN_LINK}](https://evil.example)",
        f"[target](<https://evil.example/{IN_LINK}> '{IN_LINK}')",
        f"[entities](https://evil.example/{ENTITIES.replace(' ', '')})",
        f"![{IN_LINK}](<{IN_LINK}>)",
        f"<https://evil.example/{CONTROLS}>",
        f"| {ATTACK} | b |\n|---|---|\n| {ATTACK} | {ENTITIES} |",
        f"- {ATTACK}\n  1. {ATTACK}\n- [x] {ATTACK}",
        f"> {ATTACK}\n>\n> > {ATTACK}",
        f"$${ATTACK}$$\n\n${ATTACK}$ and \\({ATTACK}\\)\n\n$$\n\\text{{{ATTACK}}} \\char27 \\u001b\n$$",
        f"<div title='{ATTACK}'>{ATTACK}</div>\n\n<b>{ATTACK}</b> <!-- {ATTACK} -->",
        f"Note[^evil]\n\n[^evil]: {ATTACK}\n\n[evil]: https://evil.example '{ATTACK}'",
        f"**{ATTACK}** *{ATTACK}* ~~{ATTACK}~~",
        f"| {RIGHT_TO_LEFT} |\n|---|---|\n| {RIGHT_TO_LEFT} |\n\n> {RIGHT_TO_LEFT}",
        MARK,
    ]
)
NAME = ATTACK.replace(HALF, "")

_COLOR = r"[34]8;2;\d{1,3};\d{1,3};\d{1,3}"
OWN_SEQUENCE = re.compile(
    "|".join(
        [
            rf"\x1b\[(?:0|(?:[123479];)*{_COLOR}(?:;{_COLOR})?)m",
            r"\x1b\[\d+;\d+H",
            r"\x1b\[\?(?:7|25|1000|1003|1004|1006|1015|1049|2004)[hl]",
            r"\x1b\[\?(?:2026|2048)\$p",
            r"\x1b\[>25u|\x1b\[<u",
            r"\x1b\]22;(?:default|pointer|text)\x07",
        ]
    )
)
"""What the program writes itself: colours, the cursor, modes at its beginning and end, the pointer's shape."""
CLIPBOARD = re.compile(r"\x1b\]52;c;([A-Za-z0-9+/]+=*)\x07")
ISOLATES = re.compile("[\u2066-\u2069]")


def assert_clean(output: bytes, copies: int = 0) -> list[str]:
    """Every sequence in the output is one of the program's own, and nothing in it hides; gives what was copied."""
    text = output.decode()
    copied = [base64.b64decode(found).decode() for found in CLIPBOARD.findall(text)]
    assert len(copied) == copies
    for once in ("\x1b[?1049h", "\x1b[?1049l", "\x1b[?7l", "\x1b[?7h"):
        assert text.count(once) == 1
    rest = OWN_SEQUENCE.sub("", CLIPBOARD.sub("", text))
    # Right-to-left text stands in isolates, in pairs and never one in another.
    assert re.fullmatch("(\u2068\u2069)*", "".join(ISOLATES.findall(rest)))
    rest = ISOLATES.sub("", rest)
    acting = {c for c in rest if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"}} - {"\r", "\n"}
    assert acting == set()
    assert {c for c in rest if safe_text(c) != c} - {"\r"} == set()
    assert all(hidden not in rest for hidden in (HALF, "\t"))
    return copied


class HostileScene:
    """Sends also what cannot be said properly: halves of characters, as JSON escapes."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    async def send(self, *packets: object) -> None:
        for packet in packets:
            frame = self._scene._protocol.send(self._scene._id, packet)
            await self._scene._socket.send(frame.replace(HALF, "\\ud800 \\udc00"))


def words(text: str) -> list[str]:
    return re.split("(?<= )", text)


async def attack(scene: Scene) -> None:
    hostile = HostileScene(scene)
    # A sequence may come in pieces, of which none does harm alone.
    await hostile.send(*(fragment(piece, "reasoning") for piece in (*NAME, *words(ATTACK), RIGHT_TO_LEFT)))
    await hostile.send(*(fragment(piece) for piece in words(MARKDOWN)))
    await hostile.send(success(NAME, **STATS))
    await scene.close()


@pytest.fixture
def hostile(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedServer]:
    """A server whose model has a hostile name and says hostile things, on a thread of its own."""
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "TMUX"):
        monkeypatch.delenv(name, raising=False)
    names = {"displayName": NAME, "paramsString": NAME, "quantization": {"name": NAME, "bits": 4}}
    monkeypatch.setattr(scripted_server, "INSTANCE", scripted_server.INSTANCE | names)
    portal = Portal()
    running = scripted_server.scripted_server(attack)
    server = portal.call(running.__aenter__())
    server.loaded = [scripted_server.INSTANCE]
    yield server
    portal.call(running.__aexit__(None, None, None))
    portal.close()


@pytest.fixture
def kept() -> None:
    """A conversation as another program, or an earlier release, may have left it in the store."""
    store = Store.open(paths.store_file())
    model = msgspec.convert(scripted_server.INSTANCE | {"displayName": NAME}, LlmInstanceInfo)
    call = ToolCallRequest(id=NAME, name=NAME, arguments={NAME: [NAME, {NAME: RIGHT_TO_LEFT}]})
    provenance = Provenance(server=NAME, model=model)
    chat = store.create_conversation(NAME)
    system = store.add_message(chat.id, parent_id=None, role="system", parts=(TextData(NAME),))
    file = FileHandle(name=NAME, identifier="x", size_bytes=1, file_type="text/plain")
    user = store.add_message(
        chat.id, parent_id=system.id, role="user", parts=(TextData(f"{NAME}\t{RIGHT_TO_LEFT}"), file)
    )
    answer = store.begin_answer(chat.id, parent_id=user.id, provenance=provenance)
    parts = (ReasoningData(text=NAME), TextData(MARKDOWN.replace(HALF, "\ud800 \udc00")), ToolCallRequestData(call))
    stats = LlmPredictionStats(stop_reason=NAME, stop_string=NAME)
    store.finish_answer(answer, parts=parts, stats=stats, provenance=provenance, error=NAME)
    result = (ToolCallResultData(content=NAME, tool_call_id=NAME, name=NAME),)
    store.add_message(chat.id, parent_id=answer, role="tool", parts=result)
    store.close()


def differs_from(before: str) -> Callable[[str], bool]:
    return lambda screen: screen != before


def read_through(terminal: Terminal, first: str) -> None:
    """Show every line of the conversation, from its first to the mark at its end, a page at a time."""
    terminal.type(CTRL_HOME)
    screen = terminal.wait_for(lambda screen: first in screen and MARK not in screen)
    while MARK not in screen:
        terminal.type(PAGE_DOWN)
        screen = terminal.wait_for(differs_from(screen))


def leave(terminal: Terminal) -> bytes:
    """The whole output of a program that ends well."""
    terminal.type(CTRL_Q)
    assert terminal.wait_for_end() == 0
    return bytes(terminal.output)


def test_an_answer_with_its_reasoning_and_its_models_name(hostile: ScriptedServer) -> None:
    with Terminal("--host", hostile.host, rows=150) as terminal:
        terminal.wait_for("Ask something")
        terminal.wait_for("␛]52;c;ZXZpbA==␇")
        terminal.type("hi" + ENTER)
        terminal.wait_for(MARK)
        terminal.wait_for("tok/s server")
        terminal.type(CTRL_T)
        read_through(terminal, "hi")
        output = leave(terminal)
    assert_clean(output)
    assert f"\u2068{RIGHT_TO_LEFT.split()[0]}".encode() in output


def test_a_conversation_that_was_kept_and_the_list_with_its_title(hostile: ScriptedServer, kept: None) -> None:
    with Terminal("--host", hostile.host, "-c", rows=150) as terminal:
        terminal.wait_for(MARK)
        terminal.type(CTRL_T)
        terminal.type(CTRL_END)
        read_through(terminal, "System prompt")
        terminal.type(CTRL_B)
        terminal.wait_for("today")
        terminal.wait_for("␛]52;c;ZXZpbA==␇")
        output = leave(terminal)
    assert_clean(output)


def test_a_pasted_question_and_an_error_of_the_server(hostile: ScriptedServer) -> None:
    async def fail(scene: Scene) -> None:
        await asyncio.sleep(0)
        await scene.fail(failure(NAME, cause=NAME, suggestion=f"{NAME} {MARK}"))

    hostile.script = fail
    # Terminals take ESC out of what is pasted, for it could end the paste.
    pasted = NAME.translate({0: None, 0x1B: None})
    with Terminal("--host", hostile.host, rows=100) as terminal:
        terminal.wait_for("Ask something")
        terminal.wait_for("␛]52;c;ZXZpbA==␇")
        terminal.type(f"\x1b[200~{pasted} {RIGHT_TO_LEFT}\x1b[201~")
        # Long as it is, it is folded until it is asked.
        terminal.wait_for("[paste 1: ")
        terminal.type(ENTER)
        terminal.wait_for(lambda screen: MARK in screen and "⟨U+10FFFF⟩" in screen)
        output = leave(terminal)
    assert_clean(output)


@pytest.mark.parametrize("opens", [CTRL_F, CTRL_P], ids=["find", "palette"])
def test_what_is_pasted_elsewhere(hostile: ScriptedServer, opens: str) -> None:
    with Terminal("--host", hostile.host) as terminal:
        terminal.wait_for("Ask something")
        terminal.wait_for("␛]52;c;ZXZpbA==␇")
        closed = terminal.text
        terminal.type(opens)
        terminal.wait_for(differs_from(closed))
        terminal.type(f"\x1b[200~{MARK} \x9b31m\u202e\u2066\x07\x1b[201~")
        terminal.wait_for(MARK)
        output = leave(terminal)
    assert_clean(output)


def test_a_model_that_cannot_be_loaded(hostile: ScriptedServer) -> None:
    hostile.loaded = []
    with Terminal("--host", hostile.host, "-m", NAME.replace("\0", ""), "-s", NAME.replace("\0", "")) as terminal:
        terminal.wait_for("no model")
        output = leave(terminal)
    assert_clean(output)


def test_a_server_that_shows_the_door(hostile: ScriptedServer) -> None:
    hostile.refuses = f"{NAME} {MARK}"
    with Terminal("--host", hostile.host, rows=100) as terminal:
        terminal.wait_for(MARK)
        output = leave(terminal)
    assert_clean(output)


def test_the_clipboard_is_written_by_a_key_and_has_what_was_shown(hostile: ScriptedServer) -> None:
    said = "It said \x1b]52;c;ZXZpbA==\x07 and \u202egnp.exe, " + MARK

    async def say(scene: Scene) -> None:
        await scene.say(said)

    hostile.script = say
    with Terminal("--host", hostile.host) as terminal:
        terminal.wait_for("Ask something")
        terminal.wait_for("␛]52;c;ZXZpbA==␇")
        terminal.type("hi" + ENTER)
        terminal.wait_for("tok/s server")
        terminal.type(UP)
        terminal.wait_for("█")
        terminal.type("Y")
        terminal.wait_for("sent to the terminal's clipboard")
        output = leave(terminal)
    assert assert_clean(output, copies=1) == [safe_text(said)]
