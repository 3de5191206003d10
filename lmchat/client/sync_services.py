"""What a server offers besides models, for synchronous programs. They only wait: the asynchronous namespaces work."""

from __future__ import annotations

from collections.abc import Generator, Sequence

from lmchat.client.async_files import AsyncFilesNamespace
from lmchat.client.async_repository import AsyncAvailableModel, AsyncModelDownloadOption, AsyncRepositoryNamespace
from lmchat.client.async_system import AsyncDiagnosticsNamespace, AsyncSystemNamespace
from lmchat.client.portal import Portal
from lmchat.client.repository_calls import DownloadFinalizedCallback, DownloadProgressCallback, DownloadRun
from lmchat.client.sync_models import (
    AnyDownloadedModel,
    DownloadedEmbeddingModel,
    DownloadedLlm,
    EmbeddingNamespace,
    LLMNamespace,
)
from lmchat.protocol.endpoints import DownloadOption, SearchResult
from lmchat.values.chat import FileHandle
from lmchat.values.files import LocalFileInput
from lmchat.values.logs import LogEntry
from lmchat.values.model import EmbeddingModelInfo


class SystemNamespace:
    """The server as a whole."""

    def __init__(
        self, system: AsyncSystemNamespace, llm: LLMNamespace, embedding: EmbeddingNamespace, portal: Portal
    ) -> None:
        self._system = system
        self._llm = llm
        self._embedding = embedding
        self._portal = portal

    def list_downloaded_models(self, namespace: str | None = None) -> list[AnyDownloadedModel]:
        """The models on the server's disk; see `AsyncSystemNamespace.list_downloaded_models`."""
        return [
            DownloadedEmbeddingModel(info, self._embedding)
            if isinstance(info, EmbeddingModelInfo)
            else DownloadedLlm(info, self._llm)
            for info in self._portal.call(self._system.list_infos(namespace))
        ]

    def get_version(self) -> str:
        """The server's version."""
        return self._portal.call(self._system.get_version())


class FilesNamespace:
    """The files of a server."""

    def __init__(self, files: AsyncFilesNamespace, portal: Portal) -> None:
        self._files = files
        self._portal = portal

    def prepare_image(self, src: LocalFileInput, name: str | None = None) -> FileHandle:
        """Hand an image to the server; see `AsyncFilesNamespace.prepare_image`."""
        return self._portal.call(self._files.prepare_image(src, name))

    def prepare_file(self, src: LocalFileInput, name: str | None = None) -> FileHandle:
        """Hand any file to the server; see `AsyncFilesNamespace.prepare_file`."""
        return self._portal.call(self._files.prepare_file(src, name))


class ModelDownloadOption:
    """A file of a model that can be downloaded."""

    def __init__(self, option: AsyncModelDownloadOption, portal: Portal) -> None:
        self._option = option
        self._portal = portal

    @property
    def info(self) -> DownloadOption:
        """What the server says about it."""
        return self._option.info

    def __repr__(self) -> str:
        return f"ModelDownloadOption(name={self.info.name!r}, size_bytes={self.info.size_bytes})"

    def download(
        self,
        on_progress: DownloadProgressCallback | None = None,
        on_finalize: DownloadFinalizedCallback | None = None,
    ) -> str:
        """Have the server download it, and give the key by which it can be loaded.

        Arguments and errors as in `AsyncModelDownloadOption.download`.
        """
        run = DownloadRun(on_progress, on_finalize)
        for event in self._portal.iterate(self._option.events()):
            run.feed(event)
        return run.model_key


class AvailableModel:
    """A model that was found."""

    def __init__(self, model: AsyncAvailableModel, portal: Portal) -> None:
        self._model = model
        self._portal = portal

    @property
    def search_result(self) -> SearchResult:
        """What the server says about it."""
        return self._model.search_result

    def __repr__(self) -> str:
        return f"AvailableModel(name={self.search_result.name!r})"

    def get_download_options(self) -> list[ModelDownloadOption]:
        """The files of the model that can be downloaded."""
        options = self._portal.call(self._model.get_download_options())
        return [ModelDownloadOption(option, self._portal) for option in options]


class RepositoryNamespace:
    """The models that a server can download."""

    def __init__(self, repository: AsyncRepositoryNamespace, portal: Portal) -> None:
        self._repository = repository
        self._portal = portal

    def search_models(
        self,
        search_term: str | None = None,
        limit: int | None = None,
        compatibility_types: Sequence[str] | None = None,
    ) -> list[AvailableModel]:
        """Search for models. Arguments and errors as in `AsyncRepositoryNamespace.search_models`."""
        found = self._portal.call(self._repository.search_models(search_term, limit, compatibility_types))
        return [AvailableModel(model, self._portal) for model in found]


class DiagnosticsNamespace:
    """What a server tells of its own work."""

    def __init__(self, diagnostics: AsyncDiagnosticsNamespace, portal: Portal) -> None:
        self._diagnostics = diagnostics
        self._portal = portal

    def stream_logs(self) -> Generator[LogEntry, None, None]:
        """What the server does from now on; see `AsyncDiagnosticsNamespace.stream_logs`. No timeout holds here."""
        return self._portal.iterate(self._diagnostics.stream_logs(), patient=True)
