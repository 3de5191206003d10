"""Our own engine, as a process that lives exactly as long as the program that started it."""

from __future__ import annotations

import asyncio
import subprocess
from asyncio.subprocess import Process
from typing import Final

import msgspec

from lmchat.client.address import ServerAddress
from lmchat.protocol import child_process
from lmchat.protocol.child_process import EngineAnswer, EngineFailed, EngineOptions, EngineReady
from lmchat.values.errors import EngineError

_START_TIMEOUT: Final = 30.0
"""Seconds until it must listen; models load afterwards."""
_END_TIMEOUT: Final = 3.0


class EngineProcess:
    """A running engine."""

    def __init__(self, process: Process, address: ServerAddress) -> None:
        self._process = process
        self.address: Final = address

    @classmethod
    async def start(cls, options: EngineOptions) -> EngineProcess:
        """Start an engine and wait until it listens.

        Raises:
            EngineError: it could not be started.
        """
        try:
            process = await asyncio.create_subprocess_exec(
                *child_process.command("lmchat.engine"),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=child_process.environment(),
                **child_process.own_group(),
            )
        except OSError as wrong:
            raise EngineError(f"lmchat's engine cannot be started: {wrong}.") from wrong
        engine = cls(process, ServerAddress("", 0))
        try:
            ready = await engine._greet(options)
        except BaseException:
            await engine.close()
            raise
        return cls(process, ServerAddress(ready.host, ready.port))

    async def close(self) -> None:
        """End the engine and its workers."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            async with asyncio.timeout(_END_TIMEOUT):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()

    async def _greet(self, options: EngineOptions) -> EngineReady:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None and stdout is not None
        stdin.write(msgspec.json.encode(options) + b"\n")
        try:
            async with asyncio.timeout(_START_TIMEOUT):
                line = await stdout.readline()
        except TimeoutError:
            raise EngineError(
                f"lmchat's engine did not start within {_START_TIMEOUT:.0f} seconds. Try again."
            ) from None
        try:
            answer: EngineAnswer = msgspec.json.decode(line, type=EngineReady | EngineFailed)
        except msgspec.DecodeError:
            raise EngineError(f"lmchat's engine ended as it started; its log is in {options.logs_folder}.") from None
        if isinstance(answer, EngineFailed):
            raise EngineError(answer.message)
        return answer
