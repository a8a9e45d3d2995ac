"""A folder of records: one folder each, `lines.jsonl` and perhaps `heard-NAME.flac` in it."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import secrets
import shutil
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from interject.agent.records.lines import RecordBegun
from interject.agent.records.session_record import (
    RecordHead,
    SessionRecord,
    ending,
    read_line,
    read_lines,
)
from interject.agent.records.session_recorder import SessionRecorder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from interject.config import Profile

logger = logging.getLogger(__name__)

LINES = "lines.jsonl"
AUDIO = "heard*.flac"
TAIL_BYTES = 1 << 20
"""The last lines, of which one is the summary and the last the end."""
HOUR_S = 3_600.0
_ID = re.compile(r"^\d{8}T\d{6}Z-[0-9a-f]{8}$")


class NoSuchRecord(Exception):
    """Raised with the id that names none."""


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
            logger.warning("Nothing can be kept", extra={"error_type": type(error).__name__})
            return None

    def list(self) -> tuple[RecordHead, ...]:
        """Newest first."""
        heads = (self._head(path) for path in self._folders())
        return tuple(sorted((h for h in heads if h), key=lambda head: head.began, reverse=True))

    def read(self, record_id: str) -> SessionRecord:
        """:raises NoSuchRecord: when there is none of this id."""
        path = self._path(record_id)
        head = self._head(path)
        if head is None:
            raise NoSuchRecord(record_id)
        first, *rest = read_lines(path / LINES)
        if not isinstance(first, RecordBegun):
            raise NoSuchRecord(record_id)
        return SessionRecord(head, first, tuple(rest))

    def audio(self, record_id: str) -> tuple[Path, ...]:
        """FLAC files, one for each ear.

        :raises NoSuchRecord: when there is no record of this id.
        """
        return tuple(sorted(self._path(record_id).glob(AUDIO)))

    def named(self, session: str) -> tuple[RecordHead, ...]:
        """The record of this id, or all of a call of this id."""
        return tuple(head for head in self.list() if session in (head.id, head.call))

    def delete(self, record_id: str) -> None:
        """All of it. What a session that goes on still says is kept no more.

        :raises NoSuchRecord: when there is none of this id.
        :raises OSError: when something of it stays.
        """
        shutil.rmtree(self._path(record_id))

    def sweep(self) -> tuple[str, ...]:
        """Delete what has outlived its profile's lifetime, and say what that was."""
        now = self._wall_clock()
        old = [head.id for head in self.list() if head.expires <= now]
        for record_id in old:
            with contextlib.suppress(NoSuchRecord):
                self.delete(record_id)
        return tuple(old)

    def _folders(self) -> Iterator[Path]:
        if self.folder.is_dir():
            yield from (path for path in self.folder.iterdir() if _ID.match(path.name))

    def _path(self, record_id: str) -> Path:
        path = self.folder / record_id
        if not _ID.match(record_id) or not path.is_dir():
            raise NoSuchRecord(record_id)
        return path

    def _head(self, path: Path) -> RecordHead | None:
        """Of a record that is being deleted, or is none, nothing."""
        try:
            with (path / LINES).open("rb") as file:
                begun = read_line(file.readline())
                file.seek(max(0, file.seek(0, os.SEEK_END) - TAIL_BYTES))
                tail = [read_line(raw) for raw in file.readlines()[-2:]]
            status = (path / LINES).stat()
            audio = [one.stat().st_size for one in path.glob(AUDIO)]
        except OSError:
            return None
        if not isinstance(begun, RecordBegun):
            return None
        ended = ending(line for line in tail if line is not None)
        last = status.st_mtime if ended is None else begun.began + ended.seconds
        return RecordHead(
            id=begun.id,
            call=begun.call,
            profile=begun.profile,
            began=begun.began,
            seconds=None if ended is None else ended.seconds,
            expires=last + begun.lifetime_h * HOUR_S,
            retention=begun.retention,
            has_audio=bool(audio),
            size_bytes=status.st_size + sum(audio),
        )


def _fresh_id(now: float) -> str:
    at = datetime.fromtimestamp(now, UTC)
    return f"{at:%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"
