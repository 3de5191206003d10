"""Tools that misbehave while they run. What else runs do is tried with whole acts."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import lmchat as lms
from lmchat.client.tools import FinishedCall, ToolCall
from lmchat.client.tools_running import ToolRunner, ToolTasks, ToolThreads


def fail_with(error: BaseException) -> Callable[[], str]:
    def work() -> str:
        raise error

    return work


REQUEST = lms.ToolCallRequest(name="tool", id="1")


@pytest.mark.parametrize("kind", [ToolThreads, ToolTasks])
@pytest.mark.parametrize("error", [ValueError("no"), StopIteration(), TimeoutError()])
async def test_whatever_a_tool_raises_is_its_outcome(kind: Callable[[int], ToolRunner], error: Exception) -> None:
    async with kind(1) as runner:
        runner.start(ToolCall(REQUEST, fail_with(error)))
        assert await runner.next_finished() == FinishedCall(REQUEST, error=error)
        runner.start(ToolCall(REQUEST, lambda: "fine"))
        assert await runner.next_finished() == FinishedCall(REQUEST, "fine")


async def test_a_program_that_a_tool_ends_is_ended() -> None:
    with pytest.raises(SystemExit):
        async with ToolThreads(1) as runner:
            runner.start(ToolCall(REQUEST, fail_with(SystemExit())))
            await runner.next_finished()
