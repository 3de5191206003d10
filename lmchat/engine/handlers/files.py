"""The `files` namespace: files that clients hand over, to refer to them in conversations."""

from __future__ import annotations

from typing import Any

from lmchat.engine.faults import RequestError
from lmchat.engine.serving.channel import ServerChannel
from lmchat.engine.serving.endpoints import Endpoint, Endpoints
from lmchat.engine.serving.version import PACKAGE, server_version
from lmchat.engine.uploads import Upload, Uploads
from lmchat.protocol import endpoints as wire
from lmchat.protocol.engine_endpoints import (
    DocumentParser,
    FileParameter,
    ParseProgress,
    ParseResult,
    ParserLoaded,
)
from lmchat.protocol.errors import failure


class FileEndpoints:
    """Handlers of the namespace."""

    def __init__(self, uploads: Uploads) -> None:
        self._uploads = uploads

    def table(self) -> Endpoints:
        """All endpoints of the namespace."""
        calls = {
            "uploadFileBase64": Endpoint(wire.UploadFileBase64, self._upload),
            "getDocumentParsingLibrary": Endpoint(FileParameter, self._get_library),
            "getLocalFileAbsolutePath": Endpoint(Any, self._get_local_path),
        }
        channels = {
            "parseDocument": Endpoint(FileParameter, self._parse),
            "retrieve": Endpoint(Any, self._retrieve),
        }
        return Endpoints(calls, channels)

    async def _upload(self, file: wire.UploadFileBase64) -> wire.UploadedFile:
        upload = self._uploads.add(file.name, file.content_base64)
        return wire.UploadedFile(
            identifier=upload.identifier, file_type=upload.file_type, size_bytes=len(upload.content)
        )

    async def _get_library(self, request: FileParameter) -> DocumentParser:
        self._text(request.file_identifier)
        return _parser()

    async def _parse(self, request: FileParameter, channel: ServerChannel) -> None:
        text = self._text(request.file_identifier)
        await channel.send(ParserLoaded(parser=_parser()))
        await channel.send(ParseProgress(progress=1.0))
        await channel.send(ParseResult(content=text, parser=_parser()))

    async def _get_local_path(self, _: Any) -> None:
        raise RequestError(failure("Files are kept in memory here, so none has a path"))

    async def _retrieve(self, _: Any, __: ServerChannel) -> None:
        raise RequestError(
            failure("This server does not search in files", suggestion="Put the text into the conversation.")
        )

    def _text(self, identifier: str) -> str:
        upload = self._uploads.find(identifier)
        if upload is None:
            raise RequestError(failure("This file is not on the server", suggestion="Upload it, or upload it again."))
        return _readable(upload)


def _readable(upload: Upload) -> str:
    if upload.text is None:
        raise RequestError(failure(f"Only text can be read here, and {upload.name} is none"))
    return upload.text


def _parser() -> DocumentParser:
    return DocumentParser(library=f"{PACKAGE}-text", version=server_version())
