"""Handing files to a server, for asynchronous programs."""

from __future__ import annotations

import asyncio

from lmchat.client.async_models import Connect
from lmchat.values.chat import FileHandle
from lmchat.values.files import LocalFile, LocalFileInput


class AsyncFilesNamespace:
    """The files of a server."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect

    async def prepare_image(self, src: LocalFileInput, name: str | None = None) -> FileHandle:
        """Hand an image to the server, to be given to `Chat.add_user_message` as one of its `images`.

        Args:
            src: a path, the content itself, or an open binary file. JPEG, PNG and WebP are images.
            name: the image's name; None: that of the file, else a fresh one.

        Raises:
            LMStudioOSError: the file cannot be read.
            LMStudioValueError: it is no image, or is not given as one of these.
        """
        file = await asyncio.to_thread(LocalFile.read, src, name)
        return await self._upload(file.require_image())

    async def prepare_file(self, src: LocalFileInput, name: str | None = None) -> FileHandle:
        """Hand any file to the server, to be made part of a message. Arguments and errors as in `prepare_image`."""
        return await self._upload(await asyncio.to_thread(LocalFile.read, src, name))

    async def _upload(self, file: LocalFile) -> FileHandle:
        return await (await self._connect()).upload(file)
