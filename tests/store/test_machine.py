"""The store against a plain model of it: any sequence of operations, on two connections of one file, with reopening."""

from __future__ import annotations

import itertools
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from unittest.mock import patch

from hypothesis import HealthCheck, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from lmchat.store.store import Store
from lmchat.values.chat import Role, TextData
from lmchat.values.history import ConversationSummary, Provenance
from lmchat.values.prediction import LlmPredictionStats
from lmchat.values.search import SearchQuery

HERE = Provenance(server="here")
DONE = LlmPredictionStats(stop_reason="eosFound")
WORDS = st.lists(st.sampled_from(["apple", "app", "bean", "be", "corn", "Apple", "éclair"]), max_size=4).map(" ".join)
SIDES = st.integers(0, 1)
PICK = st.integers(0, 1_000)


@dataclass
class Message:
    parent: int | None
    role: Role
    text: str
    deleted_with: int | None = None
    writer: int | None = None


@dataclass
class Talk:
    title: str
    at: int
    messages: dict[int, Message] = field(default_factory=dict)
    leaf: int | None = None
    left: list[int] = field(default_factory=list)
    lost: dict[int, int | None] = field(default_factory=dict)
    by_user: bool = False
    tags: tuple[str, ...] = ()
    pinned: bool = False
    archived: bool = False
    deleted: bool = False
    draft: str = ""

    def there(self) -> dict[int, Message]:
        return {number: message for number, message in self.messages.items() if message.deleted_with is None}

    def way(self, number: int | None) -> list[int]:
        found: list[int] = []
        while number is not None:
            found.insert(0, number)
            number = self.messages[number].parent
        return found

    def leave(self) -> None:
        if self.leaf is not None:
            self.left = [*(number for number in self.left if number != self.leaf), self.leaf]

    def best(self, under: int | None) -> int | None:
        there = self.there()
        parents = {message.parent for message in there.values()}
        leaves = [each for each in there if each not in parents and (under is None or under in self.way(each))]
        rank = {number: place for place, number in enumerate(self.left)}
        return max(leaves, key=lambda each: (rank.get(each, -1), each), default=None)


class StoreMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self.clock = patch("time.time", itertools.count(1_700_000_000.0, 0.25).__next__)
        self.clock.start()
        self.path = Path(self.folder.name) / "chats.db"
        self.ticks = itertools.count()
        self.talks: dict[int, Talk] = {}
        self.first_draft = ""
        self.versions = [0, 0]

    @initialize()
    def open(self) -> None:
        self.stores = [Store.open(self.path), Store.open(self.path)]

    def teardown(self) -> None:
        for store in self.stores:
            store.close()
        self.clock.stop()
        self.folder.cleanup()

    def talk(self, pick: int) -> tuple[int, Talk]:
        there = [(number, talk) for number, talk in self.talks.items() if not talk.deleted]
        return there[pick % len(there)]

    def place(self, pick: int) -> tuple[int, Talk, int]:
        found = [
            (number, talk, each) for number, talk in self.talks.items() if not talk.deleted for each in talk.there()
        ]
        return found[pick % len(found)]

    def any_talk(self) -> bool:
        return any(not talk.deleted for talk in self.talks.values())

    def any_message(self) -> bool:
        return any(talk.there() for talk in self.talks.values() if not talk.deleted)

    def added(self, talk: Talk, number: int, message: Message) -> None:
        if talk.leaf != message.parent:
            talk.leave()
        talk.messages[number] = message
        talk.leaf, talk.at = number, next(self.ticks)

    @rule(side=SIDES, title=WORDS)
    def create(self, side: int, title: str) -> None:
        made = self.stores[side].create_conversation(title)
        assert made.id not in self.talks
        self.talks[made.id] = Talk(title, next(self.ticks))

    @precondition(any_talk)
    @rule(side=SIDES, pick=PICK, text=WORDS)
    def say(self, side: int, pick: int, text: str) -> None:
        number, talk = self.talk(pick)
        made = self.stores[side].add_message(number, parent_id=talk.leaf, role="user", parts=(TextData(text),))
        self.added(talk, made.id, Message(talk.leaf, "user", text))

    @precondition(any_message)
    @rule(side=SIDES, pick=PICK, text=WORDS)
    def edit(self, side: int, pick: int, text: str) -> None:
        number, talk, each = self.place(pick)
        parent = talk.messages[each].parent
        made = self.stores[side].add_message(number, parent_id=parent, role="user", parts=(TextData(text),))
        self.added(talk, made.id, Message(parent, "user", text))
        siblings = [each for each, message in talk.there().items() if message.parent == parent]
        assert self.stores[side].siblings(made.id) == siblings

    @precondition(any_talk)
    @rule(side=SIDES, pick=PICK, text=WORDS, finish=st.booleans(), reopen=st.booleans())
    def answer(self, side: int, pick: int, text: str, finish: bool, reopen: bool) -> None:
        number, talk = self.talk(pick)
        made = self.stores[side].begin_answer(number, parent_id=talk.leaf, provenance=HERE)
        self.added(talk, made, Message(talk.leaf, "assistant", text, writer=side))
        self.stores[side].append_to_answer(made, [TextData(text[:3]), TextData(text[3:])])
        assert self.stores[1 - side].being_written(number)
        if finish:
            self.stores[side].finish_answer(made, parts=(TextData(text),), stats=DONE, provenance=HERE)
            talk.messages[made].writer = None
            talk.at = next(self.ticks)
        elif reopen:
            self.reopen(side)

    @rule(side=SIDES)
    def reopen(self, side: int) -> None:
        self.stores[side].close()
        self.stores[side] = Store.open(self.path)
        expected = []
        for talk in self.talks.values():
            for number, message in talk.messages.items():
                if message.writer == side:
                    expected.append(number)
                    message.writer = None
        assert sorted(self.stores[side].recover()) == sorted(expected)
        self.versions[side] = 0

    @precondition(any_message)
    @rule(side=SIDES, pick=PICK)
    def set_leaf(self, side: int, pick: int) -> None:
        number, talk, each = self.place(pick)
        self.stores[side].set_leaf(number, each)
        if talk.leaf != each:
            talk.leave()
        talk.leaf = each

    @precondition(any_message)
    @rule(side=SIDES, pick=PICK)
    def flip(self, side: int, pick: int) -> None:
        number, talk, each = self.place(pick)
        if talk.leaf != each:
            talk.leave()
        talk.leaf = talk.best(each)
        assert self.stores[side].flip(number, each) == talk.leaf

    @precondition(any_message)
    @rule(side=SIDES, pick=PICK)
    def delete_message(self, side: int, pick: int) -> None:
        _, talk, each = self.place(pick)
        gone = [number for number in talk.there() if each in talk.way(number)]
        for number in gone:
            talk.messages[number].deleted_with = each
        talk.lost[each] = talk.leaf if talk.leaf in gone else None
        if talk.leaf in gone:
            talk.leave()
            talk.leaf = talk.best(talk.messages[each].parent)
        assert self.stores[side].delete_message(each) == talk.leaf

    @rule(side=SIDES, pick=PICK)
    def undelete_message(self, side: int, pick: int) -> None:
        found = [
            (talk, each)
            for talk in self.talks.values()
            if not talk.deleted
            for each in talk.lost
            if (parent := talk.messages[each].parent) is None or parent in talk.there()
        ]
        if not found:
            return
        talk, each = found[pick % len(found)]
        for message in talk.messages.values():
            if message.deleted_with == each:
                message.deleted_with = None
        if (lost := talk.lost.pop(each)) is not None:
            talk.leave()
            talk.leaf = lost
        assert self.stores[side].undelete_message(each) == talk.leaf

    @precondition(any_talk)
    @rule(side=SIDES, pick=PICK)
    def delete_talk(self, side: int, pick: int) -> None:
        number, talk = self.talk(pick)
        self.stores[side].delete_conversation(number)
        talk.deleted = True

    @rule(side=SIDES)
    def undelete_talks(self, side: int) -> None:
        for number, talk in self.talks.items():
            if talk.deleted:
                self.stores[side].undelete_conversation(number)
                talk.deleted = False

    @rule(side=SIDES)
    def purge(self, side: int) -> None:
        self.stores[side].purge(days=0)
        self.talks = {number: talk for number, talk in self.talks.items() if not talk.deleted}
        for talk in self.talks.values():
            talk.messages = talk.there()
            talk.lost = {}

    @precondition(any_talk)
    @rule(side=SIDES, pick=PICK, title=WORDS, by_user=st.booleans())
    def rename(self, side: int, pick: int, title: str, by_user: bool) -> None:
        number, talk = self.talk(pick)
        self.stores[side].rename_conversation(number, title, by="user" if by_user else "model")
        if by_user or not talk.by_user:
            talk.title, talk.by_user = title, by_user

    @precondition(any_talk)
    @rule(side=SIDES, pick=PICK, tags=st.sets(st.sampled_from(["work", "home", "é"])), pinned=st.booleans())
    def mark(self, side: int, pick: int, tags: set[str], pinned: bool) -> None:
        number, talk = self.talk(pick)
        self.stores[side].set_tags(number, tags)
        self.stores[side].pin(number, pinned)
        talk.tags, talk.pinned = tuple(sorted(tags)), pinned

    @precondition(any_talk)
    @rule(side=SIDES, pick=PICK, archived=st.booleans(), draft=WORDS)
    def put_away(self, side: int, pick: int, archived: bool, draft: str) -> None:
        number, talk = self.talk(pick)
        self.stores[side].archive(number, archived)
        self.stores[side].save_draft(number, draft)
        self.stores[side].save_draft(None, draft[::-1])
        talk.archived, talk.draft, self.first_draft = archived, draft, draft[::-1]

    @precondition(any_message)
    @rule(side=SIDES, pick=PICK)
    def fork(self, side: int, pick: int) -> None:
        number, talk, each = self.place(pick)
        made = self.stores[side].fork(number, each)
        twin = Talk(talk.title, next(self.ticks), by_user=talk.by_user, tags=talk.tags)
        copies = self.stores[side].branch(made.id)
        for copy, old in zip(copies, talk.way(each), strict=True):
            twin.messages[copy.id] = Message(twin.leaf, copy.role, talk.messages[old].text)
            twin.leaf = copy.id
        assert made.forked_from == each
        self.talks[made.id] = twin

    @precondition(any_talk)
    @rule(side=SIDES, pick=PICK)
    def import_again(self, side: int, pick: int) -> None:
        number, talk = self.talk(pick)
        document = self.stores[side].export_conversation(number)
        made = self.stores[side].import_conversation(document)
        again = self.stores[1 - side].export_conversation(made.id)
        there = talk.there()
        new = dict(zip(there, (message.id for message in again.messages), strict=True))
        assert [message.parent_id for message in again.messages] == [
            None if message.parent is None else new[message.parent] for message in there.values()
        ]
        twin = Talk(talk.title, talk.at, by_user=True, tags=talk.tags, pinned=talk.pinned, archived=talk.archived)
        for old, message in there.items():
            parent = None if message.parent is None else new[message.parent]
            twin.messages[new[old]] = Message(parent, message.role, message.text)
        twin.leaf = None if talk.leaf is None else new[talk.leaf]
        assert again.leaf_id == twin.leaf
        self.talks[made.id] = twin

    @rule(side=SIDES, words=WORDS, beginning=st.sampled_from(["", "a", "be", "APP", "ecl"]))
    def search(self, side: int, words: str, beginning: str) -> None:
        query = SearchQuery(words=tuple(words.split()), beginning=beginning)
        if not query.has_words:
            return
        hits = self.stores[side].search(query, limit=10_000)
        found = sorted((hit.conversation.id, hit.message_id or 0) for hit in hits)
        assert found == sorted(self.holding(query))
        assert self.stores[side].search(query, limit=3, offset=2) == hits[2:5]
        for hit in hits:
            for start, stop in hit.snippet.marks:
                assert any(
                    hit.snippet.text[start:stop].lower().replace("é", "e").startswith(word.lower().replace("é", "e"))
                    for word in (*query.words, beginning)
                    if word
                )

    def holding(self, query: SearchQuery) -> Iterator[tuple[int, int]]:
        for number, talk in self.talks.items():
            if talk.deleted:
                continue
            texts = {0: talk.title} | {each: message.text for each, message in talk.there().items()}
            for each, text in texts.items():
                words = re.findall(r"\w+", text.lower().replace("é", "e"))
                if all(word.lower().replace("é", "e") in words for word in query.words) and (
                    not query.beginning or any(word.startswith(query.beginning.lower()) for word in words)
                ):
                    yield number, each

    @invariant()
    def everything_is_there(self) -> None:
        if not hasattr(self, "stores"):
            return
        for store in self.stores:
            for archived in (False, True):
                listed = store.conversations(archived=archived, limit=1000)
                assert [each.id for each in listed] == self.listed(archived)
                assert list(self.pages(store, archived)) == listed
            assert store.draft(None) == self.first_draft
            assert {each.id for each in store.deleted_conversations()} == {
                number for number, talk in self.talks.items() if talk.deleted
            }
            for number, talk in self.talks.items():
                if not talk.deleted:
                    self.check(store, number, talk)

    def listed(self, archived: bool) -> list[int]:
        there = [
            (talk.pinned, talk.at, number)
            for number, talk in self.talks.items()
            if not talk.deleted and talk.archived == archived
        ]
        return [number for _, _, number in sorted(there, reverse=True)]

    def pages(self, store: Store, archived: bool) -> Iterator[ConversationSummary]:
        last: ConversationSummary | None = None
        while page := store.conversations(archived=archived, limit=2, after=last):
            yield from page
            last = page[-1]

    def check(self, store: Store, number: int, talk: Talk) -> None:
        summary = store.conversation(number)
        assert (summary.title, summary.tags, summary.pinned, summary.archived, summary.message_count) == (
            talk.title,
            talk.tags,
            talk.pinned,
            talk.archived,
            len(talk.there()),
        )
        branch = [(message.id, message.text) for message in store.branch(number)]
        assert branch == [(each, talk.messages[each].text) for each in talk.way(talk.leaf)]
        assert [(node.id, node.parent_id, node.deleted) for node in store.tree(number)] == [
            (each, message.parent, message.deleted_with is not None) for each, message in talk.messages.items()
        ]
        assert store.draft(number) == talk.draft

    @rule(side=SIDES)
    def changes_are_seen(self, side: int) -> None:
        changes = self.stores[side].changes(self.versions[side])
        assert len(set(changes.conversations)) == len(changes.conversations)
        self.versions[side] = changes.revision
        assert self.stores[side].changes(changes.revision).conversations == ()


TestStoreMachine = StoreMachine.TestCase
TestStoreMachine.settings = settings(
    max_examples=25, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
