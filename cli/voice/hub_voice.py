"""A voice's few files in a repository of many voices, under the names that they shall have."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, BinaryIO

from interject.cli.model.hub_repository import HubFile, HubRepository
from interject.cli.process.failures import InputFailure

if TYPE_CHECKING:
    from interject.cli.voice.catalogue import CatalogueVoice


class HubVoice(HubRepository):
    """:raises InputFailure: from every method, when the hub does not give what is pinned."""

    def __init__(self, voice: CatalogueVoice, *, endpoint: str | None = None) -> None:
        super().__init__(voice.repository, endpoint=endpoint)
        self._files = {file.path: file for file in voice.files}
        self._paths = {file.name: file.path for file in voice.files}

    def revision(self, wanted: str) -> tuple[str, list[HubFile]]:
        commit, files = super().revision(wanted)
        found = [self._named(file) for file in files if file.name in self._files]
        missing = self._paths.keys() - {file.name for file in found}
        if missing:
            raise InputFailure(f"{self.name}: revision {wanted!r} lacks {', '.join(missing)}")
        return commit, found

    def download(self, file: HubFile, commit: str, into: BinaryIO, *, present_bytes: int) -> None:
        there = replace(file, name=self._paths[file.name])
        super().download(there, commit, into, present_bytes=present_bytes)

    def _named(self, file: HubFile) -> HubFile:
        known = self._files[file.name]
        if known.digest and file.digest != known.digest:
            raise InputFailure(
                f"{self.name}: {file.name} is not the file that was pinned: its hash differs"
            )
        return replace(file, name=known.name)
