"""The part of the chat screen with which one changes what was said: other words, other versions, other branches."""

from __future__ import annotations

from textual import on, work

from lmchat.app.session import Session
from lmchat.tui.screens.talking import TalkingScreen
from lmchat.tui.widgets.conversation_view import ConversationView
from lmchat.values.errors import LMStudioError
from lmchat.values.history import MessageRecord
from lmchat.values.safe_text import safe_text


class RevisingScreen(TalkingScreen):
    """A conversation of which every version is kept, and can be gone to."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._deleted: list[int] = []
        """Messages that were deleted in this conversation, the last one last."""
        self._revised: tuple[MessageRecord, int] | None = None
        """The message that is being put in other words, and its place in the branch."""

    @on(ConversationView.Wanted)
    def _want(self, event: ConversationView.Wanted) -> None:
        if self._refuse_while_answering():
            return
        match event.deed:
            case "revise":
                self._begin_to_revise(event.message, event.number)
            case "regenerate":
                # Of a question, the answer is meant.
                at = event.number + (1 if event.message.role == "user" else 0)
                self._ask(self._conversation.regenerate(at))
            case "extend" if event.number == len(self._conversation.branch) - 1:
                self._ask(self._conversation.extend())
            case "extend":
                self._status.say("Only the last answer can go on.")
            case "fork":
                self._fork(event.message)
            case "tree":
                self._show_tree(event.number)
            case _:
                self._change_branch(event.deed, event.message, event.number)

    @work(exclusive=True, group="branch")
    async def _change_branch(self, deed: str, message: MessageRecord, number: int) -> None:
        """Show another branch in the place of the one there, or take messages off it."""
        if (tree := self._conversation.tree) is None:
            return
        try:
            match deed:
                case "flip" | "flip_back":
                    if not await tree.flip(message.id, 1 if deed == "flip" else -1):
                        self._status.say("There is no other one on this side.")
                        return
                case "delete":
                    await tree.delete(message.id)
                    self._deleted.append(message.id)
                    self._status.say("Deleted, with all that followed. u brings it back.")
            await self._reload(number)
        except LMStudioError as wrong:
            self._status.say(str(wrong))

    @on(ConversationView.UndoWanted)
    async def _undelete(self) -> None:
        if self._refuse_while_answering():
            return
        if not self._deleted or (tree := self._conversation.tree) is None:
            self._status.say("Nothing was deleted here.")
            return
        try:
            await tree.undelete(self._deleted.pop())
            await self._reload(len(self._conversation.branch))
        except LMStudioError as wrong:
            self._status.say(str(wrong))

    async def _reload(self, number: int) -> None:
        """Show the conversation as it is in the store now; a message stays where it is on the screen."""
        await self._conversation.reload()
        if self._conversation.branch:
            self._view.show_changed(self._conversation.branch, number)
        else:
            self._show_welcome()
        self._show_numbers()

    @work(exclusive=True, group="branch")
    async def _fork(self, message: MessageRecord) -> None:
        """Go on from a message in a conversation of its own."""
        if (tree := self._conversation.tree) is None:
            return
        try:
            fork = await tree.fork(message.id)
        except LMStudioError as wrong:
            self._status.say(str(wrong))
            return
        await self._read(fork)
        self._status.say("This is a copy up to there; the other conversation is as it was.")
        self._prompt.focus()

    @work(exclusive=True, group="branch")
    async def _show_tree(self, number: int) -> None:
        """Choose a place in the tree of all that was ever said here."""
        from lmchat.tui.screens.tree import TreeScreen

        if (tree := self._conversation.tree) is None:
            return
        try:
            nodes = await tree.nodes()
            current = [outline.id for outline in self._conversation.branch.outlines]
            chosen = await self.app.push_screen_wait(TreeScreen(nodes, current, current[number]))
            if chosen is not None:
                if chosen.deleted:
                    await tree.undelete(chosen.id)
                await tree.go_to(chosen.id)
                await self._reload(number)
                await self._view.go_to_message(chosen.id)
        except LMStudioError as wrong:
            self._status.say(str(wrong))

    def _begin_to_revise(self, message: MessageRecord, number: int) -> None:
        """Let the user write a message anew; what was in the prompt comes back after."""
        self._revised = (message, number)
        self._prompt.swap(safe_text(message.text))
        what = "your question: Enter asks it" if message.role == "user" else "the message: Enter keeps it"
        self._status.question = f"Editing {what}, Esc leaves it as it was"
        self._prompt.focus()
        self.refresh_bindings()

    def _revise(self, text: str) -> None:
        assert self._revised is not None
        message, number = self._revised
        self._end_revision()
        if message.role == "user":
            self._ask(self._conversation.revise(number, text), text)
        else:
            self._ask(self._conversation.rewrite(number, text), text)

    def _end_revision(self) -> None:
        self._revised = None
        self._status.question = ""
        self._prompt.swap_back()
        self.refresh_bindings()

    def take_revision(self, text: str) -> bool:
        """Put a message into the words that were typed, if one is being edited."""
        if self._revised is None:
            return False
        self._revise(text)
        return True

    async def action_stop(self) -> None:
        """Stop the editing of a message, or the answer."""
        if self._revised is not None:
            self._end_revision()
        else:
            await super().action_stop()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer to stop only what can be stopped."""
        if action == "stop" and self._revised is not None:
            return True
        return super().check_action(action, parameters)

    def begin_conversation(self) -> None:
        """Nothing was deleted in another conversation."""
        super().begin_conversation()
        self._deleted = []
