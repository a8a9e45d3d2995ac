"""A folder of records: one folder each."""

from __future__ import annotations

import contextlib
import logging
import re
import secrets
import shutil
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from interject.agent.records.lines import RecordBegun
from interject.agent.records.record_folder import (
    LINES,
    NoSuchRecord,
    RecordFolder,
    RecordGoesOn,
)
from interject.agent.records.session_record import RecordState
from interject.agent.records.session_recorder import SessionRecorder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from interject.agent.records.session_record import RecordHead, SessionRecord
    from interject.config import Profile

logger = logging.getLogger(__name__)

_ID = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{8}")


@dataclass(frozen=True, slots=True)
class Swept:
    """The ids of what was deleted, and why others that are as old were not."""

    gone: tuple[str, ...]
    stayed: Mapping[str, OSError]


@dataclass(frozen=True, slots=True)
class KnownSession:
    """The ids of its records, and all names under which something of it may lie elsewhere."""

    records: tuple[str, ...]
    names: frozenset[str]


class RecordStore:
    """Several processes may write into one folder. Ids are ours alone, and safe in a path."""

    def __init__(self, folder: Path, *, wall_clock: Callable[[], float] = time.time) -> None:
        self.folder = folder
        self._wall_clock = wall_clock

    def begin(self, profile: Profile, call: str) -> SessionRecorder | None:
        """None where the profile keeps nothing, or the disk takes nothing, which is logged."""
        privacy = profile.privacy
        if privacy.retention == "nothing":
            return None
        now = self._wall_clock()
        begun = RecordBegun(
            id=_fresh_id(now),
            call=call,
            profile=profile.name,
            began=round(now, 3),
            retention=privacy.retention,
            lifetime_h=privacy.lifetime_h,
            threshold=profile.threshold,
            audio=privacy.audio,
        )
        path = self.folder / begun.id
        try:
            path.mkdir(mode=0o700, parents=True)
            return SessionRecorder(path / LINES, begun, privacy, wall_clock=self._wall_clock)
        except OSError as error:
            shutil.rmtree(path, ignore_errors=True)  # Nobody else has this id.
            logger.warning("Nothing can be kept", extra={"error_type": type(error).__name__})
            return None

    def list(self) -> tuple[RecordHead, ...]:
        """Newest first. What cannot be read is there too, as broken."""
        heads = []
        for folder in self._folders():
            with contextlib.suppress(NoSuchRecord):
                heads.append(folder.head())
        return tuple(sorted(heads, key=lambda head: head.began, reverse=True))

    def read(self, record_id: str) -> SessionRecord:
        """:raises NoSuchRecord: when there is none of this id."""
        return self._folder(record_id).read()

    def audio(self, record_id: str) -> tuple[Path, ...]:
        """FLAC files, one for each ear.

        :raises NoSuchRecord: when there is no record of this id.
        """
        return self._folder(record_id).audio()

    def named(self, session: str) -> tuple[RecordHead, ...]:
        """The record of this id, or all of a call of this id."""
        if not session:
            return ()
        return tuple(head for head in self.list() if session in (head.id, head.call))

    def known(self, session: str) -> KnownSession:
        """By the id of a record or of a call, of which nothing need be kept.

        :raises RecordGoesOn: when one of its records does.
        """
        names, heads = {session}, self.named(session)
        for head in heads:
            if head.state is RecordState.LIVE:
                raise RecordGoesOn(head.id)
            with contextlib.suppress(NoSuchRecord):
                names |= self.read(head.id).sessions
        return KnownSession(tuple(head.id for head in heads), frozenset(names))

    def delete(self, record_id: str) -> None:
        """All of it. May be repeated where it fails.

        :raises NoSuchRecord: when there is none of this id.
        :raises RecordGoesOn: when it is still being written, by whatever process.
        :raises OSError: when something of it stays.
        """
        self._folder(record_id).remove()

    def sweep(self) -> Swept:
        """Delete what has outlived its lifetime. What cannot be deleted stops no other."""
        now = self._wall_clock()
        gone, stayed = [], {}
        for head in self.list():
            if head.expires > now:
                continue
            try:
                self.delete(head.id)
            except (NoSuchRecord, RecordGoesOn):
                continue
            except OSError as error:
                stayed[head.id] = error
            else:
                gone.append(head.id)
        return Swept(tuple(gone), stayed)

    def _folders(self) -> Iterator[RecordFolder]:
        if self.folder.is_dir():
            found = (path for path in self.folder.iterdir() if _is_record(path))
            yield from map(RecordFolder, found)

    def _folder(self, record_id: str) -> RecordFolder:
        path = self.folder / record_id
        if not _ID.fullmatch(record_id) or not _is_record(path):
            raise NoSuchRecord(record_id)
        return RecordFolder(path)


def _is_record(path: Path) -> bool:
    """A link is none: what it names is somebody else's."""
    return bool(_ID.fullmatch(path.name)) and path.is_dir() and not path.is_symlink()


def _fresh_id(now: float) -> str:
    at = datetime.fromtimestamp(now, UTC)
    return f"{at:%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"
