"""Several programs on one file: answers of those that are gone are recovered, those of the living are left alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from lmchat.store.store import Store
from lmchat.values.chat import TextData
from lmchat.values.errors import StoreError
from lmchat.values.history import Provenance
from lmchat.values.prediction import LlmPredictionStats

from .conftest import StartProgram

ANSWERING = """
store = Store.open(path)
talk = store.create_conversation("Asked elsewhere")
asked = store.add_message(talk.id, parent_id=None, role="user", parts=(TextData("Why?"),))
answer = store.begin_answer(talk.id, parent_id=asked.id, provenance=Provenance(server="elsewhere"))
for word in ("Be", "cause", " it"):
    store.append_to_answer(answer, [ReasoningData(text="Hm."), TextData(word)])
print(answer, flush=True)
sys.stdin.readline()
store.append_to_answer(answer, [TextData(" is.")])
store.finish_answer(answer, parts=(TextData("Because it is."),), stats=LlmPredictionStats(stop_reason="eosFound"),
                    provenance=Provenance(server="elsewhere"))
store.close()
"""
INTERRUPTED = LlmPredictionStats(stop_reason="interrupted")


def test_the_answer_of_a_killed_program_becomes_an_interrupted_message(
    path: Path, store: Store, start_program: StartProgram
) -> None:
    program = start_program(ANSWERING)
    assert program.stdout is not None
    answer = int(program.stdout.readline())
    program.kill()
    program.wait()

    (talk,) = store.conversations()
    before = store.branch(talk.id)[-1]
    assert (before.text, before.reasoning, before.stats) == ("Because it", "Hm.Hm.Hm.", None)
    assert store.recover() == [answer]
    after = store.branch(talk.id)[-1]
    assert (after.parts, after.stats, after.provenance) == (before.parts, INTERRUPTED, Provenance(server="elsewhere"))
    assert store.recover() == []
    assert sorted(file.name for file in (path.parent / "locks").iterdir()) == ["chats.db.lock"]


def test_the_answer_of_a_living_program_is_left_to_it(store: Store, start_program: StartProgram) -> None:
    program = start_program(ANSWERING)
    assert program.stdout is not None
    answer = int(program.stdout.readline())

    (talk,) = store.conversations()
    assert store.recover() == []
    assert store.branch(talk.id)[-1].text == "Because it"
    with pytest.raises(StoreError, match="another lmchat"):
        store.append_to_answer(answer, [TextData("mine")])

    program.communicate("\n")
    assert program.returncode == 0
    (asked, done) = store.branch(talk.id)
    assert (asked.text, done.text) == ("Why?", "Because it is.")
    assert done.stats == LlmPredictionStats(stop_reason="eosFound")


def test_it_is_known_whether_another_program_is_writing_on_the_same_branch(
    store: Store, start_program: StartProgram
) -> None:
    program = start_program(ANSWERING)
    assert program.stdout is not None
    answer = int(program.stdout.readline())
    (talk,) = store.conversations()
    assert store.being_written(talk.id)
    asked, _ = store.branch(talk.id)
    store.set_leaf(talk.id, asked.id)
    assert not store.being_written(talk.id)
    mine = store.begin_answer(talk.id, parent_id=asked.id, provenance=Provenance(server="here"))
    assert not store.being_written(talk.id)
    store.append_to_answer(mine, [TextData("mine")])
    store.flip(talk.id, answer)
    assert store.being_written(talk.id)
    program.kill()
    program.wait()
    assert not store.being_written(talk.id)
    assert [message.text for message in store.messages([answer, mine])] == ["Because it", "mine"]
    assert not store.being_written(store.create_conversation().id)


def test_one_s_own_answer_is_not_left_over_until_the_store_is_closed(path: Path, store: Store) -> None:
    other = Store.open(path)
    talk = other.create_conversation()
    answer = other.begin_answer(talk.id, parent_id=None, provenance=Provenance(server="here"))
    assert other.recover() == store.recover() == []
    other.close()
    assert store.recover() == [answer]
    (left,) = store.branch(talk.id)
    assert (left.parts, left.stats) == ((), INTERRUPTED)


def test_two_programs_recover_an_answer_once(path: Path, start_program: StartProgram) -> None:
    dead = start_program(ANSWERING)
    assert dead.stdout is not None
    answer = dead.stdout.readline().strip()
    dead.kill()
    dead.wait()
    recovering = [
        start_program("store = Store.open(path)\nsys.stdin.readline()\nprint(*store.recover())\nstore.close()")
        for _ in range(3)
    ]
    for program in recovering:
        assert program.stdin is not None
        program.stdin.write("\n")
        program.stdin.flush()
    said = [program.communicate()[0].strip() for program in recovering]
    assert sorted(said) == ["", "", answer]


def test_programs_that_start_and_write_at_once_lose_nothing(path: Path, start_program: StartProgram) -> None:
    programs = [
        start_program("""
store = Store.open(path)
talk = store.create_conversation()
parent = None
for number in range(40):
    parent = store.add_message(talk.id, parent_id=parent, role="user", parts=(TextData(str(number)),)).id
store.close()
""")
        for _ in range(3)
    ]
    for program in programs:
        program.communicate()
    assert [program.returncode for program in programs] == [0, 0, 0]
    store = Store.open(path)
    assert store.notice is None
    for talk in store.conversations():
        assert [message.text for message in store.branch(talk.id)] == [str(number) for number in range(40)]
    assert len(store.conversations()) == 3
    store.close()
